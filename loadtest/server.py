"""A server and a relay of our own, as processes that end with the run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

LEAVE_S = 15


@contextmanager
def program(pattern: str, *arguments: str, variables: Mapping[str, str]) -> Iterator[str]:
    """Run ``seatsync`` with some arguments; give what the pattern finds in its output.

    Args:
        pattern: its first group is found in the line that says that all is ready.
        *arguments: of the command line.
        variables: of the environment; ours are added, other settings of seatsync left out.

    Raises:
        SystemExit: it ended before.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEATSYNC_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "seatsync", *arguments, "--log-level", "warning"],
        env={**clean, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _find(child, pattern)
    finally:
        child.terminate()
        try:
            child.wait(timeout=LEAVE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _find(child: subprocess.Popen[str], pattern: str) -> str:
    for line in child.stdout or ():
        if match := re.search(pattern, line):
            return match[1]
    raise SystemExit("a process of the run did not start")
