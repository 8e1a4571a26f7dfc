"""A configuration that is in force goes out once."""

from __future__ import annotations

from collections.abc import Sequence

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, write_tag
from sei.outputs.distinct import Distinct


class Sink:
    def __init__(self) -> None:
        self.calls: list[list[tuple[int, int]]] = []

    def publish(self, tags: Sequence[StreamTag]) -> None:
        self.calls.append([(tag.kind, tag.timestamp_ms) for tag in tags])


def setup(kind: int, time_ms: int, body: bytes) -> StreamTag:
    return StreamTag(kind, time_ms, True, False, write_tag(Tag(kind, time_ms, body)))


def picture(time_ms: int) -> StreamTag:
    return StreamTag(VIDEO, time_ms, False, True, write_tag(Tag(VIDEO, time_ms, b"same")))


def test_repeat_of_a_configuration_goes_to_nobody() -> None:
    sinks = Sink(), Sink()
    distinct = Distinct(sinks)
    distinct.publish([setup(VIDEO, 0, b"a"), setup(AUDIO, 0, b"a"), picture(0), picture(0)])
    distinct.publish([setup(VIDEO, 40, b"a"), setup(AUDIO, 40, b"a")])
    distinct.publish([setup(VIDEO, 80, b"a"), picture(80)])
    expected = [[(VIDEO, 0), (AUDIO, 0), (VIDEO, 0), (VIDEO, 0)], [(VIDEO, 80)]]
    assert [sink.calls for sink in sinks] == [expected, expected]


def test_another_configuration_goes_out_and_so_does_the_one_before_it_again() -> None:
    sink = Sink()
    distinct = Distinct([sink])
    for body in (b"a", b"b", b"b", b"a"):
        distinct.publish([setup(VIDEO, 0, body)])
    assert len(sink.calls) == 3


def test_script_data_is_never_left_out() -> None:
    sink = Sink()
    distinct = Distinct([sink])
    distinct.publish([setup(SCRIPT, 0, b"a"), setup(SCRIPT, 1, b"a")])
    assert sink.calls == [[(SCRIPT, 0), (SCRIPT, 1)]]
