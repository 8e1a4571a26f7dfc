"""The FLV rewriter under strange bytes: the seed corpus always, a fuzzer in a soak."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.flv_corpus import CORPUS, seeds
from tests.fuzz.flv_target import one_input

ROOT = Path(__file__).parents[2]
SOAK_S = int(os.environ.get("SEATSYNC_FUZZ_S", "600"))
KEPT = sorted(CORPUS.iterdir())


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name)
def test_every_rule_holds_for_an_input_of_the_corpus(kept: Path) -> None:
    one_input(kept.read_bytes())


def test_corpus_holds_the_seeds_that_its_script_writes() -> None:
    written = dict(seeds())
    assert written == {kept.name: kept.read_bytes() for kept in KEPT if kept.name in written}


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S + 120)
def test_no_input_that_a_fuzzer_finds_breaks_a_rule(tmp_path: Path) -> None:
    """Ten minutes, or ``SEATSYNC_FUZZ_S`` seconds; a new input is kept in the test's directory."""
    pytest.importorskip("atheris")
    found = tmp_path / "found"
    found.mkdir()
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.fuzz_flv",
        f"-max_total_time={SOAK_S}",
        "-max_len=4096",
        "-rss_limit_mb=1024",
        f"-artifact_prefix={tmp_path}/",
        str(found),
        str(CORPUS),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SOAK_S + 90)
    assert done.returncode == 0, done.stderr[-4000:]
