"""``seatsync sei`` over files and pipes: verify, formats, signatures, states that change."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sei_files import STATE, encode, snapshot

from sei.files.inject import inject
from sei.files.read import read

Stream = Callable[[str], Path]
PROGRAM = (sys.executable, "-m", "seatsync", "sei")


def run(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def test_a_signed_file_is_verified_with_its_keys(synthetic: Stream, tmp_path: Path) -> None:
    pem, keys, state = tmp_path / "k.pem", tmp_path / "keys.json", tmp_path / "state.json"
    made = tmp_path / "made.ts"
    state.write_bytes(STATE)
    assert run("keygen", "--kid", "k1", "--out", pem, "--keys", keys).returncode == 0
    flags = ("--state", state, "--key", pem, "--kid", "k1")
    assert run("inject", synthetic("slices"), made, *flags).returncode == 0
    done = run("verify", made, "--room", "demo", "--keys", keys, "--json")
    assert done.returncode == 0, done
    report = json.loads(done.stdout)
    assert set(report["signatures"]) == {"valid"}
    assert report["faults"] == []


def test_a_file_with_faults_gives_status_1_and_one_that_is_none_gives_2(
    synthetic: Stream, tmp_path: Path
) -> None:
    faulty = run("verify", synthetic("slices"))
    assert faulty.returncode == 1
    assert b"FAULT" in faulty.stdout
    missing = run("verify", tmp_path / "missing.ts")
    assert missing.returncode == 2
    assert missing.stderr.count(b"\n") == 1


def test_a_stream_passes_through_pipes(synthetic: Stream, tmp_path: Path) -> None:
    source, state = tmp_path / "source.ts", tmp_path / "state.json"
    inject(synthetic("slices"), source, STATE)
    state.write_bytes(STATE)
    flags = ("--state", state, "--format", "fmp4", "--json")
    made = run("inject", "-", "-", *flags, stdin=source.read_bytes())
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stderr)["injected"] > 0
    checked = run("verify", "-", "--room", "demo", stdin=made.stdout)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("form", ["mp4", None])
def test_what_cannot_go_into_a_pipe_is_refused(
    form: str | None, synthetic: Stream, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    state.write_bytes(STATE)
    more = () if form is None else ("--format", form)
    done = run("inject", synthetic("slices"), "-", "--state", state, *more)
    assert (done.returncode, done.stdout) == (2, b"")


def test_states_change_at_their_times(synthetic: Stream, tmp_path: Path) -> None:
    states, made = tmp_path / "states.jsonl", tmp_path / "made.flv"
    lines = [b'{"at":%d,"state":%b}' % (at, snapshot(at + 1)) for at in range(2)]
    states.write_bytes(b"\n".join(lines))
    assert run("inject", synthetic("slices"), made, "--states", states).returncode == 0
    found = [item for item in read(made) if item.snapshot]
    assert {item.snapshot.body for item in found if item.snapshot} == {snapshot(1), snapshot(2)}
    states.write_bytes(b"\n".join(reversed(lines)))
    assert run("inject", synthetic("slices"), made, "--states", states).returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_half_written(number: int, tmp_path: Path) -> None:
    clip, state, target = tmp_path / "clip.ts", tmp_path / "state.json", tmp_path / "made.ts"
    encode(tmp_path / "clip.mp4", "slices")
    inject(tmp_path / "clip.mp4", clip, STATE)
    state.write_bytes(STATE)
    command = [*PROGRAM, "inject", "-", str(target), "--state", str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin is not None
        content = clip.read_bytes() * 40
        os.set_blocking(program.stdin.fileno(), True)
        program.stdin.write(content)  # returns when most of it was read
        program.stdin.flush()
        program.send_signal(number)
        program.stdin.close()
        status = program.wait(timeout=30)
    assert not list(tmp_path.glob(".*.part"))
    assert status != 0 or target.exists()
    assert status == 0 or not target.exists()
