"""``seatsync relay``: what its flags stand for."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from room.errors import InvalidArgument
from seatsync.cli import relay
from seatsync.cli.flags import Flags
from seatsync.cli.relay_flags import read_settings
from sei.config import RelayConfig, StreamConfig


def settings(*arguments: str, **environment: str) -> RelayConfig:
    parser = argparse.ArgumentParser()
    relay.register(parser, Flags(environment))
    return read_settings(parser.parse_args(arguments))


@pytest.fixture
def media(tmp_path: Path) -> Path:
    path = tmp_path / "evening.mp4"
    path.write_bytes(b"x")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "relay.toml"
    text = 'gateway = "http://g:1"\nlisten = "127.0.0.1:1"\nstatus_listen = "127.0.0.1:2"\n'
    path.write_text(text + '[[stream]]\nname = "main"\nroom = "demo"\ninput = "test:"\n')
    return path


def test_a_room_alone_is_the_test_picture_for_flv_players() -> None:
    assert settings("demo") == RelayConfig(
        status_listen="127.0.0.1:0",
        streams=(StreamConfig(name="demo", room="demo", input="test:"),),
    )


def test_media_is_a_file_over_and_over(media: Path) -> None:
    config = settings("demo", "--media", str(media), "--relay-listen", "[::1]:7")
    assert config.listen == "[::1]:7"
    (stream,) = config.streams
    assert (stream.input, stream.loop, stream.paced) == (str(media), True, True)


def test_every_flag_of_a_stream_reaches_it(media: Path) -> None:
    flags = ("--name", "n", "--engine", "av", "--inject", "keyframes", "--unpaced")
    more = ("--max-message-bytes", "500", "--redirect", "*.example.org")
    outputs = ("--output", "flv", "--output", "hls")
    config = settings("demo", "--input", str(media), *flags, *more, *outputs)
    assert config.streams == (
        StreamConfig(
            name="n",
            room="demo",
            input=str(media),
            outputs=("flv", "hls"),
            engine="av",
            inject="keyframes",
            paced=False,
            max_message_bytes=500,
            redirects=("*.example.org",),
        ),
    )


def test_listen_is_another_word_for_relay_listen() -> None:
    assert settings("demo", "--listen", "127.0.0.1:9").listen == "127.0.0.1:9"
    variable = {"SEATSYNC_RELAY_LISTEN": "127.0.0.1:8"}
    assert settings("demo", **variable).listen == "127.0.0.1:8"
    assert settings("demo", "--listen", "127.0.0.1:9", **variable).listen == "127.0.0.1:9"


def test_outputs_may_come_from_the_environment() -> None:
    assert settings("demo", SEATSYNC_OUTPUT="flv,mp4").streams[0].outputs == ("flv", "mp4")


def test_a_file_says_everything(file: Path) -> None:
    config = settings("--config", str(file))
    assert (config.gateway, config.listen) == ("http://g:1", "127.0.0.1:1")
    assert [stream.name for stream in config.streams] == ["main"]


def test_where_things_are_on_this_machine_a_flag_may_say_instead(file: Path) -> None:
    config = settings(
        "--config", str(file), "--gateway", "http://h:2", "--status-listen", "127.0.0.1:0"
    )
    assert (config.gateway, config.listen) == ("http://h:2", "127.0.0.1:1")
    assert config.status_listen == "127.0.0.1:0"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give a room, or --config"),
        (("demo", "--key", "k.pem"), "--key and --kid go together"),
        (("demo", "--media", "a", "--input", "b"), "--media is --input with --loop"),
        (("demo", "--input", "-", "--until-stdin-ends"), "standard input cannot be"),
        (("demo", "--input", "gone.mp4"), "no such file"),
        (("demo", "--config", "relay.toml"), "ROOM is of one stream"),
        (("--config", "relay.toml", "--output", "flv"), "--output is of one stream"),
        (("--config", "relay.toml", "--loop"), "--loop is of one stream"),
        (("--config", "gone.toml"), "gone.toml: No such file"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        settings(*arguments)
