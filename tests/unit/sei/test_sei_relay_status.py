from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sei_relay_children import Children, NoStates

from sei.config import RelayConfig, StreamConfig
from sei.counts import Counts
from sei.outputs.address import parse_outputs
from sei.relay.metrics import write_metrics
from sei.relay.rates import Rates
from sei.relay.sinks import Sinks
from sei.relay.status import Status, StreamStatus, WorkerStatus, is_broken, observe
from sei.relay.status_page import POLICY, write_page
from sei.relay.supervisor import Supervisor
from sei.relay.words import Alive, Ended


def stream(name: str, state: str = "live", **changes: Any) -> StreamStatus:
    facts: dict[str, Any] = {
        "name": name,
        "room": "demo",
        "state": state,
        "error_code": "",
        "error": "",
        "input": "rtmp://origin.example/live/a",
        "worker": 1,
        "packets_per_s": 75.0,
        "delay_p50_ms": 0.2,
        "delay_p99_ms": None,
        "state_age_s": 2.0,
        "injects": True,
        "outputs": {"flv": ""},
        "counts": Counts(video_packets=100, injected=7, epoch=3, version=9),
    }
    return StreamStatus(**(facts | changes))


def status(*streams: StreamStatus) -> Status:
    worker = WorkerStatus(
        place=1, number=4, pid=4711, rss_bytes=50 << 20, streams=1, restarts=2, hangs=1
    )
    ages = {one.room: one.state_age_s for one in streams}
    return Status(
        streams=list(streams),
        workers=[worker],
        restarts=2,
        hangs=1,
        room_ages_s=ages,
        states={"channel": "poll", "rooms_polled": 2, "reconnects": 3, "too_large": 1},
    )


def test_trouble_comes_first_and_is_counted_in_the_title() -> None:
    page = write_page(status(stream("alpha"), stream("beta", "waiting", error="gone")))
    assert page.index(">beta<") < page.index(">alpha<")
    assert "<title>(1) seatsync relay</title>" in page
    assert "1 of 2 streams in trouble" in page


def test_a_relay_without_trouble_says_so() -> None:
    page = write_page(status(stream("alpha")))
    assert "all well: 1 stream<" in page
    assert "<title>seatsync relay</title>" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "failed"},
        {"outputs": {"rtmp://h/a/b": "UNAVAILABLE: refused"}},
        {"counts": Counts(stripped=True)},
    ],
)
def test_what_somebody_has_to_look_at_is_trouble(changes: dict[str, Any]) -> None:
    assert stream("alpha", **changes).in_trouble
    assert not stream("alpha").in_trouble


def test_nothing_that_a_peer_says_becomes_markup() -> None:
    evil = '<script>alert("x")</script>'
    page = write_page(
        status(
            stream(
                "alpha",
                input=evil,
                error=evil,
                outputs={evil: evil},
                counts=Counts(codec=evil, probe=evil),
            )
        )
    )
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") == 6


def test_the_page_loads_nothing_and_its_policy_lets_its_own_script_run() -> None:
    page = write_page(status(stream("alpha")))
    assert not re.search(r'(src|href)="(?!/status\.json|/metrics)', page)
    assert POLICY.startswith("default-src 'none'")
    assert POLICY.count("sha256-") == 2


def test_the_position_and_its_age_are_shown() -> None:
    page = write_page(status(stream("alpha"), stream("beta", state_age_s=None)))
    assert "3.9" in page
    assert "2 s old" in page
    assert "never heard" in page


