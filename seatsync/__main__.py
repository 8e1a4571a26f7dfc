"""``python -m seatsync`` is the command line."""

from seatsync.cli.main import run

if __name__ == "__main__":
    raise SystemExit(run())
