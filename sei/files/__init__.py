"""Media files, by PyAV: inject, read, strip, verify."""
