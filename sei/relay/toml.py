"""``relay.toml``: what an operator writes, checked before anything starts.

```toml
gateway = "http://127.0.0.1:8080"
listen = "0.0.0.0:8082"            # players
status_listen = "127.0.0.1:9092"   # page, /status.json, /metrics

[signing]                          # optional
file = "relay.pem"                 # relative to this file, as every path here
id = "2026-11"

[[stream]]
name = "stage"
room = "demo"
input = "http://origin.example/live/stage.flv"
outputs = ["flv", "mp4", "hls", "rtmp://cdn.example/app/stage"]
redirects = ["*.origin.example"]
probe = { url = "https://cdn.example/stage.flv", every_s = 60 }

[[stream]]
name = "evening"
room = "demo"
input = "evening.mp4"
loop = true
```
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import msgspec

from room.errors import InvalidArgument
from sei.config import Probe, RelayConfig, SigningKey, StreamConfig
from sei.relay.rules import check_config

MAX_FILE_BYTES: Final = 4 << 20
_FMP4: Final = "fmp4:"
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def read_config(path: Path) -> RelayConfig:
    """Read a file.

    Raises:
        InvalidArgument: it cannot be read, or something in it is wrong; file, key and what is
            expected are in the sentence.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidArgument(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error
    try:
        return parse_config(raw, path.parent)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path}: {error.message}") from error


def parse_config(raw: bytes, folder: Path) -> RelayConfig:
    """Read the contents of a file.

    Args:
        raw: TOML.
        folder: what relative paths start from.

    Raises:
        InvalidArgument: something is wrong; key and what is expected are in the sentence.
    """
    try:
        tree = tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise InvalidArgument("is not UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidArgument(f"is not TOML: {error}") from error
    _check_keys(tree)
    try:
        config = msgspec.convert(tree, RelayConfig)
    except msgspec.ValidationError as error:
        raise InvalidArgument(_explain(str(error), tree)) from error
    config = _from_folder(config, folder)
    check_config(config)
    return config


def _check_keys(tree: dict[str, Any]) -> None:
    """Refuse keys that mean nothing, with the one that was perhaps meant."""
    _known("", tree, RelayConfig)
    _known("signing.", tree.get("signing"), SigningKey)
    streams = tree.get("stream")
    for number, stream in enumerate(streams if isinstance(streams, list) else ()):
        where = _place(tree, number)
        _known(f"{where}: ", stream, StreamConfig)
        if isinstance(stream, dict):
            _known(f"{where}: probe.", stream.get("probe"), Probe)


def _known(prefix: str, table: object, shape: type[msgspec.Struct]) -> None:
    if not isinstance(table, dict):
        return
    for key in table.keys() - set(shape.__struct_encode_fields__):
        near = difflib.get_close_matches(key, shape.__struct_encode_fields__, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidArgument(f"{prefix}{key} is no key{hint}")


def _explain(message: str, tree: dict[str, Any]) -> str:
    """Turn ``Expected `int`, got `str` - at `$.stream[0].loop``` into words of the file."""
    what, _, path = message.partition(" - at `$")
    what = what.replace("`", "").replace("Object", "The table")
    words = []
    steps = _STEP.findall(path.rstrip("`"))
    if len(steps) > 1 and steps[0][0] == "stream" and steps[1][1].isdigit():
        words.append(_place(tree, int(steps[1][1])))
        steps = steps[2:]
    key = "".join(f".{name}" if name else f"[{number}]" for name, number in steps).lstrip(".")
    if what.startswith("Invalid enum value"):
        what += f", not one of {', '.join(get_args(get_type_hints(StreamConfig)[key]))}"
    return ": ".join([*words, *([key] if key else []), what[:1].lower() + what[1:]])


def _place(tree: dict[str, Any], number: int) -> str:
    """Say which stream it is: by its name, else by its number in the file."""
    stream = tree["stream"][number]
    name = stream.get("name") if isinstance(stream, dict) else None
    return f"stream {name!r}" if isinstance(name, str) else f"[[stream]] number {number + 1}"


def _from_folder(config: RelayConfig, folder: Path) -> RelayConfig:
    """Make paths start where the file is."""
    streams = tuple(
        msgspec.structs.replace(
            stream,
            input=_path(stream.input, folder),
            outputs=tuple(_output(text, folder) for text in stream.outputs),
        )
        for stream in config.streams
    )
    signing = config.signing
    if signing is not None:
        signing = msgspec.structs.replace(signing, file=str(folder / signing.file))
    return msgspec.structs.replace(config, streams=streams, signing=signing)


def _output(text: str, folder: Path) -> str:
    if text.startswith(_FMP4):
        return _FMP4 + _path(text.removeprefix(_FMP4), folder)
    return _path(text, folder) if "." in text else text


def _path(text: str, folder: Path) -> str:
    """Leave what is no path: addresses, ``-``, ``test:``, and what is wrong anyway."""
    head, colon, _ = text.partition(":")
    is_address = colon and "/" not in head
    return text if is_address or text in ("", "-") or "\x00" in text else str(folder / text)
