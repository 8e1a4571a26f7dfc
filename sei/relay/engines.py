"""Which engine a stream runs on: tags are rewritten as they pass where everything is FLV."""

from __future__ import annotations

from typing import Literal

from sei.config import StreamConfig
from sei.errors import BadMedia
from sei.inputs.address import Address, parse_address
from sei.outputs.address import Output, parse_output


def choose_engine(config: StreamConfig) -> Literal["flv", "av"]:
    """Say which engine a stream runs on.

    Raises:
        BadMedia: an address is malformed, or the engine that is asked for cannot do it.
    """
    address = parse_address(config.input)
    outputs = [parse_output(text) for text in config.outputs]
    if config.engine == "av":
        return "av"
    obstacle = _obstacle(address, outputs, asked=config.engine == "flv")
    if config.engine == "flv" and obstacle:
        raise BadMedia(f"the flv engine cannot do it: {obstacle}")
    return "av" if obstacle else "flv"


def _obstacle(address: Address, outputs: list[Output], *, asked: bool) -> str:
    """Say what speaks against FLV to FLV; an input that could be FLV is believed when asked for."""
    could_be = address.is_flv or (asked and address.kind in ("http", "file", "stdin"))
    if not could_be:
        return f"the input {address.shown} is not FLV"
    other = next((output for output in outputs if not output.takes_tags), None)
    return "" if other is None else f"the output {other.shown} is not made of FLV tags"
