"""Fuzz the door: ``python -m tests.fuzz.fuzz_door [libFuzzer options]``."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gateway.edge"]):
    from tests.fuzz.door_target import one_input


def main() -> None:
    """Run until an option of the command line says stop, or a rule is broken."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
