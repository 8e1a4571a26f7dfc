"""From an address to what opens it."""

from __future__ import annotations

from pathlib import Path

from sei.config import StreamConfig
from sei.inputs.address import Address
from sei.inputs.file import FileSource
from sei.inputs.http import HttpSource
from sei.inputs.rtmp import RtmpSource
from sei.inputs.stdin import StdinSource
from sei.inputs.udp import UdpSource
from sei.source import ByteSource


def make_source(config: StreamConfig, address: Address) -> ByteSource | None:
    """Make the source of a stream; None where PyAV alone can be it: HLS, the test picture.

    Raises:
        BadMedia: the address is malformed.
    """
    match address.kind:
        case "http":
            return HttpSource(address, redirects=config.redirects)
        case "rtmp":
            return RtmpSource(address.text)
        case "udp":
            return UdpSource(address)
        case "stdin":
            return StdinSource()
        case "file":
            return FileSource(Path(address.path), paced=config.paced, loop=config.loop)
        case "hls" | "test":
            return None
