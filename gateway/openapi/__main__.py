"""Write the document to standard output."""

import sys

from gateway.openapi import build, emit

sys.stdout.write(emit(build()))
