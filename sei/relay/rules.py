"""What a configuration must hold beyond the types of its values."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from room.errors import InvalidArgument
from room.names import check_room
from sei.config import MAX_STREAMS_PER_WORKER, Probe, RelayConfig, SigningKey, StreamConfig
from sei.inputs.address import Address, parse_address
from sei.outputs.address import Output, parse_output
from sei.policy import split_address
from sei.relay.engines import choose_engine
from sei.wire.payload import MAX_MESSAGE_BYTES, MIN_MESSAGE_BYTES
from sei.wire.signature import Signer, read_signer

MAX_STREAMS: Final = 2000
MAX_OUTPUTS: Final = 16
MAX_REDIRECT_HOSTS: Final = 32
MAX_TEXT_BYTES: Final = 2048
MESSAGE_BYTES: Final = range(MIN_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:]+\]")
_MAX_KEY_BYTES: Final = 64 * 1024
_LISTENS: Final = ("listen", "status_listen")
Value = TypeVar("Value")


def check_config(config: RelayConfig) -> None:
    """Check everything that can be checked without connecting anywhere.

    Raises:
        InvalidArgument: the sentence names the key and what is expected.
    """
    _check_relay(config)
    if not config.streams:
        raise InvalidArgument("there is no [[stream]]")
    if len(config.streams) > MAX_STREAMS:
        raise InvalidArgument(f"there are more than {MAX_STREAMS} streams")
    names: set[str] = set()
    for stream in config.streams:
        if stream.name in names:
            raise InvalidArgument(f"stream {stream.name!r}: there are two of that name")
        names.add(stream.name)
        try:
            _check_stream(stream)
        except InvalidArgument as error:
            raise InvalidArgument(f"stream {stream.name!r}: {error.message}") from error
    _check_shared(config)


def split_listen(text: str) -> tuple[str, int]:
    """Read ``host:port``; an IPv6 host stands in brackets.

    Raises:
        InvalidArgument: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise InvalidArgument(f"{text!r} is not HOST:PORT")
    return host, int(port)


def load_signer(key: SigningKey) -> Signer:
    """Read the key that signs.

    Raises:
        InvalidArgument: it cannot be read, or is none.
    """
    try:
        with Path(key.file).open("rb") as file:
            pem = file.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise InvalidArgument(f"signing.file: {key.file}: {error.strerror}") from error
    try:
        return read_signer(pem, key.id)
    except InvalidArgument as error:
        raise InvalidArgument(f"signing: {error.message}") from error


def _check_relay(config: RelayConfig) -> None:
    listens = [_key(name, split_listen, getattr(config, name)) for name in _LISTENS]
    if listens[0] == listens[1] and listens[0][1] != 0:
        raise InvalidArgument("status_listen: is the same as listen; the two need a port each")
    parts = _key("gateway", split_address, config.gateway)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(f"gateway: {config.gateway!r} is no http:// or https:// address")
    if not 1 <= config.streams_per_worker <= MAX_STREAMS_PER_WORKER:
        raise InvalidArgument(f"streams_per_worker: is not 1 to {MAX_STREAMS_PER_WORKER}")
    if config.signing is not None:
        load_signer(config.signing)


def _check_stream(stream: StreamConfig) -> None:
    if _NAME.fullmatch(stream.name) is None:
        raise InvalidArgument("name: has 1 to 64 of A-Z a-z 0-9 _ -")
    _key("room", check_room, stream.room)
    if stream.max_message_bytes not in MESSAGE_BYTES:
        raise InvalidArgument(
            f"max_message_bytes: is not {MESSAGE_BYTES[0]} to {MESSAGE_BYTES[-1]}"
        )
    _check_text("input", stream.input)
    _check_outputs(stream)
    _check_input(_key("input", parse_address, stream.input), stream)
    _key("engine", lambda _name: choose_engine(stream), stream.engine)
    _check_redirects(stream.redirects)
    if stream.probe is not None:
        _check_probe(stream.probe, stream.outputs)


