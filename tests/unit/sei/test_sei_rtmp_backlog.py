from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rtmp_samples import AVC_CONFIGURATION, configurations, group, picture, stream_tag

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import VIDEO
from sei.rtmp.backlog import BATCH_BYTES, Backlog


def all_of(backlog: Backlog) -> list[StreamTag]:
    taken = []
    while batch := backlog.take():
        taken += batch
    assert backlog.waiting_bytes == 0
    return taken


def offer(backlog: Backlog, *tags: StreamTag) -> None:
    for tag in tags:
        backlog.offer(tag)


def test_nothing_waits_before_the_first_keyframe() -> None:
    backlog = Backlog()
    offer(backlog, *configurations(), picture(0), picture(40))
    assert all_of(backlog) == []
    offer(backlog, *group(80))
    assert all_of(backlog) == configurations() + group(80)


def test_held_backlog_keeps_the_newest_group_only() -> None:
    backlog = Backlog()
    offer(backlog, *configurations(), *group(0), *group(200))
    assert all_of(backlog) == configurations() + group(200)
    assert backlog.skips == 0


def test_flowing_backlog_keeps_every_tag_once() -> None:
    backlog = Backlog()
    backlog.flow()
    offer(backlog, *configurations(), *group(0), *group(200))
    assert all_of(backlog) == configurations() + group(0) + group(200)
    offer(backlog, *group(400))
    assert all_of(backlog) == group(400)


def test_slow_peer_goes_on_with_configurations_and_the_next_keyframe() -> None:
    backlog = Backlog(max_bytes=1000)
    backlog.flow()
    offer(backlog, *configurations(), *group(0, pictures=12))
    assert backlog.skips == 1
    assert all_of(backlog) == []
    offer(backlog, *group(480, pictures=3))
    assert all_of(backlog) == configurations() + group(480, pictures=3)
    assert backlog.skips == 1


def test_after_a_break_it_goes_on_with_a_keyframe_and_keeps_what_waits() -> None:
    backlog = Backlog()
    backlog.flow()
    offer(backlog, *configurations(), *group(0))
    backlog.break_off()
    offer(backlog, picture(200), picture(240), *group(280))
    assert all_of(backlog) == configurations() + group(0) + configurations() + group(280)
    assert backlog.skips == 0


def test_breaks_do_not_pass_the_bound() -> None:
    backlog = Backlog(max_bytes=1000)
    backlog.flow()
    offer(backlog, *configurations())
    for life in range(50):
        offer(backlog, *group(1000 * life, pictures=4))
        assert backlog.waiting_bytes <= 1000
        backlog.break_off()
    assert backlog.skips > 0


def test_keyframe_larger_than_the_bound_goes_alone() -> None:
    backlog = Backlog(max_bytes=1000)
    backlog.flow()
    large = picture(0, keyframe=True, size=5000)
    offer(backlog, large, picture(40))
    assert backlog.skips == 1
    assert all_of(backlog) == []
    offer(backlog, large)
    assert all_of(backlog) == [large]


def test_group_too_large_is_not_held() -> None:
    backlog = Backlog(max_bytes=1000)
    offer(backlog, *group(0, pictures=12))
    assert (all_of(backlog), backlog.skips) == ([], 0)


def test_new_configuration_ends_a_held_group() -> None:
    backlog = Backlog()
    changed = stream_tag(VIDEO, 200, AVC_CONFIGURATION + b"x", configures=True)
    offer(backlog, *configurations(), *group(0), changed, picture(200))
    assert all_of(backlog) == []
    offer(backlog, *group(240))
    metadata, _, sound = configurations()
    assert all_of(backlog) == [metadata, changed, sound, *group(240)]


def test_lost_connection_drops_what_waits() -> None:
    backlog = Backlog()
    backlog.flow()
    offer(backlog, *group(0))
    backlog.hold()
    offer(backlog, picture(200))
    assert all_of(backlog) == []


@given(
    st.lists(st.tuples(st.sampled_from("kpchfmt"), st.integers(0, 900)), max_size=60),
    st.integers(500, 3000),
)
def test_bytes_are_bounded_and_every_stretch_is_decodable(
    steps: list[tuple[str, int]], max_bytes: int
) -> None:
    """Whatever happens: after a gap only a keyframe follows, with its configurations."""
    backlog = Backlog(max_bytes)
    sent: list[StreamTag] = []
    published: list[StreamTag] = []
    for index, (step, size) in enumerate(steps):
        if step in "kp":
            published.append(picture(index, keyframe=step == "k", size=size))
            backlog.offer(published[-1])
        elif step == "c":
            offer(backlog, *configurations())
        elif step == "h":
            backlog.hold()
        elif step == "f":
            backlog.flow()
        elif step == "t":
            sent += backlog.take()
        assert backlog.waiting_bytes <= max_bytes + 1500
    pictures = [tag for tag in sent + all_of(backlog) if not tag.is_configuration]
    for before, after in zip([None, *pictures], pictures, strict=False):
        follows = before is not None and published.index(after) == published.index(before) + 1
        assert after.is_keyframe or follows


def test_batches_are_of_moderate_size() -> None:
    backlog = Backlog()
    backlog.flow()
    offer(backlog, *group(0, pictures=10, size=BATCH_BYTES // 4))
    assert [len(backlog.take()) for _ in range(4)] == [3, 3, 3, 1]
    assert backlog.take() == []
