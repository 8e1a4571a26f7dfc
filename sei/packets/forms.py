"""State into packets, in each form that an output wants, once."""

from __future__ import annotations

from typing import Final

from sei.config import Injection
from sei.counts import Counts
from sei.insertion.cadence import Cadence
from sei.insertion.rewrite import Rewriter
from sei.insertion.supply import SupplyBox
from sei.packets.intake import Intake, Placed
from sei.packets.layout import VIDEO_TRACK, Item


class Forms:
    """Rewrites the video of one life of an input and gives every packet its forms.

    Args:
        intake: where the packets come from.
        supply: what is to go in.
        inject: when it does.
        boxed: whether an output wants that form.
        in_band: whether an output wants this one.
        counts: of the stream.
    """

    def __init__(
        self,
        intake: Intake,
        supply: SupplyBox,
        inject: Injection,
        counts: Counts,
        *,
        boxed: bool,
        in_band: bool,
    ) -> None:
        self._intake: Final = intake
        self._supply: Final = supply
        self._inject: Final = inject
        self._counts: Final = counts
        self._configuration = intake.video.spec.configuration
        has_start_codes = intake.video.framing.length_bytes is None
        self._boxed = self._rewriter(in_band=False) if boxed or has_start_codes else None
        # With start codes everything is in band already: one form does for all.
        wanted = in_band and not has_start_codes
        self._in_band = self._rewriter(in_band=True) if wanted else None

    def item(self, placed: Placed, read_s: float) -> Item | None:
        """Make what the outputs take; None where nothing of a picture made sense.

        Raises:
            BadMedia: the stream's lengths are too small for a message.
        """
        if placed.track == VIDEO_TRACK:
            boxed, in_band = self._video(placed)
        else:
            boxed, in_band = self._intake.sounds[placed.track - 1].forms(placed.content)
        if not boxed:
            self._counts.dropped += 1
            return None
        return Item(
            placed.track,
            placed.times.dts_us,
            placed.times.pts_us,
            placed.duration_us,
            placed.is_keyframe,
            placed.may_begin,
            boxed,
            in_band,
            placed.side,
            read_s,
        )

    def _rewriter(self, *, in_band: bool) -> Rewriter:
        video = self._intake.video
        cadence = Cadence(self._inject)
        return Rewriter(video.codec, self._extradata(), in_band=in_band, cadence=cadence)

    def _extradata(self) -> bytes:
        """Give what tells the form of the packets: nothing where they have start codes."""
        video = self._intake.video
        return b"" if video.framing.length_bytes is None else video.spec.configuration

    def _video(self, placed: Placed) -> tuple[bytes, bytes]:
        self._follow_configuration()
        supply = self._supply.newest
        made = []
        for rewriter in (self._boxed, self._in_band):
            if rewriter is not None:
                made.append(
                    rewriter.rewrite(
                        placed.content,
                        dts_ms=placed.times.dts_us / 1000,
                        is_keyframe=placed.is_keyframe,
                        messages=supply.messages,
                    )
                )
        self._counts.removed += made[0].removed
        if made[0].injected:
            self._counts.injected += made[0].injected
            self._counts.epoch, self._counts.version = supply.epoch, supply.version
        return made[0].packet, made[-1].packet

    def _follow_configuration(self) -> None:
        configuration = self._intake.video.spec.configuration
        if configuration is self._configuration:
            return
        self._configuration = configuration
        for rewriter in (self._boxed, self._in_band):
            if rewriter is not None:
                rewriter.reconfigure(self._extradata())
