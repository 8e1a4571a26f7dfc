"""The cases of ``tests/vectors/sei_signature.json``, which the JavaScript client is to read too."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from write_signature_vectors import SEED

from room.errors import SeatsyncError
from room.position import Position
from sei.wire.assembler import Assembler
from sei.wire.keys import read_key_set
from sei.wire.payload import StreamSnapshot, decode
from sei.wire.signature import Signer, signed_text, verify

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sei_signature.json").read_text())


def named(cases: list[Any]) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases])


def joined(case: Any) -> StreamSnapshot:
    assembler, snapshot = Assembler(), None
    for text in case["messages_base64"]:
        message = decode(base64.b64decode(text))
        assert message is not None
        snapshot = assembler.offer(message)
    assert snapshot is not None
    return snapshot


@named(VECTORS["cases"])
def test_signatures_are_judged_as_the_vectors_say(case: Any) -> None:
    keys = read_key_set(json.dumps(VECTORS["keys"]).encode())
    assert verify(joined(case), keys) == case["verdict"], case["rule"]


@named([case for case in VECTORS["cases"] if case["verdict"] == "valid"])
def test_our_signer_makes_the_signatures_of_the_vectors(case: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    found = joined(case)
    text = signed_text(found.room_tag, found.position, found.ts_ms, found.body)
    assert text.decode() == case["signed_text"]
    assert found.signature is not None
    signer = Signer(Ed25519PrivateKey.from_private_bytes(SEED), found.signature.key_id)
    position = Position(*found.position)
    assert signer.sign("demo", position, found.ts_ms, found.body) == found.signature


@named(VECTORS["key_sets"])
def test_key_sets_are_read_as_the_vectors_say(case: Any) -> None:
    body = json.dumps(case["document"]).encode()
    if "ids" in case:
        assert [key.id for key in read_key_set(body)] == case["ids"], case["rule"]
        return
    with pytest.raises(SeatsyncError) as caught:
        read_key_set(body)
    assert caught.value.code == case["code"], case["rule"]
