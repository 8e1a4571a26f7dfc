"""What is tested here must not patch the process that tests it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PURE = (
    *("clock", "opening", "options", "places", "refusal", "scene", "server", "shapes"),
    *("staleness", "tide", "tokens", "__main__"),
)


@pytest.mark.parametrize("module", PURE)
def test_a_module_beside_the_users_loads_neither_gevent_nor_locust(module: str) -> None:
    code = (
        f"import sys, loadtest.{module}\n"
        "sys.exit(', '.join({'gevent', 'locust'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
