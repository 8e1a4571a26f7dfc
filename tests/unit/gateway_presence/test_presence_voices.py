from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from presence_samples import Node, World, seated_state, with_seat

from gateway.presence.heard import MAX_NODES
from gateway.presence.voices import BELIEVE_MS, REPEAT_MS, SPACING_MS
from room.errors import Refused
from store.bus import Voices

SEATED = seated_state("ann", "-", "bob", "cem")


@pytest.fixture
async def stage(node: Node) -> Node:
    """A node where somebody listens to a room with three on its seats."""
    node.world.put("demo", SEATED)
    await node.find("demo")
    node.people.enter("demo", "fan")
    return node


def shown(node: Node) -> list[list[int]]:
    return [message["seats"] for message in node.people.heard()]


async def settle(node: Node) -> list[list[int]]:
    """Let the next message go out, if one is due."""
    node.world.clock.pass_ms(SPACING_MS)
    await node.loops.voices.step()
    return shown(node)


async def test_speaking_seats_are_told_sorted_and_with_the_time(stage: Node) -> None:
    stage.loops.speak("demo", "cem", "c1", on=True)
    stage.people.heard()
    stage.loops.speak("demo", "ann", "c2", on=True)
    stage.world.clock.pass_ms(SPACING_MS)
    await stage.loops.voices.step()
    assert stage.people.heard() == [
        {"type": "speaking", "room": "demo", "seats": [0, 3], "ts": stage.world.clock()}
    ]


async def test_only_those_on_a_seat_speak(stage: Node) -> None:
    with pytest.raises(Refused) as refused:
        stage.loops.speak("demo", "fan", "c1", on=True)
    assert refused.value.code == "NOT_ON_SEAT"
    stage.loops.speak("demo", "fan", "c1", on=False)
    assert shown(stage) == []
    assert len(stage.loops.voices) == 0


async def test_same_speakers_are_told_once(stage: Node) -> None:
    for _ in range(3):
        stage.loops.speak("demo", "ann", "c1", on=True)
        await stage.loops.voices.step()
        stage.world.clock.pass_ms(SPACING_MS)
    assert shown(stage) == [[0]]


async def test_last_change_goes_out_even_when_it_comes_too_soon(stage: Node) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.loops.speak("demo", "bob", "c2", on=True)
    stage.loops.speak("demo", "ann", "c1", on=False)
    await stage.loops.voices.step()
    assert shown(stage) == [[0]]
    assert await settle(stage) == [[2]]
    stage.loops.speak("demo", "bob", "c2", on=False)
    assert shown(stage) == []
    assert await settle(stage) == [[]]


async def test_change_that_was_taken_back_in_time_is_not_told(stage: Node) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.people.heard()
    stage.loops.speak("demo", "ann", "c1", on=False)
    stage.loops.speak("demo", "ann", "c1", on=True)
    assert await settle(stage) == []


async def test_closed_connection_is_silent(stage: Node) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.people.heard()
    stage.loops.gone("c2")
    stage.loops.gone("c1")
    assert await settle(stage) == [[]]


async def test_user_speaks_while_any_connection_says_so(stage: Node) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.loops.speak("demo", "ann", "c2", on=True)
    stage.people.heard()
    stage.loops.gone("c1")
    assert await settle(stage) == []
    stage.loops.speak("demo", "ann", "c2", on=False)
    assert await settle(stage) == [[]]


@pytest.mark.parametrize(
    "silenced",
    [
        with_seat(SEATED, 0, audio_locked=True),
        msgspec.structs.replace(SEATED, muted_users=("ann",)),
    ],
)
async def test_those_muted_by_an_admin_are_not_shown(stage: Node, silenced: object) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.people.heard()
    stage.world.put("demo", silenced)  # type: ignore[arg-type]  # parametrised values are object
    assert await settle(stage) == [[]]
    stage.world.put("demo", SEATED)
    assert await settle(stage) == [[0]]


async def test_seat_that_was_left_is_not_shown_and_its_next_occupant_is_silent(
    stage: Node,
) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.people.heard()
    stage.world.put("demo", seated_state("-", "-", "bob"))
    assert await settle(stage) == [[]]
    stage.world.put("demo", SEATED)
    assert await settle(stage) == []


async def test_seat_that_was_moved_is_shown_at_its_new_place(stage: Node) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.people.heard()
    stage.world.put("demo", seated_state("-", "ann", "bob", "cem"))
    assert await settle(stage) == [[1]]


async def test_speakers_of_other_nodes_are_shown_beside_our_own(stage: Node) -> None:
    stage.loops.speak("demo", "cem", "c1", on=True)
    stage.people.heard()
    stage.loops.on_voices(Voices("n2", "demo", ("ann", "nobody")))
    assert await settle(stage) == [[0, 3]]
    stage.loops.on_voices(Voices("n2", "demo", ()))
    assert await settle(stage) == [[3]]


