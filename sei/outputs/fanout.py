"""One live stream to many players: a late one starts at a keyframe, a slow one skips to the next.

Tags are encoded once in each form and shared; no player has a task. Publishing writes the same
bytes to every line that takes them. Memory does not grow with slow players beyond the stretch of
stream that they span.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, VIDEO
from sei.outputs.forms import FlvForm, Form, FormName, Mp4Form
from sei.outputs.player import Line, Player

MAX_GOP_BYTES: Final = 8 * 1024 * 1024
MAX_PENDING_BYTES: Final = 4 * 1024 * 1024
_SILENT_MS: Final = 1000
"""When pictures came for so long and no sound, new players of MP4 get no track for it: a declared
track that stays empty stops them."""
_BODY_AT: Final = 11

_Variant = tuple[FormName, bool]
"""A form, and whether it has sound; FLV needs not say so."""


class LiveStream:
    """A sink of tags: what a player that joins now needs, and the players that are there.

    Args:
        max_gop_bytes: a group of pictures larger than this is not kept; who joins waits.
        max_pending_bytes: how much may wait for a player, beside what it began with.
    """

    def __init__(
        self,
        *,
        max_gop_bytes: int = MAX_GOP_BYTES,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._max_gop_bytes: Final = max_gop_bytes
        self._max_pending_bytes: Final = max_pending_bytes
        self._configuration: Final[dict[int, StreamTag]] = {}
        self._group: list[StreamTag] = []
        self._group_bytes = 0
        self._sound: StreamTag | None = None
        self._flv: Final = FlvForm(self._configuration)
        self._forms: Final[dict[_Variant, Form]] = {("flv", True): self._flv}
        self._form_of: Final[dict[Player, Form]] = {}
        self._early: Final[dict[Player, FormName]] = {}
        self._skips_of_gone = 0
        self._closed = False
        self.started: Final = asyncio.Event()
        """Set with the first keyframe."""

    @property
    def player_count(self) -> int:
        """How many players there are, those that wait for the first keyframe too."""
        return len(self._form_of) + len(self._early)

    @property
    def skips(self) -> int:
        """How often a slow player was moved to the next keyframe, ever."""
        return self._skips_of_gone + sum(player.skips for player in self._form_of)

    def publish(self, tags: Sequence[StreamTag]) -> None:
        """Pass tags to every player; O(players), and never waits."""
        if self._closed:
            return
        for tag in tags:
            self._keep(tag)
        for form in self._forms.values():
            batch = form.encode(tags)
            if not self._group:
                form.forget()
            if batch.blocks:
                for player in form.players:
                    player.offer(batch)
        if self._early and self.started.is_set():
            early = dict(self._early)
            self._early.clear()
            for player, name in early.items():
                self._start(player, name)

    def join(self, line: Line, form: FormName = "flv") -> Player:
        """Add a player; it begins with the group of pictures that is on now.

        Args:
            line: where it is; whoever owns it tells the player of ``pause`` and ``resume``, and
                ``leave``\\ s when it is lost.
            form: what it is to get.
        """
        player = Player(line, self._max_pending_bytes)
        if self.started.is_set():
            self._start(player, form)
        else:
            self._early[player] = form
        if self._closed:
            player.close()
        return player

    def leave(self, player: Player) -> None:
        """Take a player away; one that is not there is no error."""
        self._early.pop(player, None)
        form = self._form_of.pop(player, None)
        if form is not None:
            self._skips_of_gone += player.skips
            form.players.discard(player)
            if not form.players and form is not self._flv:
                variant = next(key for key, value in self._forms.items() if value is form)
                del self._forms[variant]

    def break_off(self) -> None:
        """Hear that the input broke off: what comes next makes sense from its keyframe on."""
        self._drop_group()
        for player in self._form_of:
            player.wait_for_keyframe()

    def close(self) -> None:
        """End the stream for everybody, once they have what waits."""
        self._closed = True
        for player in (*self._form_of, *self._early):
            player.close()

    def _start(self, player: Player, name: FormName) -> None:
        sound = None if name == "mp4" and self._is_silent() else self._described_sound()
        variant: _Variant = (name, name == "flv" or sound is not None)
        form = self._forms.get(variant)
        if form is None:
            form = self._forms[variant] = Mp4Form(self._configuration, self._group, sound)
        form.players.add(player)
        self._form_of[player] = form
        player.begin(form.opening(), has_group=bool(self._group))

    def _described_sound(self) -> StreamTag | None:
        return self._configuration.get(AUDIO, self._sound)

    def _is_silent(self) -> bool:
        if not self._group:
            return False
        heard = self._sound or self._group[0]
        silent_ms = self._group[-1].timestamp_ms - heard.timestamp_ms & 0xFFFFFFFF
        return _SILENT_MS < silent_ms < 1 << 31

    def _keep(self, tag: StreamTag) -> None:
        if tag.is_configuration:
            before = self._configuration.get(tag.kind)
            self._configuration[tag.kind] = tag
            is_repeat = before is not None and before.encoded[_BODY_AT:] == tag.encoded[_BODY_AT:]
            if tag.kind == VIDEO and not is_repeat:  # what came before can no longer be decoded
                self._drop_group()
            return
        if tag.kind == AUDIO:
            self._sound = tag
        if tag.is_keyframe:
            self._group, self._group_bytes = [], 0
            self.started.set()
        elif not self._group:
            return
        self._group_bytes += len(tag.encoded)
        self._group.append(tag)
        if self._group_bytes > self._max_gop_bytes:
            self._drop_group()

    def _drop_group(self) -> None:
        """Who joins now waits for a keyframe."""
        self._group, self._group_bytes = [], 0
        for form in self._forms.values():
            form.forget()
