"""The C programs of the runs, compiled where they are needed."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "native"


def compiled(name: str, folder: Path) -> Path:
    """Compile one program into a folder, once."""
    target = folder / name
    if not target.exists():
        subprocess.run(["cc", "-O2", "-o", target, SOURCES / f"{name}.c"], check=True)
    return target
