"""Write the document to a file: ``python -m gateway.openapi PATH``."""

import sys
from pathlib import Path

from gateway.openapi import build, emit

Path(sys.argv[1]).write_text(emit(build()))
