from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from room.position import Position
from sei.files.verification import Verification
from sei.files.verify import Verifier
from sei.probe.judge import Picture
from sei.wire.keys import KeySet
from sei.wire.payload import encode
from sei.wire.signature import Signer

SIGNER = Signer(Ed25519PrivateKey.generate(), "k1")
BODY = b'{"state":"any"}'


def messages(
    version: int = 1, room: str = "demo", *, signed: bool = False, body: bytes = BODY
) -> tuple[bytes, ...]:
    position, ts_ms = Position(9, version), 1000 * version
    signature = SIGNER.sign(room, position, ts_ms, body) if signed else None
    return encode(room, position, ts_ms, body, max_message_bytes=300, signature=signature)


def seen(*pictures: tuple[bytes, ...], verifier: Verifier | None = None) -> Verification:
    """Show pictures 100 ms apart, the first a keyframe; give the report."""
    verifier = verifier or Verifier("demo")
    for number, bodies in enumerate(pictures):
        verifier.see(Picture(number * 100, number % 10 == 0, bodies))
    return verifier.report()


def codes(report: Verification) -> list[str]:
    return [fault.code for fault in report.faults]


def test_a_stream_as_it_ought_to_be_has_no_fault() -> None:
    report = seen(messages(1), (), messages(2))
    assert codes(report) == []
    assert (report.messages, report.snapshots, report.pictures) == (2, 2, 3)
    assert (report.positions.first, report.positions.last) == ("9.1", "9.2")
    assert (report.positions.versions, report.ts_span_s) == (2, 1.0)
    assert list(report.lines())[-1] == "fine"


def test_a_stream_without_messages_of_the_room_is_at_fault() -> None:
    assert codes(seen((), ())) == ["no_messages"]
    report = seen(messages(room="other"))
    assert codes(report) == ["no_messages"]
    assert report.rooms.foreign == 1


def test_damaged_and_malformed_messages_are_told_apart() -> None:
    good = messages()[0]
    report = seen((good, good.replace(b"any", b"not"), b"SS1 nonsense", b"SS9 later"))
    assert codes(report) == ["malformed", "crc"]
    assert (report.crc_failed, report.other_format) == (1, 1)
    assert sum(report.malformed.values()) == 1


def test_a_position_that_falls_is_a_fault() -> None:
    assert codes(seen(messages(2), messages(1))) == ["backwards"]


def test_keyframes_without_a_message_count_after_the_first_message() -> None:
    nothing = ((),) * 9
    assert codes(seen((), *nothing, messages(), *nothing)) == []
    report = seen(messages(), *nothing, (), *nothing)
    assert codes(report) == ["keyframes"]
    assert report.cadence.longest_gap_s == 1.9
    assert report.cadence.keyframe_interval_s == 1.0


def test_a_gap_is_a_fault_where_a_limit_is_given() -> None:
    pictures = (messages(), (), (), (), messages())
    assert codes(seen(*pictures)) == []
    assert codes(seen(*pictures, verifier=Verifier("demo", max_gap_s=0.3))) == ["gap"]


def test_pieces_that_never_make_a_whole_are_a_fault() -> None:
    pieces = messages(body=b"x" * 10 + bytes(range(33, 127)) * 5)
    assert len(pieces) > 1
    assert codes(seen((pieces[0],), (pieces[0],))) == ["incomplete"]
    assert codes(seen(*((piece,) for piece in pieces))) == []


def test_signatures_are_judged_by_the_keys_that_are_given() -> None:
    keys, others = KeySet([SIGNER.public]), KeySet()
    assert seen(messages(signed=True)).signatures == {"unchecked": 1}
    valid = seen(messages(signed=True), verifier=Verifier("demo", keys))
    assert (codes(valid), valid.signed_by) == ([], ("k1",))
    unsigned = seen(messages(), verifier=Verifier("demo", keys))
    assert codes(unsigned) == ["signature_unsigned"]
    unknown = seen(messages(signed=True), verifier=Verifier("demo", others))
    assert codes(unknown) == ["signature_unknown_key"]


def test_the_age_is_told_of_a_live_stream_only() -> None:
    verifier = Verifier("demo")
    verifier.see(Picture(0, True, messages(5)))
    assert verifier.report().age_s is None
    assert verifier.report(now_ms=7500).age_s == 2.5


def test_what_a_stranger_sends_is_bounded() -> None:
    verifier = Verifier()
    for number in range(300):
        verifier.see(Picture(number, False, messages(number, room=f"room{number}")))
    assert len(verifier.report().rooms.seen) <= 65
