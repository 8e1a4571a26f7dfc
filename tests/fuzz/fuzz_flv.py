"""Fuzz the FLV rewriter: ``python -m tests.fuzz.fuzz_flv [libFuzzer options]``."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["sei.flv", "sei.wire", "sei.inputs.paced"]):
    from tests.fuzz.flv_target import one_input


def main() -> None:
    """Run until an option of the command line says stop, or a rule is broken."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