async def test_what_another_node_does_not_repeat_is_forgotten(stage: Node) -> None:
    stage.loops.on_voices(Voices("n2", "demo", ("ann",)))
    stage.people.heard()
    stage.world.clock.pass_ms(BELIEVE_MS - 1)
    await stage.loops.voices.step()
    assert shown(stage) == []
    stage.world.clock.pass_ms(1)
    await stage.loops.voices.step()
    assert shown(stage) == [[]]


async def test_own_words_and_rooms_without_listeners_are_not_taken(stage: Node) -> None:
    stage.loops.on_voices(Voices("n1", "demo", ("ann",)))
    stage.loops.on_voices(Voices("n2", "other", ("ann",)))
    stage.loops.on_voices(Voices("n2", "demo", ()))
    assert shown(stage) == []
    assert len(stage.loops.voices) == 0


async def test_nodes_that_are_listened_to_are_bounded(stage: Node) -> None:
    for n in range(MAX_NODES):
        stage.loops.on_voices(Voices(f"m{n}", "demo", ("ann",)))
    stage.loops.on_voices(Voices("one more", "demo", ("bob",)))
    stage.people.heard()
    assert await settle(stage) == []


async def test_other_nodes_are_told_of_changes_and_again_while_somebody_speaks(
    stage: Node,
) -> None:
    voices = stage.loops.voices
    voices.set("demo", "bob", "c1", on=True)
    voices.set("demo", "ann", "c2", on=True)
    await voices.step()
    await voices.step()
    assert stage.wire.spoken == [Voices("n1", "demo", ("ann", "bob"))]
    stage.world.clock.pass_ms(REPEAT_MS)
    await voices.step()
    assert len(stage.wire.spoken) == 2
    voices.gone("c1")
    voices.gone("c2")
    stage.world.clock.pass_ms(SPACING_MS)
    await voices.step()
    assert stage.wire.spoken[2:] == [Voices("n1", "demo", ())]
    stage.world.clock.pass_ms(REPEAT_MS)
    await voices.step()
    assert len(stage.wire.spoken) == 3


async def test_absent_bus_stops_nothing_here(stage: Node) -> None:
    stage.wire.away = True
    stage.loops.speak("demo", "ann", "c1", on=True)
    await stage.loops.voices.step()
    assert shown(stage) == [[0]]
    stage.wire.away = False
    stage.world.clock.pass_ms(REPEAT_MS)
    await stage.loops.voices.step()
    assert stage.wire.spoken == [Voices("n1", "demo", ("ann",))]


async def test_newcomer_learns_who_speaks(stage: Node) -> None:
    assert stage.loops.speaking("demo") is None
    stage.loops.speak("demo", "bob", "c1", on=True)
    message = stage.loops.speaking("demo")
    assert message is not None
    assert json.loads(message)["seats"] == [2]


async def test_silent_room_takes_no_place(stage: Node) -> None:
    stage.loops.speak("demo", "ann", "c1", on=True)
    stage.loops.speak("demo", "bob", "c2", on=True)
    stage.loops.speak("demo", "ann", "c1", on=False)
    stage.loops.gone("c2")
    for _ in range(3):
        await settle(stage)
    voices = stage.loops.voices
    assert len(voices) == 0
    assert not voices._said
    assert not voices._rooms_of
    assert not voices._changed


SPEAKERS = {"ann": 0, "bob": 2, "cem": 3}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(SPEAKERS)), st.booleans(), st.integers(0, 250)),
        max_size=40,
    )
)
async def test_five_a_second_at_most_and_the_last_one_is_the_truth(
    changes: list[tuple[str, bool, int]],
) -> None:
    world = World()
    world.open()
    node = Node(world)
    world.put("demo", SEATED)
    await node.find("demo")
    node.people.enter("demo", "fan")
    speaking: set[str] = set()
    for user_id, on, pause_ms in changes:
        node.loops.speak("demo", user_id, user_id, on=on)
        (speaking.add if on else speaking.discard)(user_id)
        world.clock.pass_ms(pause_ms)
        await node.loops.voices.step()
    world.clock.pass_ms(SPACING_MS)
    await node.loops.voices.step()
    messages = node.people.heard()
    assert all(b["ts"] - a["ts"] >= SPACING_MS for a, b in pairwise(messages))
    assert all(a["seats"] != b["seats"] for a, b in pairwise(messages))
    last = messages[-1]["seats"] if messages else []
    assert last == sorted(SPEAKERS[user_id] for user_id in speaking)
