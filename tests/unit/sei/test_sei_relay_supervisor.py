"""The supervisor's decisions, with workers by hand; real ones are in the e2e tests."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sei_relay_children import Children, FakeChild, NoStates

from sei.config import RelayConfig, StreamConfig
from sei.counts import Counts
from sei.relay.crew import Pace
from sei.relay.supervisor import Supervisor
from sei.relay.words import Alive, Connection, Ended, Quit, State

PACE = Pace(hang_s=5.0, start_s=30.0, look_s=0.5, stop_s=0.05, with_spare=False)


def stream(name: str, **changes: Any) -> StreamConfig:
    return StreamConfig(**{"name": name, "room": "demo", "input": "test:"} | changes)


def relay_of(*names: str | StreamConfig, per_worker: int = 50) -> RelayConfig:
    streams = tuple(stream(name) if isinstance(name, str) else name for name in names)
    return RelayConfig(streams=streams, streams_per_worker=per_worker)


class Stage:
    """A supervisor that was started, and what it works with."""

    def __init__(self, config: RelayConfig, cores: int, pace: Pace) -> None:
        self.children, self.states = Children(), NoStates()
        self.supervisor = Supervisor(
            config, self.states, self.children.start, cores=cores, pace=pace, draw=lambda: 0.0
        )
        self.supervisor.start()

    @property
    def made(self) -> list[FakeChild]:
        return self.children.made

    def look(self, times: int) -> None:
        for _ in range(times):
            self.supervisor.crew.look(0.5)


MakeStage = Callable[..., Stage]


@pytest.fixture
async def on_stage() -> AsyncIterator[MakeStage]:
    stages: list[Stage] = []

    def make(*names: str | StreamConfig, cores: int = 1, pace: Pace = PACE, **more: Any) -> Stage:
        stages.append(Stage(relay_of(*names, **more), cores, pace))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.supervisor.stop()


async def test_each_worker_is_started_with_its_streams(on_stage: MakeStage) -> None:
    stage = on_stage("a", "b", "c", cores=2)
    assert [child.started() for child in stage.made] == [["a", "c"], ["b"]]


async def test_a_worker_that_says_nothing_is_killed_with_a_trace(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    first = stage.made[0]
    first.says(Alive({}))
    stage.look(10)
    assert not first.killed
    stage.look(1)
    assert first.traced
    assert stage.made[1].started() == ["a"]
    assert (stage.supervisor.hangs, stage.supervisor.restarts) == (1, 1)


async def test_a_process_that_is_gone_is_replaced_though_its_link_tells_nothing(
    on_stage: MakeStage,
) -> None:
    stage = on_stage("a")
    stage.made[0].vanishes()
    await stage.children.until(2)
    assert stage.made[1].started() == ["a"]
    stage.made[0].says(Alive({"a": Counts(video_packets=10)}))
    assert stage.supervisor.streams["a"].tally.total().video_packets == 0


async def test_no_new_configuration_is_taken_while_it_stops(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    await stage.supervisor.stop()
    stage.supervisor.reload(relay_of("a", "b"))
    assert len(stage.made) == 1
    assert list(stage.supervisor.streams) == ["a"]


async def test_a_word_in_time_saves_it(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    for _ in range(10):
        stage.made[0].says(Alive({}))
        stage.look(10)
    assert not stage.made[0].killed


async def test_a_worker_that_is_loading_has_longer(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    stage.look(60)
    assert not stage.made[0].killed
    stage.look(1)
    assert stage.made[0].killed


async def test_a_worker_that_reads_nothing_is_hung(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    stage.made[0].says(Alive({}))
    stage.made[0].stuck_s = 5.1
    stage.look(1)
    assert stage.made[0].killed


async def test_a_worker_that_grew_too_far_is_killed(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    stage.made[0].says(Alive({}, PACE.max_rss_bytes + 1))
    stage.look(1)
    assert stage.made[0].killed


async def test_when_the_supervisor_was_held_up_no_worker_dies_for_it(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    stage.made[0].says(Alive({}))
    stage.supervisor.crew.look(3600.0)
    assert not stage.made[0].killed


async def test_the_spare_takes_the_place_of_a_dead_worker(on_stage: MakeStage) -> None:
    stage = on_stage("a", pace=PACE._replace(with_spare=True, restock_s=0.0))
    await stage.children.until(2)
    first, spare = stage.made
    assert spare.told == []
    first.dies()
    assert spare.started() == ["a"]
    assert len(stage.made) == 2


async def test_the_newest_state_goes_to_a_worker_that_starts_anew(on_stage: MakeStage) -> None:
    stage = on_stage("a", stream("mute", inject="off"))
    state = State("demo", 1000, 1, 2, (b"x",))
    stage.states.followed["demo", 1000](state)
    assert stage.made[0].told[-1] == state
    stage.made[0].dies()
    assert stage.made[1].told.count(state) == 1


async def test_a_worker_that_ends_again_and_again_is_divided_until_one_is_alone(
    on_stage: MakeStage,
) -> None:
    stage = on_stage(*(f"s{number:02}" for number in range(20)))
    poison = "s07"
    for _ in range(12):
        holder = [child for child in stage.made if poison in child.started() and not child.killed]
        holder[-1].dies()
        for _ in range(5):
            await asyncio.sleep(0)
    place = stage.supervisor.streams[poison].place
    assert stage.supervisor.places[place].names == {poison}
    assert sum(len(p.names) for p in stage.supervisor.places.values()) == 20
    assert len(stage.supervisor.places) <= 1 + 8


async def test_where_no_process_can_be_started_it_tries_again(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    stage.children.fail = 2
    stage.made[0].dies()
    await stage.children.until(2)
    assert stage.made[1].started() == ["a"]


async def test_a_reload_tells_only_of_what_changed(on_stage: MakeStage) -> None:
    stage = on_stage("a", "b", "c", cores=1)
    (child,) = stage.made
    child.told.clear()
    stage.supervisor.reload(relay_of("a", stream("b", room="other"), "d"))
    assert sorted(child.stopped()) == ["b", "c"]
    assert child.started() == ["d"]
    child.says(Ended("b"))
    child.says(Ended("c"))
    assert child.started() == ["d", "b"]
    assert sorted(stage.supervisor.streams) == ["a", "b", "d"]


async def test_a_stream_that_is_taken_out_and_put_back_runs_once(on_stage: MakeStage) -> None:
    stage = on_stage("a", "b")
    (child,) = stage.made
    stage.supervisor.reload(relay_of("a"))
    stage.supervisor.reload(relay_of("a", "b"))
    assert child.started() == ["a", "b"]
    child.says(Ended("b"))
    assert child.started() == ["a", "b", "b"]


async def test_a_stream_that_was_to_stop_is_gone_when_its_worker_dies(on_stage: MakeStage) -> None:
    stage = on_stage("a", "b")
    stage.supervisor.reload(relay_of("a"))
    stage.made[0].dies()
    assert stage.made[1].started() == ["a"]
    assert list(stage.supervisor.streams) == ["a"]


async def test_counters_go_on_through_a_death_and_a_change(on_stage: MakeStage) -> None:
    stage = on_stage("a")
    stage.made[0].says(Alive({"a": Counts(video_packets=10)}))
    stage.made[0].dies()
    stage.made[1].says(Alive({"a": Counts(video_packets=5)}))
    stage.supervisor.reload(relay_of(stream("a", max_message_bytes=500)))
    stage.made[1].says(Alive({"a": Counts(video_packets=6)}))
    stage.made[1].says(Ended("a"))
    stage.made[1].says(Alive({"a": Counts(video_packets=1)}))
    assert stage.supervisor.streams["a"].tally.total().video_packets == 17


async def test_a_reload_tries_what_had_failed_again_but_not_what_had_ended(
    on_stage: MakeStage,
) -> None:
    stage = on_stage("a", "b", "c")
    (child,) = stage.made
    child.says(Ended("a", "UNAVAILABLE", "gone"))
    child.says(Ended("b"))
    stage.supervisor.reload(relay_of("a", "b", "c"))
    assert child.started() == ["a", "b", "c", "a"]


async def test_it_is_over_only_when_all_streams_are(on_stage: MakeStage) -> None:
    stage = on_stage("a", "b")
    stage.made[0].says(Ended("a"))
    assert not stage.supervisor.over.is_set()
    stage.made[0].says(Ended("b", "UNAVAILABLE", "gone"))
    assert stage.supervisor.over.is_set()
    assert Quit() in stage.made[0].told


async def test_players_go_to_the_worker_of_their_stream(on_stage: MakeStage) -> None:
    stage = on_stage("a", "b", cores=2)
    with socket.socket() as player:
        assert stage.supervisor.hand("b", player, "peer") == "taken"
        assert stage.made[1].told[-1] == Connection("peer")
        assert stage.supervisor.hand("x", player, "peer") == "unknown"
        stage.made[0].says(Ended("a"))
        assert stage.supervisor.hand("a", player, "peer") == "unknown"


async def test_a_state_goes_to_the_workers_of_its_room_and_size(on_stage: MakeStage) -> None:
    stage = on_stage("a", stream("b", max_message_bytes=500), cores=2)
    stage.states.followed["demo", 500](State("demo", 500, 1, 1, ()))
    assert not any(isinstance(word, State) for word in stage.made[0].told)
    assert any(isinstance(word, State) for word in stage.made[1].told)
    assert set(stage.states.followed) == {("demo", 1000), ("demo", 500)}
