"""One stream over real sockets: a test picture or a file in, players that read HTTP-FLV out."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import av
import pytest
from relay_player import (
    States,
    encode_file,
    is_keyframe,
    pictures,
    playing,
    relay,
    sightings,
    snapshot,
    tags_until,
)

from room.position import Position
from sei.counts import Counts
from sei.flv.tags import is_configuration, read_video
from sei.wire.message import UUID_BYTES


async def test_the_stream_carries_the_bytes_of_the_snapshot() -> None:
    states = States().put(snapshot(1))
    async with relay(states) as address, playing(address) as chunks:
        async for sighting in sightings(chunks):
            assert sighting.body == snapshot(1).body
            assert sighting.position == Position(9, 1)
            assert sighting.ts_ms == 1001
            break


async def test_a_new_version_shows_up_and_an_older_one_never_comes_back() -> None:
    states = States().put(snapshot(1))
    seen: list[Position] = []
    async with relay(states) as address, playing(address) as chunks:
        async for sighting in sightings(chunks):
            if not seen:
                states.put(snapshot(3), snapshot(2))
            seen.append(sighting.position)
            if len(seen) == 6:
                break
    assert seen[0] == Position(9, 1)
    assert seen[-1] == Position(9, 3)
    assert Position(9, 2) not in seen
    assert seen == sorted(seen)


async def test_when_the_snapshots_end_the_last_one_is_repeated() -> None:
    states = States().put(snapshot(1), snapshot(2), None)
    async with relay(states) as address, playing(address) as chunks:
        times = []
        async for sighting in sightings(chunks):
            assert sighting.position == Position(9, 2)
            times.append(sighting.pts_ms)
            if len(times) == 5:
                break
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert max(gaps) <= 540  # half a second and one picture


async def test_before_a_state_is_known_there_are_pictures_without_messages() -> None:
    async with relay(States()) as address, playing(address) as chunks:
        tags = await tags_until(chunks, 200)
    assert is_keyframe(pictures(tags)[0])
    assert not any(UUID_BYTES in tag.body for tag in tags)


async def test_a_late_player_starts_with_configurations_and_a_keyframe() -> None:
    states = States().put(snapshot(1))
    async with relay(states) as address:
        async with playing(address) as chunks:
            early = await tags_until(chunks, 400)
        async with playing(address) as chunks:
            late = await tags_until(chunks, 200)
    for tags in (early, late):
        kinds = [(tag.kind, is_configuration(tag)) for tag in tags[:3]]
        assert kinds == [(18, False), (9, True), (8, True)]
        assert is_keyframe(pictures(tags)[0])
        assert UUID_BYTES in pictures(tags)[0].body


async def test_any_player_can_play_it() -> None:
    states = States().put(snapshot(1))

    def play(address: str) -> tuple[set[str], int, list[bytes]]:
        bodies = []
        with av.open(f"{address}/live/demo.flv", timeout=10) as container:
            kinds = {stream.type for stream in container.streams}
            for count, frame in enumerate(container.decode(video=0), start=1):
                side = frame.side_data
                bodies += [bytes(side[n]) for n in range(len(side))]
                if count == 30:
                    return kinds, count, [body for body in bodies if body.startswith(UUID_BYTES)]
        raise AssertionError("the stream ended")

    async with relay(states) as address:
        kinds, count, bodies = await asyncio.to_thread(play, address)
    assert kinds == {"audio", "video"}
    assert count == 30
    assert bodies
    assert all(body.endswith(snapshot(1).body) for body in bodies)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
async def test_a_file_is_played_over_and_over_with_times_that_rise(
    codec: str, tmp_path: Path
) -> None:
    media = encode_file(tmp_path / "short.mp4", codec=codec)
    states = States().put(snapshot(1))
    async with relay(states, media) as address, playing(address) as chunks:
        tags = pictures(await tags_until(chunks, 1200))  # the file has 480 ms
    times = [tag.timestamp_ms for tag in tags]
    steps = {after - before for before, after in itertools.pairwise(times)}
    assert steps == {40}
    assert UUID_BYTES in tags[0].body
    contents = [video.content for video in map(read_video, tags) if video]
    plain = [content for content in contents if UUID_BYTES not in content]
    assert len(set(plain)) < len(plain)  # the same pictures came again, byte for byte


async def test_parameter_sets_may_change_in_the_middle_of_a_file(tmp_path: Path) -> None:
    first = encode_file(tmp_path / "first.flv").read_bytes()
    second = encode_file(tmp_path / "second.flv", width=320).read_bytes()
    media = tmp_path / "both.flv"
    media.write_bytes(first + second[13:])
    states = States().put(snapshot(1))

    def play(address: str) -> set[int]:
        widths = set()
        with av.open(f"{address}/live/demo.flv", timeout=10) as container:
            for count, frame in enumerate(container.decode(video=0)):
                widths.add(frame.width)
                if count == 24:
                    break
        return widths

    async with relay(states, media) as address:
        assert await asyncio.to_thread(play, address) == {160, 320}


async def test_sound_that_live_streams_do_not_hold_is_left_out_and_said(tmp_path: Path) -> None:
    media = encode_file(tmp_path / "video.mp4")
    with av.open(str(media)) as container, av.open(str(tmp_path / "alac.mp4"), "w") as output:
        video = output.add_stream_from_template(container.streams.video[0], opaque=True)
        audio = output.add_stream("alac", 44_100)
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = video
                output.mux(packet)
        with av.open("sine=duration=0.2:sample_rate=44100", format="lavfi") as tone:
            for sound in tone.decode(audio=0):
                output.mux(audio.encode(sound))
        output.mux(audio.encode(None))
    counts = Counts()
    states = States().put(snapshot(1))
    async with relay(states, tmp_path / "alac.mp4", counts) as address, playing(address) as chunks:
        assert pictures(await tags_until(chunks, 200))
    assert "alac" in counts.outputs["flv"]


async def test_a_raw_file_is_played_too(tmp_path: Path) -> None:
    media = encode_file(tmp_path / "short.h264")
    states = States().put(snapshot(1))
    async with relay(states, media) as address, playing(address) as chunks:
        async for sighting in sightings(chunks):
            assert sighting.body == snapshot(1).body
            break
