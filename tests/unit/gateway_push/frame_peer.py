"""An independent strict peer: the client side of another implementation, without sockets."""

from __future__ import annotations

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import Protocol, Side, State


def open_client(deflate: bool = False) -> Protocol:
    """Give a client behind its handshake."""
    client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    if deflate:
        client.extensions = [
            PerMessageDeflate(
                remote_no_context_takeover=True,
                local_no_context_takeover=True,
                remote_max_window_bits=15,
                local_max_window_bits=15,
            )
        ]
    return client


def texts_read(client: Protocol) -> list[bytes]:
    """Give the payloads of the frames that it has read since it was last asked."""
    return [bytes(read.data) for read in client.events_received() if isinstance(read, Frame)]
