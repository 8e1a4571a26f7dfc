from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gateway.config import Bounds, Config, Rate, Stream
from room.errors import InvalidArgument
from seatsync.cli import door_flags, serve
from seatsync.cli.flags import Flags


def parse(*arguments: str, **variables: str) -> argparse.Namespace:
    flags = Flags({"SEATSYNC_JWT_SECRET": "s" * 32, **variables})
    parser = argparse.ArgumentParser()
    serve.register(parser, flags)
    namespace = parser.parse_args(arguments)
    flags.check_environment(parser)
    return namespace


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATSYNC_JWT_SECRET", "s" * 32)


def configure(*arguments: str, **variables: str) -> Config:
    return serve.configure(parse("--listen", "127.0.0.1:0", *arguments, **variables))


def bounds(*arguments: str, **variables: str) -> Bounds:
    return door_flags.read_bounds(parse(*arguments, **variables))


def test_unless_told_otherwise_the_limits_are_those_of_the_protocol() -> None:
    assert bounds() == Bounds()


@pytest.mark.parametrize("off", ["0", "off"])
def test_every_limit_can_be_turned_off(off: str) -> None:
    names = ("user-commands", "room-commands", "user-polls", "connections")
    told = bounds(*(word for name in names for word in (f"--{name}-per-s", off)))
    assert told == Bounds(None, None, None, None, None)


def test_a_burst_is_in_proportion_unless_it_is_given() -> None:
    assert bounds("--user-commands-per-s", "5", "--room-commands-per-s", "1") == Bounds(
        Rate(5, 15), Rate(1, 1)
    )
    assert bounds("--user-burst", "7", "--room-burst", "9") == Bounds(Rate(20, 7), Rate(1000, 9))


def test_polls_and_connections_are_bounded_where_that_is_said() -> None:
    told = bounds(SEATSYNC_USER_POLLS_PER_S="2", SEATSYNC_USER_CONNECTIONS="3")
    assert (told.user_polls, told.user_connections) == (Rate(2, 6), 3)


@pytest.mark.parametrize("whose", ["user", "room"])
def test_a_burst_of_a_limit_that_is_off_is_a_contradiction(whose: str) -> None:
    with pytest.raises(InvalidArgument, match=f"--{whose}-burst"):
        bounds(f"--{whose}-commands-per-s", "off", f"--{whose}-burst", "5")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--user-commands-per-s", "-1"),
        ("--user-commands-per-s", "1.5"),
        ("--user-commands-per-s", "1000001"),
        ("--user-commands-per-s", ""),
        ("--user-burst", "0"),
        ("--user-connections", "many"),
        ("--public-url", "rooms.example"),
        ("--public-url", "https://rooms.example?x=1"),
        ("--public-url", "https://rooms.example:99999"),
        ("--public-url", "https://user:pass@rooms.example"),
        ("--origin", "rooms.example"),
        ("--origin", "null"),
        ("--origin", "https://rooms.example/page"),
        ("--announcement", " "),
        ("--audience", ""),
        ("--issuer", ""),
        ("--orientation", "upright"),
        ("--stream", "avi=http://a.example"),
        ("--stream", "flv=http://a.example/{rom}"),
    ],
)
def test_a_wrong_value_ends_with_status_2_and_names_the_flag(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err.rpartition("error: ")[2]


@pytest.mark.usefixtures("secret")
def test_the_door_is_configured_by_flags_or_variables() -> None:
    by_flags = configure(
        *("--public-url", "https://rooms.example/seats/"),
        *("--origin", "HTTPS://A.example:443", "--origin", "http://b.example:8080"),
        *("--announcement", "Back at 9", "--anonymous-push", "--single-room-seat"),
        *("--metrics-listen", "127.0.0.1:0"),
    )
    by_variables = configure(
        SEATSYNC_PUBLIC_URL="https://rooms.example/seats",
        SEATSYNC_ORIGIN="https://a.example, http://b.example:8080",
        SEATSYNC_ANNOUNCEMENT="Back at 9",
        SEATSYNC_ANONYMOUS_PUSH="1",
        SEATSYNC_SINGLE_ROOM_SEAT="1",
        SEATSYNC_METRICS_LISTEN="127.0.0.1:0",
    )
    assert by_flags == by_variables
    assert by_flags.public_url == "https://rooms.example/seats"
    assert by_flags.origins == ("https://a.example", "http://b.example:8080")
    assert (by_flags.announcement, by_flags.anonymous_push) == ("Back at 9", True)
    assert by_flags.single_room_seat


@pytest.mark.usefixtures("secret")
def test_a_star_beside_named_origins_is_a_contradiction() -> None:
    assert configure("--origin", "*").origins == ("*",)
    with pytest.raises(InvalidArgument, match="--origin"):
        configure("--origin", "*", "--origin", "https://a.example")


@pytest.mark.usefixtures("secret")
def test_one_address_for_clients_and_metrics_is_a_contradiction() -> None:
    with pytest.raises(InvalidArgument, match="--metrics-listen"):
        serve.configure(parse("--listen", "127.0.0.1:9", "--metrics-listen", "127.0.0.1:9"))


def test_several_streams_keep_their_order() -> None:
    told = parse("--stream", "flv:hd=http://a.example/1", "--stream", "hls=http://a.example/2")
    assert told.stream == [
        Stream("flv", "http://a.example/1", "hd"),
        Stream("hls", "http://a.example/2"),
    ]


def test_an_orientation_of_no_stream_is_a_contradiction() -> None:
    with pytest.raises(InvalidArgument, match="--orientation"):
        door_flags.check_streams((), "portrait")
    door_flags.check_streams((Stream("flv", "http://a.example"),), "portrait")


def test_the_audit_log_is_a_path() -> None:
    assert parse("--audit-log", "a/b.jsonl").audit_log == Path("a/b.jsonl")
    assert parse().audit_log is None
