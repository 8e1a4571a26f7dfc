"""Write ``tests/vectors/sei_signature.json``: signed messages, key sets, and how they are judged.

An encoder of its own, straight from the format, so that a defect of ``sei.wire`` cannot hide in the
cases that judge it. The key is that of RFC 8032 7.1, TEST 1, and RFC 8037 A.1. Run it after a
change of the format: ``python tests/unit/sei/write_signature_vectors.py``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TARGET = Path(__file__).parents[2] / "vectors" / "sei_signature.json"
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
EMPTY_SIGNED = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
ORDER = 2**252 + 27742317777372353535851937790883648493
KID = "rfc8032-1"
EPOCH, VERSION, TS_MS = 1732146400123, 1287, 1732150000123
SMALL = '{"type":"snapshot","doc":"state","seats":[]}'
NON_ASCII = '{"nickname":"Zo\u00eb \u6797 \U0001f3a4"}'
LARGE = json.dumps(
    [{"index": n, "nickname": hashlib.sha256(b"%d" % n).hexdigest()[:32]} for n in range(50)]
)

Case = dict[str, Any]


def b64(value: bytes) -> str:
    """Write unpadded base64url."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def tag(room: str) -> str:
    """Name a room in public."""
    return b64(hashlib.sha256(room.encode()).digest())[:12]


def text_of(body: str, room: str = "demo", version: int = VERSION, ts: int = TS_MS) -> str:
    """Write what is signed."""
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f"SS1 {tag(room)} {EPOCH} {version} {ts} {digest}"


def sign(text: str) -> bytes:
    """Sign with the key of the RFC."""
    return Ed25519PrivateKey.from_private_bytes(SEED).sign(text.encode())


