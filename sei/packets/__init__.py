"""The engine for everything that is not FLV to FLV: PyAV in a thread of its own."""
