"""Fragmented MP4 out of FLV tags, one fragment a tag, with no delay."""

from __future__ import annotations

from typing import Final

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, VIDEO, Tag, VideoBody, read_video
from sei.mp4.clocks import PICTURE_TIMESCALE, PictureClock, SoundClock, Unwrapped
from sei.mp4.fragment import fragment
from sei.mp4.init import AUDIO_TRACK, VIDEO_TRACK, Track, init_segment, picture_entry
from sei.mp4.picture import picture_size
from sei.mp4.sound import SoundBody, SoundTrack, describe_aac, describe_mp3, read_sound

_TAG_HEADER_BYTES: Final = 11
_SIZE_BYTES: Final = 4


class Mp4Writer:
    """Turns the tags of one stream into fragments; what MP4 has no place for is left out.

    ``init`` is what goes before the fragments that follow. It changes when the stream's decoder
    configuration does, and is empty while pictures are not described.

    Args:
        with_audio: whether there is a track for sound. Players fix their tracks when they start.
    """

    def __init__(self, *, with_audio: bool) -> None:
        self.init = b""
        self._with_audio: Final = with_audio
        self._picture: Track | None = None
        self._sound: SoundTrack | None = None
        self._described: dict[int, bytes] = {}
        self._sequence = 0
        self._times: Final = Unwrapped()
        self._picture_clock: Final = PictureClock()
        self._sound_clock: SoundClock | None = None

    def learn(self, tag: StreamTag) -> None:
        """Take what a tag says of the tracks, and write nothing."""
        body = _body(tag)
        if tag.kind == VIDEO and (video := read_video(Tag(VIDEO, 0, body))) is not None:
            if video.part == "configuration":
                self._describe_video(video)
        elif tag.kind == AUDIO and self._with_audio and (sound := read_sound(body)) is not None:
            self._describe_sound(sound)

    def write(self, tag: StreamTag) -> bytes:
        """Give the fragment of a tag; empty where it makes none."""
        body = _body(tag)
        if tag.kind == VIDEO:
            video = read_video(Tag(VIDEO, tag.timestamp_ms, body))
            return b"" if video is None else self._write_video(video, tag.timestamp_ms)
        if tag.kind == AUDIO and self._with_audio:
            sound = read_sound(body)
            return b"" if sound is None else self._write_sound(sound, tag.timestamp_ms)
        return b""

    def _write_video(self, video: VideoBody, timestamp_ms: int) -> bytes:
        if video.part == "configuration":
            self._describe_video(video)
        if video.part != "access_unit" or not self.init or not video.content:
            return b""
        true_ms = self._times.place(timestamp_ms)
        decoded, duration = self._picture_clock.place(true_ms)
        self._sequence += 1
        return fragment(
            VIDEO_TRACK,
            self._sequence,
            decoded,
            duration,
            video.content,
            composition=true_ms + video.composition_ms - decoded,
            is_sync=video.is_keyframe,
        )

    def _write_sound(self, sound: SoundBody, timestamp_ms: int) -> bytes:
        self._describe_sound(sound)
        clock = self._sound_clock
        if sound.is_configuration or clock is None or not self.init or not sound.content:
            return b""
        decoded, duration = clock.place(self._times.place(timestamp_ms))
        self._sequence += 1
        return fragment(AUDIO_TRACK, self._sequence, decoded, duration, sound.content)

    def _describe_video(self, video: VideoBody) -> None:
        if self._is_known(VIDEO, video.codec.encode() + video.content):
            return
        size = picture_size(video.codec, video.content)
        if size is None:
            self._picture = None
        else:
            entry = picture_entry(video.codec, video.content, size)
            self._picture = Track(VIDEO_TRACK, PICTURE_TIMESCALE, entry, size)
        self._describe()

    def _describe_sound(self, sound: SoundBody) -> None:
        is_aac = sound.codec == "aac"
        if is_aac and not sound.is_configuration:
            return
        head = sound.content if is_aac else _mp3_key(sound.content)
        if self._is_known(AUDIO, sound.codec.encode() + head):
            return
        track = describe_aac(sound.content) if is_aac else describe_mp3(sound.content)
        if track is not None and track != self._sound:
            self._sound = track
            self._sound_clock = SoundClock(track.rate_hz, track.frame_samples)
            self._describe()

    def _is_known(self, kind: int, configuration: bytes) -> bool:
        """Tell whether a configuration is a repeat, as some servers send with each keyframe."""
        is_repeat = self._described.get(kind) == configuration
        self._described[kind] = configuration
        return is_repeat

    def _describe(self) -> None:
        tracks = [] if self._picture is None else [self._picture]
        if tracks and self._sound is not None:
            tracks.append(Track(AUDIO_TRACK, self._sound.rate_hz, self._sound.entry, None))
        self.init = init_segment(tuple(tracks)) if tracks else b""


def _body(tag: StreamTag) -> bytes:
    return tag.encoded[_TAG_HEADER_BYTES:-_SIZE_BYTES]


def _mp3_key(frame: bytes) -> bytes:
    """Give what stays the same in the header of every frame: without bit rate and padding."""
    return (int.from_bytes(frame[:4], "big") & 0xFFFE0CC0).to_bytes(4, "big")
