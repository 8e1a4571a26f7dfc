"""Fuzz the RTMP session: ``python -m tests.fuzz.fuzz_rtmp [libFuzzer options]``."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["sei.rtmp"]):
    from tests.fuzz.rtmp_target import one_input


def main() -> None:
    """Run until an option of the command line says stop, or a rule is broken."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