def _check_outputs(stream: StreamConfig) -> None:
    if not 1 <= len(stream.outputs) <= MAX_OUTPUTS:
        raise InvalidArgument(f"outputs: there are 1 to {MAX_OUTPUTS} of them")
    for text in stream.outputs:
        _check_text("outputs", text)
    for output in _outputs(stream):
        if output.kind == "file" and not os.path.isdir(Path(output.target).parent):
            raise InvalidArgument(f"outputs: {output.shown}: there is no such folder")
    if len(set(stream.outputs)) < len(stream.outputs):
        raise InvalidArgument("outputs: one is there twice")


def _check_text(key: str, text: str) -> None:
    """Keep what is sent to a worker within its bounds."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:  # a flag that is not UTF-8
        raise InvalidArgument(f"{key}: is not UTF-8") from error
    if size > MAX_TEXT_BYTES:
        raise InvalidArgument(f"{key}: is longer than {MAX_TEXT_BYTES} bytes")


def _check_input(address: Address, stream: StreamConfig) -> None:
    is_file = address.kind == "file"
    if is_file and not os.path.isfile(address.path):
        raise InvalidArgument(f"input: {address.shown}: no such file")
    if stream.loop and not is_file:
        raise InvalidArgument("loop: only a file can begin again")
    if not stream.paced and not is_file:
        raise InvalidArgument("paced: only a file can be read faster than it plays")
    if stream.loop and not stream.paced:
        raise InvalidArgument("loop: without pace a file would fill its outputs for ever")
    targets = [os.path.realpath(output.target) for output in _files(stream)]
    if is_file and os.path.realpath(address.path) in targets:
        raise InvalidArgument("outputs: one is the input itself")


def _check_redirects(hosts: tuple[str, ...]) -> None:
    if len(hosts) > MAX_REDIRECT_HOSTS:
        raise InvalidArgument(f"redirects: there are more than {MAX_REDIRECT_HOSTS} hosts")
    for host in hosts:
        if len(host) > 255 or _HOST.fullmatch(host) is None:
            raise InvalidArgument(
                f"redirects: {host[:80]!r} is no host and no *.example.org; ports are not compared"
            )


def _check_probe(probe: Probe, outputs: tuple[str, ...]) -> None:
    _check_text("probe.url", probe.url)
    own = {"flv": ("flv",), "mp4": ("mp4",), "hls": ("hls", "hls-fmp4")}
    if probe.url in own:
        if not set(own[probe.url]) & set(outputs):
            raise InvalidArgument(f"probe.url: {probe.url!r} is no output of this stream")
    elif _key("probe.url", split_address, probe.url).scheme not in ("http", "https"):
        raise InvalidArgument("probe.url: is flv, mp4, hls or an http:// or https:// address")
    if not 1 <= probe.every_s <= 86400:
        raise InvalidArgument("probe.every_s: is not 1 to 86400 seconds")
    if not 1 <= probe.for_s <= min(60.0, probe.every_s):
        raise InvalidArgument("probe.for_s: is not 1 to 60 seconds, or longer than every_s")


def _check_shared(config: RelayConfig) -> None:
    """Refuse two streams that would write, or read, the same thing."""
    takers: dict[str, str] = {}
    for stream in config.streams:
        for what, shown in _exclusive(stream):
            if what in takers:
                raise InvalidArgument(
                    f"stream {stream.name!r}: {shown} is taken by stream {takers[what]!r}"
                )
            takers[what] = stream.name


def _exclusive(stream: StreamConfig) -> Iterator[tuple[str, str]]:
    """Give what no two may have, and how it is called; an address may hold a secret."""
    if stream.input == "-":
        yield "stdin", "standard input"
    for output in _outputs(stream):
        if output.kind == "stdout":
            yield "stdout", "standard output"
        elif output.kind == "rtmp":
            yield output.target, f"the output {output.shown}"
    for output in _files(stream):
        yield os.path.realpath(output.target), f"the output {output.shown}"


def _key(name: str, read: Callable[[str], Value], text: str) -> Value:
    """Read a value; what is wrong with it is said of its key."""
    try:
        return read(text)
    except InvalidArgument as error:
        raise InvalidArgument(f"{name}: {error.message}") from error


def _files(stream: StreamConfig) -> list[Output]:
    return [output for output in _outputs(stream) if output.kind in ("file", "folder")]


def _outputs(stream: StreamConfig) -> list[Output]:
    return [_key("outputs", parse_output, text) for text in stream.outputs]