def messages(
    body: str,
    signature: str | None,
    *,
    room: str = "demo",
    version: int = VERSION,
    ts: int = TS_MS,
    deflate: bool = False,
    count: int = 1,
) -> list[str]:
    """Cut a snapshot into messages; ``signature`` is ``<kid>:<value>`` on the first."""
    data = body.encode()
    if deflate:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = b64(packer.compress(data) + packer.flush()).encode()
    size = -(-len(data) // count)
    written = []
    for n in range(count):
        piece = data[n * size : (n + 1) * size]
        head = (
            f"SS1 {'fz' if deflate else 'f'} {tag(room)} {EPOCH} {version} {ts}"
            f" {n + 1}/{count} {len(piece)}"
        )
        tail = f" {signature}" if signature and n == 0 else ""
        start = f"{head} {zlib.crc32(head.encode() + piece):08x}{tail}\n"
        written.append(base64.b64encode(start.encode() + piece).decode())
    return written


def key(**changed: Any) -> dict[str, Any]:
    """Write the public key; ``changed`` replaces members, None removes them."""
    members = {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": KID,
        "use": "sig",
        "alg": "EdDSA",
        "x": b64(PUBLIC),
    } | changed
    return {name: value for name, value in members.items() if value is not None}


def case(name: str, rule: str, bodies: list[str], verdict: str, text: str | None = None) -> Case:
    """Put the messages of one snapshot and their verdict into a case."""
    return {
        "name": name,
        "rule": rule,
        "messages_base64": bodies,
        "verdict": verdict,
        "signed_text": text,
    }


def valid_cases() -> Iterator[Case]:
    """What the key signed."""
    whole = "The signature covers the whole snapshot, as it was before deflating and cutting."
    for name, rule, body, form in (
        ("plain", "Ed25519 over one line of ASCII text, by the key of the id.", SMALL, {}),
        ("non_ascii", "The digest is over the bytes of UTF-8.", NON_ASCII, {}),
        ("deflated", whole, LARGE, {"deflate": True}),
        ("chunked", whole, LARGE, {"count": 5}),
        ("deflated_and_chunked", whole, LARGE, {"deflate": True, "count": 3}),
    ):
        text = text_of(body)
        signature = f"{KID}:{b64(sign(text))}"
        yield case(name, rule, messages(body, signature, **form), "valid", text)
    rule = "Numbers go up to 2^53-1."
    text = text_of(SMALL, version=2**53 - 1)
    bodies = messages(SMALL, f"{KID}:{b64(sign(text))}", version=2**53 - 1)
    yield case("largest_version", rule, bodies, "valid", text)


def invalid_cases() -> Iterator[Case]:
    """What nobody signed like this."""
    text = text_of(SMALL)
    good = f"{KID}:{b64(sign(text))}"
    for name, rule, changed in (
        ("other_room", "The tag of the room is signed: no replay in another.", {"room": "other"}),
        ("other_version", "The version is signed: an old state is not a new one.", {"version": 1}),
        ("other_ts", "The commit time is signed.", {"ts": TS_MS + 1}),
    ):
        yield case(name, rule, messages(SMALL, good, **changed), "invalid")
    rule = "The bytes are signed."
    yield case("other_body", rule, messages(SMALL.replace("[]", "{}"), good), "invalid")
    raw = sign(text)
    for name, rule, value in (
        ("flipped_bit", "A signature holds as a whole.", b64(raw[:-1] + bytes((raw[-1] ^ 1,)))),
        ("short", "A signature has 64 bytes.", b64(raw[:63])),
        ("long", "A signature has 64 bytes.", b64(raw + b"\0")),
        ("spare_bits", "base64url without spare bits: one text a value.", b64(raw)[:-1] + "B"),
        ("of_the_body", "The line is signed, not the snapshot.", b64(sign(SMALL))),
        ("second_form", "S is below the group order (RFC 8032 5.1.7).", b64(other_form(raw))),
    ):
        assert value != b64(raw)
        yield case(name, rule, messages(SMALL, f"{KID}:{value}"), "invalid")
    rule = "Broken text is invalid whoever is said to have signed."
    yield case("short_of_unknown", rule, messages(SMALL, f"nobody:{b64(raw[:63])}"), "invalid")


def other_form(raw: bytes) -> bytes:
    """Give the signature with S raised by the group order, which lax verifiers take."""
    raised = int.from_bytes(raw[32:], "little") + ORDER
    return raw[:32] + raised.to_bytes(32, "little")


def other_cases() -> Iterator[Case]:
    """What can't be judged."""
    rule = "No signature: nobody vouches for it."
    yield case("unsigned", rule, messages(SMALL, None), "unsigned")
    rule = "A key that is not in the set: ask for a newer set, take it for unsigned until then."
    text = text_of(SMALL)
    for name, kid in (("unknown_key", "2099-01"), ("kid_in_other_case", KID.upper())):
        yield case(name, rule, messages(SMALL, f"{kid}:{b64(sign(text))}"), "unknown_key")


def key_sets() -> Iterator[Case]:
    """Key sets: the ids that are read out of them, or the code of the refusal."""
    rsa = {"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"}
    other = key(kid="b", x=b64(SEED))
    for name, rule, keys, ids in (
        ("one", "A key of kind OKP on Ed25519 (RFC 8037 2).", [key()], [KID]),
        ("two", "While keys are rotated there are several.", [key(), other], [KID, "b"]),
        ("none", "A set may be empty.", [], []),
        ("few_members", "use and alg may be absent.", [key(use=None, alg=None)], [KID]),
        ("alg_ed25519", "RFC 9864 names the algorithm Ed25519.", [key(alg="Ed25519")], [KID]),
        ("other_members", "What is not known is passed over.", [key(note="x")], [KID]),
        ("other_kinds", "Keys of other kinds are passed over.", [rsa, key()], [KID]),
        ("same_kid_of_other_kind", "kid is per kind (RFC 7517 4.5).", [rsa | key(kty="RSA")], []),
        ("other_curve", "Another curve is another kind.", [key(crv="X25519")], []),
        ("for_encryption", "use must be sig where it is there.", [key(use="enc")], []),
        ("other_alg", "alg must be EdDSA where it is there.", [key(alg="ES256")], []),
        ("only_to_sign", "key_ops must allow verify where it is there.", [key(key_ops=[])], []),
        ("no_kid", "A key without an id can't be named.", [key(kid=None)], []),
        ("long_kid", "An id that no message can name.", [key(kid="k" * 33)], []),
    ):
        yield {"name": name, "rule": rule, "document": {"keys": keys}, "ids": ids}
    for name, rule, document in (
        ("no_keys", "A set has keys.", {}),
        ("keys_of_other_type", "keys is a list of objects.", {"keys": ["x"]}),
        ("two_of_one_id", "An id names one key.", {"keys": [key(), key(x=b64(SEED))]}),
        ("private", "Nothing private is in a public set.", {"keys": [key(d=b64(SEED))]}),
        ("private_of_other_kind", "Of whatever kind.", {"keys": [rsa | {"d": "AQAB"}]}),
        ("symmetric", "A secret is private.", {"keys": [{"kty": "oct", "k": "AQAB"}]}),
        ("short_key", "x has 32 bytes.", {"keys": [key(x=b64(PUBLIC[:31]))]}),
        ("padded_key", "x is unpadded.", {"keys": [key(x=b64(PUBLIC) + "=")]}),
        ("spare_bits", "x has no spare bits.", {"keys": [key(x=b64(PUBLIC)[:-1] + "p")]}),
        ("no_x", "A key has x.", {"keys": [key(x=None)]}),
        ("small_order", "A point of small order is no key.", {"keys": [key(x="A" * 43)]}),
        ("too_many", "32 keys at most.", {"keys": [key(kid=f"k{n}") for n in range(33)]}),
    ):
        yield {"name": name, "rule": rule, "document": document, "code": "INVALID_ARGUMENT"}


def write() -> None:
    """Write the file, one case a line."""
    assert sign("") == EMPTY_SIGNED, "the key is not that of the RFC"
    cases = [*valid_cases(), *invalid_cases(), *other_cases()]
    lines = ",\n".join(json.dumps(one) for one in cases)
    sets = ",\n".join(json.dumps(one) for one in key_sets())
    keys = json.dumps({"keys": [key()]})
    TARGET.write_text(
        f'{{"keys":{keys},\n"cases":[\n{lines}\n],\n"key_sets":[\n{sets}\n]}}\n', encoding="utf-8"
    )


if __name__ == "__main__":
    write()
