"""The edge under load: real processes on one host, the server on one core, the load on another."""