def samples(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_follow_the_status() -> None:
    counts = Counts(video_packets=100, stripped=True)
    for delay_ms in (0.1, 3.0, 9999.0):
        counts.observe_delay(delay_ms)
    found = samples(write_metrics(status(stream("alpha", counts=counts))))
    labels = frozenset({("stream", "alpha")})
    assert found["seatsync_relay_video_packets_total", labels] == 100
    assert found["seatsync_sei_stripped", labels] == 1
    assert found["seatsync_relay_delay_seconds_count", labels] == 3
    assert found["seatsync_relay_delay_seconds_bucket", labels | {("le", "0.005")}] == 2
    assert found["seatsync_relay_state_age_seconds", frozenset({("room", "demo")})] == 2.0
    assert found["seatsync_relay_worker_restarts_total", frozenset()] == 2
    assert found["seatsync_relay_worker_hangs_total", frozenset()] == 1


def test_metrics_and_page_say_how_the_states_come_in() -> None:
    seen = status(stream("alpha"))
    found = samples(write_metrics(seen))
    assert found["seatsync_relay_states_channel", frozenset({("channel", "poll")})] == 1
    assert found["seatsync_relay_states_channel", frozenset({("channel", "ws")})] == 0
    assert found["seatsync_relay_states_rooms", frozenset({("by", "poll")})] == 2
    assert found["seatsync_relay_states_reconnects_total", frozenset()] == 3
    assert found["seatsync_relay_states_too_large_total", frozenset()] == 1
    for channel, told in (("ws", "by push"), ("poll", "by poll"), ("", "gateway is away")):
        seen.states["channel"] = channel
        assert told in write_page(seen)


def test_before_the_gateway_was_heard_there_is_no_age() -> None:
    found = samples(write_metrics(status(stream("alpha", state_age_s=None))))
    assert not [name for name, _ in found if name == "seatsync_relay_state_age_seconds"]


async def test_of_two_pushes_that_look_alike_each_has_its_state() -> None:
    pushes = tuple(f"rtmp://cdn.example/app/live_{key}" for key in (11111, 22222))
    config = StreamConfig(name="a", room="demo", input="test:", outputs=pushes)
    children, counts = Children(), Counts()
    sinks = Sinks(parse_outputs(pushes), counts)
    for push in sinks._pushes:
        push._show(push._address.key[-1])
    supervisor = Supervisor(RelayConfig(streams=(config,)), NoStates(), children.start, cores=1)
    supervisor.start()
    children.made[0].says(Alive({"a": counts}, 1000))
    shown = "rtmp://cdn.example/app/live…"
    assert observe(supervisor, Rates()).streams[0].outputs == {shown: "1", f"{shown} (2)": "2"}
    await supervisor.stop()


async def test_a_status_shows_no_credentials_and_survives_json() -> None:
    config = StreamConfig(
        name="a",
        room="demo",
        input="http://user:hunter2@origin.example/a.flv?token=hunter2",
        outputs=("flv", "rtmp://cdn.example/app/a?key=hunter2"),
    )
    children = Children()
    supervisor = Supervisor(RelayConfig(streams=(config,)), NoStates(), children.start, cores=1)
    supervisor.start()
    told = Counts(outputs={config.outputs[1]: "live"}, input_state="live")
    children.made[0].says(Alive({"a": told}, 1000))
    seen = observe(supervisor, Rates())
    text = msgspec.json.encode(seen).decode() + write_page(seen)
    assert "hunter2" not in text
    assert seen.streams[0].state == "live"
    assert list(seen.streams[0].outputs.values()) == ["", "live"]
    children.made[0].says(Ended("a", "NOT_FOUND", "gone"))
    seen = observe(supervisor, Rates())
    assert (seen.streams[0].state, seen.streams[0].error_code) == ("failed", "NOT_FOUND")
    await supervisor.stop()


@pytest.mark.parametrize(
    ("said", "broken"),
    [
        ("", False),
        ("live", False),
        ("live, without 2:ac3", False),
        ("connecting", False),
        ("UNAVAILABLE: cannot connect", True),
    ],
)
def test_output_is_in_trouble_where_it_names_an_error(said: str, broken: bool) -> None:
    assert is_broken(said) is broken
    assert stream("alpha", outputs={"mp4": said}).in_trouble is broken


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "connecting", "error_code": "UNAVAILABLE"},
        {"state_age_s": None},
        {"state_age_s": 61.0},
    ],
)
def test_stream_that_keeps_failing_or_lacks_its_state_is_in_trouble(
    changed: dict[str, Any],
) -> None:
    assert not stream("alpha").in_trouble
    assert stream("alpha", **changed).in_trouble
