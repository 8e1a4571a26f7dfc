"""The one way in which a packet is rewritten, whichever path it takes."""

from __future__ import annotations

from typing import Final, NamedTuple

from sei.errors import BadMedia
from sei.insertion.cadence import Cadence
from sei.wire.framing import Codec, framing_of, parameter_sets
from sei.wire.message import UUID_BYTES, message_unit, remove_messages
from sei.wire.nal import insert_offset, insert_parameter_sets, splice, with_start_codes


class Rewritten(NamedTuple):
    """A packet after rewriting."""

    packet: bytes
    injected: int
    """How many messages of ours went in: 0 or 1."""
    removed: int
    """How many that were there before were taken out."""


class Rewriter:
    """Rewrites the packets of one video stream, in decoding order.

    Nothing that came with our UUID stays: whoever published the stream does not speak for a room.

    Args:
        codec: the stream's.
        extradata: its decoder configuration.
        in_band: whether the packets go where everything stands in the stream: then they leave
            with start codes, and keyframes with the parameter sets in front of any SEI. FFmpeg's
            muxers would do both, but with the parameter sets behind the SEI.
    """

    def __init__(self, codec: Codec, extradata: bytes, *, in_band: bool = False) -> None:
        self._codec: Final = codec
        self._in_band: Final = in_band
        self.reconfigure(extradata)
        self._cadence: Final = Cadence()

    def reconfigure(self, extradata: bytes) -> None:
        """Take a decoder configuration that changed in mid-stream."""
        self.framing = framing_of(self._codec, extradata)
        units = parameter_sets(self._codec, extradata)
        self._parameter_sets = tuple(unit for unit in units if UUID_BYTES not in unit)

    def rewrite(
        self, packet: bytes, *, dts_ms: float, is_keyframe: bool, messages: tuple[bytes, ...]
    ) -> Rewritten:
        """Take foreign messages out, put in what the cadence says.

        Raises:
            BadMedia: the stream's length prefix is too small for a message.
        """
        packet, removed = remove_messages(packet, self.framing)
        body = None
        at = insert_offset(packet, self.framing)
        if at is not None:
            body = self._cadence.choose(dts_ms, is_keyframe, messages)
        if at is not None and body is not None:
            packet = self._splice(packet, at, message_unit(body, self._codec))
        if self._in_band:
            packet = self._into_band(packet, is_keyframe=is_keyframe)
        return Rewritten(packet, int(body is not None), removed)

    def _into_band(self, packet: bytes, *, is_keyframe: bool) -> bytes:
        if is_keyframe and self._parameter_sets:
            packet = insert_parameter_sets(packet, self.framing, self._parameter_sets)
        return with_start_codes(packet, self.framing)

    def _splice(self, packet: bytes, at: int, unit: bytes) -> bytes:
        try:
            return splice(packet, at, self.framing, (unit,))
        except OverflowError as error:
            raise BadMedia(
                f"the stream's lengths of {self.framing.length_bytes} byte hold no message"
            ) from error
