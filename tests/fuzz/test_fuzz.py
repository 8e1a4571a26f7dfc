"""What strangers send, by target: the seed corpus always, a fuzzer in a soak."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
SOAK_S = int(os.environ.get("SEATSYNC_FUZZ_S", "600"))
TARGETS = ("door", "frames", "codec", "flv", "rtmp")
KEPT = [path for target in TARGETS for path in sorted((CORPUS / target).iterdir())]


def module(target: str, part: str) -> Any:
    return importlib.import_module(f"tests.fuzz.{target}_{part}")


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_rule_holds_for_an_input_of_the_corpus(kept: Path) -> None:
    module(kept.parent.name, "target").one_input(kept.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_corpus_holds_the_seeds_that_its_script_writes(target: str) -> None:
    written = dict(module(target, "corpus").seeds())
    kept = {path.name: path.read_bytes() for path in (CORPUS / target).iterdir()}
    assert written == {name: content for name, content in kept.items() if name in written}


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S + 120)
@pytest.mark.parametrize("target", TARGETS)
def test_no_input_that_a_fuzzer_finds_breaks_a_rule(target: str, tmp_path: Path) -> None:
    """Ten minutes, or ``SEATSYNC_FUZZ_S`` seconds; a new input is kept in the test's directory."""
    pytest.importorskip("atheris")
    found = tmp_path / "found"
    found.mkdir()
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.fuzz",
        target,
        f"-max_total_time={SOAK_S}",
        "-max_len=4096",
        "-rss_limit_mb=1024",
        f"-artifact_prefix={tmp_path}/",
        str(found),
        str(CORPUS / target),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SOAK_S + 90)
    assert done.returncode == 0, done.stderr[-4000:]
