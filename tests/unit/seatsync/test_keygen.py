"""``seatsync sei keygen``: the private key stays private, the set stays whole."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from room.errors import InvalidArgument, SeatsyncError
from room.position import Position
from seatsync.cli import keygen
from seatsync.cli.flags import Flags
from sei.wire.keys import read_key_set
from sei.wire.payload import StreamSnapshot, room_tag
from sei.wire.signature import read_signer, verify


def run(*arguments: str | Path) -> int:
    flags = Flags({})
    parser = argparse.ArgumentParser()
    keygen.register(parser.add_subparsers(required=True), flags)
    namespace = parser.parse_args(["keygen", *map(str, arguments)])
    code: int = namespace.run(namespace)
    return code


def make(folder: Path, kid: str, *more: str) -> Path:
    pem = folder / f"{kid}.pem"
    assert run("--kid", kid, "--out", pem, "--keys", folder / "keys.json", *more) == 0
    return pem


def kids(folder: Path) -> list[str]:
    return [key.id for key in read_key_set((folder / "keys.json").read_bytes())]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_the_new_key_signs_verifies_with_the_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = make(tmp_path, "2026-11")
    told = capsys.readouterr().out
    assert told == f"{pem}: private key 2026-11\n{tmp_path / 'keys.json'}: 2026-11\n"
    signer = read_signer(pem.read_bytes(), "2026-11")
    here = Position(1, 1)
    signature = signer.sign("demo", here, 1, b"{}")
    snapshot = StreamSnapshot(room_tag("demo"), here, 1, b"{}", signature)
    keys = read_key_set((tmp_path / "keys.json").read_bytes())
    assert verify(snapshot, keys) == "valid"


def test_the_private_key_is_its_owners_alone_and_the_set_is_public(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        pem = make(tmp_path, "a")
    finally:
        os.umask(before)
    assert pem.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o644
    assert b'"d"' not in (tmp_path / "keys.json").read_bytes()


def test_keys_are_added_beside_the_others_and_retired_one_by_one(tmp_path: Path) -> None:
    make(tmp_path, "a")
    make(tmp_path, "b")
    assert kids(tmp_path) == ["a", "b"]
    make(tmp_path, "c", "--retire", "a")
    assert kids(tmp_path) == ["b", "c"]
    assert run("--retire", "b", "--keys", tmp_path / "keys.json") == 0
    assert kids(tmp_path) == ["c"]
    assert run("--retire", "c", "--keys", tmp_path / "keys.json") == 0
    assert kids(tmp_path) == []


def test_entries_of_others_stay_as_they_are(tmp_path: Path) -> None:
    rsa = {"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB", "note": "not ours"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [rsa]}))
    make(tmp_path, "a")
    run("--retire", "a", "--keys", tmp_path / "keys.json")
    assert json.loads((tmp_path / "keys.json").read_bytes()) == {"keys": [rsa]}


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    make(tmp_path, "a")
    before = contents(tmp_path)
    keys = tmp_path / "keys.json"
    with pytest.raises(InvalidArgument, match="File exists"):
        run("--kid", "b", "--out", tmp_path / "a.pem", "--keys", keys)
    (tmp_path / "link.pem").symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(InvalidArgument, match="File exists"):
        run("--kid", "b", "--out", tmp_path / "link.pem", "--keys", keys)
    (tmp_path / "link.pem").unlink()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("arguments", [["--kid", "a"], ["--kid", "b", "--retire", "c"]])
def test_a_refusal_changes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    make(tmp_path, "a")
    before = contents(tmp_path)
    with pytest.raises(InvalidArgument):
        run(*arguments, "--out", tmp_path / "new.pem", "--keys", tmp_path / "keys.json")
    assert contents(tmp_path) == before


def test_no_private_key_is_left_where_the_set_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="No such file"):
        run("--kid", "a", "--out", tmp_path / "a.pem", "--keys", tmp_path / "none" / "keys.json")
    assert contents(tmp_path) == {}


def test_a_folder_in_place_of_a_file_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="Is a directory"):
        run("--retire", "a", "--keys", tmp_path)
    (tmp_path / "a.pem").mkdir()
    with pytest.raises(InvalidArgument, match="File exists"):
        run("--kid", "a", "--out", tmp_path / "a.pem", "--keys", tmp_path / "keys.json")


def test_nothing_is_left_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a")
    before = contents(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for arguments in (["--kid", "b", "--out", tmp_path / "b.pem"], ["--retire", "a"]):
        with pytest.raises(InvalidArgument, match="No space left"):
            run(*arguments, "--keys", tmp_path / "keys.json")
        assert contents(tmp_path) == before


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b'{"keys":[{"kty":"oct","k":"x"}]}'])
def test_a_set_that_is_none_is_left_alone(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "keys.json").write_bytes(broken)
    with pytest.raises(SeatsyncError):
        run("--kid", "a", "--out", tmp_path / "a.pem", "--keys", tmp_path / "keys.json")
    assert contents(tmp_path) == {"keys.json": broken}


def test_the_set_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    make(tmp_path, "a")
    (tmp_path / "keys.json").chmod(0o640)
    (tmp_path / "now.json").symlink_to("keys.json")
    run("--kid", "b", "--out", tmp_path / "b.pem", "--keys", tmp_path / "now.json")
    assert (tmp_path / "now.json").is_symlink()
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o640
    assert kids(tmp_path) == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--keys"),
        (["--keys", "k.json"], "--retire"),
        (["--kid", "a", "--keys", "k.json"], "--out"),
        (["--out", "a.pem", "--keys", "k.json"], "--kid"),
        (["--kid", "a", "--out", "a.pem", "--retire", "a", "--keys", "k.json"], "never used again"),
        (["--kid", "a b", "--out", "a.pem", "--keys", "k.json"], "key id"),
    ],
)
def test_flags_that_do_not_go_together_are_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match=complaint):
        run(*arguments)
    assert contents(tmp_path) == {}
