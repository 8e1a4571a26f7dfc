from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from gateway.tokens.secret import FILE_NAME, MIN_BYTES, VARIABLE, find_secret
from room.errors import InvalidArgument


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    find_secret({}, tmp_path)
    assert find_secret({VARIABLE: "e" * MIN_BYTES}, tmp_path) == b"e" * MIN_BYTES


def test_with_the_environment_no_file_is_made(tmp_path: Path) -> None:
    find_secret({VARIABLE: "e" * MIN_BYTES}, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("given", ["", "x", "e" * (MIN_BYTES - 1)])
def test_a_short_secret_in_the_environment_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        find_secret({VARIABLE: given}, tmp_path)
    assert VARIABLE in refused.value.message
    assert f"{len(given)} bytes" in refused.value.message
    assert "eee" not in refused.value.message, "the secret itself is told to nobody"


def test_length_is_counted_in_bytes(tmp_path: Path) -> None:
    assert find_secret({VARIABLE: "é" * 16}, tmp_path) == ("é" * 16).encode()


def test_a_made_secret_is_for_its_owner_alone_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    first = find_secret({}, folder)
    path = folder / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o077 == 0
    assert len(first) >= MIN_BYTES
    assert find_secret({}, folder) == first
    assert [entry.name for entry in folder.iterdir()] == [FILE_NAME]


def test_a_made_secret_is_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        find_secret({}, tmp_path / "data")
    finally:
        os.umask(before)
    assert (tmp_path / "data" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_two_folders_get_two_secrets(tmp_path: Path) -> None:
    assert find_secret({}, tmp_path / "a") != find_secret({}, tmp_path / "b")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o777])
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    find_secret({}, tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(InvalidArgument, match="chmod 600"):
        find_secret({}, tmp_path)


@pytest.mark.parametrize("content", [b"", b"short\n", b" " * 64])
def test_a_short_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InvalidArgument, match="bytes"):
        find_secret({}, tmp_path)
    assert path.read_bytes() == content


def test_a_folder_that_is_a_file_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(OSError, match="data"):
        find_secret({}, tmp_path / "data")


def _race(folder: Path, start: multiprocessing.synchronize.Barrier, found: object) -> None:
    start.wait()
    found.put(find_secret({}, folder))  # type: ignore[attr-defined]


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for number in range(5):
        folder = tmp_path / str(number)
        start, found = context.Barrier(6), context.Queue()
        racers = [context.Process(target=_race, args=(folder, start, found)) for _ in range(6)]
        for racer in racers:
            racer.start()
        secrets = {found.get(timeout=20) for _ in racers}
        for racer in racers:
            racer.join(20)
            assert racer.exitcode == 0
        assert secrets == {find_secret({}, folder)}
        assert [entry.name for entry in folder.iterdir()] == [FILE_NAME]
