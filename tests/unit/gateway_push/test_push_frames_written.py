"""A server's frames: their bytes, and that a strict independent client reads them."""

from __future__ import annotations

import pytest
from websockets.frames import Frame
from websockets.frames import Opcode as Theirs

from gateway.push.frames import close_frame, ping_frame, pong_frame, text_frame
from tests.unit.gateway_push.frame_peer import open_client


@pytest.mark.parametrize(
    ("payload", "head"),
    [
        (b"", "8100"),
        (b"Hello", "8105"),
        (b"*" * 125, "817d"),
        (b"*" * 126, "817e007e"),
        (b"*" * 65535, "817effff"),
        (b"*" * 65536, "817f0000000000010000"),
    ],
)
def test_text_has_the_shortest_header_and_no_mask(payload: bytes, head: str) -> None:
    assert text_frame(payload) == bytes.fromhex(head) + payload


def test_control_frames_carry_their_payload() -> None:
    assert ping_frame(b"Hello") == bytes.fromhex("890548656c6c6f")
    assert ping_frame() == bytes.fromhex("8900")
    assert pong_frame(b"Hello") == bytes.fromhex("8a0548656c6c6f")
    assert pong_frame() == bytes.fromhex("8a00")


@pytest.mark.parametrize("write", [ping_frame, pong_frame])
def test_control_frame_of_126_bytes_is_not_written(write: type[bytes]) -> None:
    with pytest.raises(ValueError, match="125 bytes"):
        write(b"*" * 126)


def test_close_frame_has_code_and_reason_or_neither() -> None:
    assert close_frame() == bytes.fromhex("8800")
    assert close_frame(1000) == bytes.fromhex("880203e8")
    assert close_frame(4002, "né") == bytes.fromhex("88050fa2") + "né".encode()


def test_reason_is_cut_to_whole_characters() -> None:
    frame = close_frame(1000, "x" + "é" * 100)
    assert frame[1] == 2 + 123
    assert frame[4:] == b"x" + "é".encode() * 61
    assert len(close_frame(1000, "é" * 100)[4:]) == 122


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_strict_client_reads_our_texts(size: int) -> None:
    peer = open_client()
    peer.receive_data(text_frame(b"*" * size) + ping_frame(b"!") + pong_frame(b"?"))
    assert peer.events_received() == [
        Frame(Theirs.TEXT, b"*" * size),
        Frame(Theirs.PING, b"!"),
        Frame(Theirs.PONG, b"?"),
    ]
    assert peer.parser_exc is None


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 4000, 4504])
def test_strict_client_reads_our_close_frames(code: int) -> None:
    peer = open_client()
    peer.receive_data(close_frame(code, "κόσμε" * 30))
    assert peer.close_rcvd is not None
    assert peer.close_rcvd.code == code
    assert len(peer.close_rcvd.reason.encode()) in range(121, 124)
