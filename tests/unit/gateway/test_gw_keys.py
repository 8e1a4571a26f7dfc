from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from gateway.keys import MAX_FILE_BYTES, KeyFile, PublishedKeys
from room.errors import CannotStart
from sei.wire.keys import PublicKey, public_part, read_key_set, write_key_set

ONE = PublicKey("one", b"\x02" * 32)
TWO = PublicKey("two", b"\x03" * 32)


def kids(keys: PublishedKeys) -> list[str]:
    return [key.id for key in read_key_set(keys.newest().body)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "keys.json"
    target.write_bytes(write_key_set([ONE]))
    return target


@pytest.fixture
def keys(path: Path) -> PublishedKeys:
    return PublishedKeys(KeyFile(path, public_part))


def replace(path: Path, body: bytes) -> None:
    beside = path.with_suffix(".new")
    beside.write_bytes(body)
    os.replace(beside, path)


def test_a_file_that_changes_is_read_again_by_the_next_reader(
    keys: PublishedKeys, path: Path
) -> None:
    before = keys.newest()
    assert (kids(keys), keys.newest()) == (["one"], before)
    replace(path, write_key_set([ONE, TWO]))
    assert kids(keys) == ["one", "two"]
    assert keys.newest().etag != before.etag
    replace(path, write_key_set([ONE]))
    assert keys.newest() == before


def test_nothing_but_what_was_checked_is_published(keys: PublishedKeys, path: Path) -> None:
    document = json.loads(write_key_set([ONE]))
    document["keys"][0]["note"] = "for Bob"
    document["keys"].append({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "other"})
    replace(path, json.dumps(document | {"comment": "x"}, indent=2).encode())
    assert keys.newest().body == write_key_set([ONE])


def leaking(member: str) -> bytes:
    return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", member: "AAAA"}]}).encode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"keys":[', "MALFORMED"),
        (b"[]", "INVALID_ARGUMENT"),
        (leaking("d"), "INVALID_ARGUMENT"),
        (b" " * (MAX_FILE_BYTES + 1), "TOO_LARGE"),
    ],
    ids=["cut", "shape", "private", "large"],
)
def test_a_broken_new_file_leaves_the_keys_before_it_and_is_logged_once(
    keys: PublishedKeys, path: Path, caplog: pytest.LogCaptureFixture, body: bytes, code: str
) -> None:
    replace(path, body)
    with caplog.at_level(logging.ERROR):
        assert kids(keys) == kids(keys) == ["one"]
    (record,) = caplog.records
    assert vars(record)["code"] == code
    replace(path, write_key_set([TWO]))
    assert kids(keys) == ["two"]


def test_a_file_that_is_gone_leaves_the_keys_before_it(
    keys: PublishedKeys, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    assert kids(keys) == ["one"]
    assert [vars(record)["cause"] for record in caplog.records] == ["No such file or directory"]


def test_a_reload_reads_what_looks_unchanged(keys: PublishedKeys, path: Path) -> None:
    found = path.stat()
    path.write_bytes(path.read_bytes().replace(b"one", b"two"))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert kids(keys) == ["one"]
    keys.reload()
    assert kids(keys) == ["two"]


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
def test_no_start_with_a_private_key_in_the_file(path: Path, member: str) -> None:
    replace(path, leaking(member))
    with pytest.raises(CannotStart, match="private"):
        PublishedKeys(KeyFile(path, public_part))


def test_no_start_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"none\.json: No such file"):
        PublishedKeys(KeyFile(tmp_path / "none.json", public_part))
