"""Fuzz one target: ``python -m tests.fuzz.fuzz TARGET [libFuzzer options]``."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import atheris

INSTRUMENTED: Final = {
    "door": ["gateway.edge"],
    "frames": ["gateway.push"],
    "codec": ["sei.wire"],
    "flv": ["sei.flv", "sei.wire", "sei.inputs.paced"],
    "rtmp": ["sei.rtmp"],
}
"""Each target, and the packages whose branches guide the fuzzer."""


def main() -> None:
    """Run until an option of the command line says stop, or a rule is broken."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=INSTRUMENTED[name]):
        target = importlib.import_module(f"tests.fuzz.{name}_target")
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
