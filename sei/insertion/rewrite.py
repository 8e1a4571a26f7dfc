"""The one way in which a packet is rewritten, whichever path it takes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sei.errors import BadMedia
from sei.insertion.cadence import Cadence
from sei.wire.framing import START_CODE, Codec, framing_of, parameter_sets
from sei.wire.glance import bare_check, plain_check
from sei.wire.message import UUID_BYTES, message_unit, remove_messages
from sei.wire.nal import compose, insert_offset, whole_units, with_start_codes
from sei.wire.payload import MAX_CHUNKS

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Rewritten(NamedTuple):
    """A packet after rewriting."""

    packet: bytes
    """Empty where nothing of it made sense and nothing may be written."""
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
        keeps_lengths: whether H.264 stays as it came all the same, for a muxer of FFmpeg that has
            the decoder configuration: it is quicker than we are, and adds no parameter sets where
            there are some. Its filter for HEVC would add them once more.
        cadence: when which message goes in.
    """

    def __init__(
        self,
        codec: Codec,
        extradata: bytes,
        *,
        in_band: bool = False,
        keeps_lengths: bool = False,
        cadence: Cadence | None = None,
    ) -> None:
        self._codec: Final = codec
        self._in_band: Final = in_band
        self._keeps_lengths: Final = keeps_lengths and codec == "h264"
        self._cadence: Final = cadence or Cadence()
        self._choose: Final = self._cadence.choose
        self._is_due: Final = self._cadence.is_due
        self.reconfigure(extradata)

    def reconfigure(self, extradata: bytes) -> None:
        """Take a decoder configuration that changed in mid-stream."""
        self.framing = framing_of(self._codec, extradata)
        units = parameter_sets(self._codec, extradata)
        self._parameter_sets = tuple(unit for unit in units if UUID_BYTES not in unit)
        self._is_plain = plain_check(self.framing)
        self._is_bare = bare_check(self.framing)
        prefixed = self.framing.length_bytes is not None
        self._completes_keyframes = self._in_band and bool(self._parameter_sets)
        self._converts = self._in_band and prefixed and not self._keeps_lengths

    def change(
        self,
        packet: ReadableBuffer,
        size: int,
        dts_ms: float,
        is_keyframe: bool,
        messages: tuple[bytes, ...],
    ) -> Rewritten | None:
        """Take foreign messages out, put in what the cadence says.

        Most packets stay as they are, and nothing of them is copied then.

        Args:
            packet: anything that shows its bytes.
            size: how many those are.
            dts_ms: its decoding time.
            is_keyframe: whether a reader may start here.
            messages: those of the newest snapshot; empty while no state is known.

        Returns:
            The packet to write instead; None where it is to be written as it is.

        Raises:
            BadMedia: the stream's length prefix is too small for a message.
        """
        # Most often nothing goes in, and there is no need to know where it would.
        is_busy = is_keyframe or self._converts or self._is_due(dts_ms, is_keyframe, messages)
        if not is_busy and self._is_bare(packet, size):
            return None
        if not self._is_plain(packet, size):
            return self._change_unplain(bytes(packet), dts_ms, is_keyframe, messages)
        body = self._choose(dts_ms, is_keyframe, messages)
        if body is None and not (self._converts or (is_keyframe and self._completes_keyframes)):
            return None
        return self._written(memoryview(packet), body, is_keyframe)

    def rewrite(
        self, packet: bytes, *, dts_ms: float, is_keyframe: bool, messages: tuple[bytes, ...]
    ) -> Rewritten:
        """Do the same, and give the packet itself where it stays as it is."""
        done = self.change(packet, len(packet), dts_ms, is_keyframe, messages)
        return Rewritten(packet, 0, 0) if done is None else done

    def _change_unplain(
        self, packet: bytes, dts_ms: float, is_keyframe: bool, messages: tuple[bytes, ...]
    ) -> Rewritten | None:
        content, removed = remove_messages(packet, self.framing)
        if self._in_band:
            content = self._mended(content)
        if insert_offset(content, self.framing) is None:
            if self._converts:
                content = with_start_codes(content, self.framing)
            return None if content == packet else Rewritten(content, 0, removed)
        body = self._choose(dts_ms, is_keyframe, messages)
        done = self._written(content, body, is_keyframe)
        return None if done.packet == packet else done._replace(removed=removed)

    def _written(
        self, packet: bytes | memoryview, body: bytes | None, is_keyframe: bool
    ) -> Rewritten:
        completes = is_keyframe and self._completes_keyframes
        sets = self._parameter_sets if completes else ()
        unit = None if body is None else _unit(body, self._codec)
        try:
            content = compose(packet, self.framing, unit, sets)
        except OverflowError as error:
            raise BadMedia(
                f"the stream's lengths of {self.framing.length_bytes} byte hold no message"
            ) from error
        if self._converts:
            content = with_start_codes(content, self.framing)
        return Rewritten(content, int(body is not None), 0)

    def _mended(self, packet: bytes) -> bytes:
        """Leave out what does not parse: FFmpeg's filter would end the stream there."""
        packet = whole_units(packet, self.framing)
        # By its first bytes FFmpeg tells the form of the whole stream: a length of 1 at the
        # beginning would be a start code to it.
        while self.framing.length_bytes == len(START_CODE) and packet.startswith(START_CODE):
            packet = packet[len(START_CODE) + 1 :]
        return packet


@lru_cache(maxsize=4 * MAX_CHUNKS)
def _unit(body: bytes, codec: Codec) -> bytes:
    """Build the unit of a message once: it is repeated twice a second, in every stream."""
    return message_unit(body, codec)
