"""``make load``: a minute of Locust against a server and a relay that this starts and stops.

The report is printed and kept in ``out/``: ``load.html``, ``load_stats.csv`` and others, and
``load_notes.txt``. What is not listed here goes to Locust as it is. The exit status is Locust's: 1
where anything failed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from loadtest.opening import open_rooms
from loadtest.places import name_rooms
from loadtest.server import program
from loadtest.shapes import SHAPES
from loadtest.tokens import Tokens
from seatsync.cli.serve import free_port

ROOT = Path(__file__).parent.parent
SPAWN_RATE = "50"


def main() -> int:
    """Run server, relay and load."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--shape", choices=tuple(SHAPES), default="steady")
    parser.add_argument("--rooms", default="3")
    parser.add_argument("--out", type=Path, default=ROOT / "out")
    arguments, more = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_hex(32)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends the others too
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        variables = {"SEATSYNC_JWT_SECRET": secret, "SEATSYNC_DATA": folder}
        url = start(stack, variables, name_rooms(arguments.rooms))
        command = locust_command(arguments, url, more)
        return subprocess.call(command, cwd=ROOT, env={**os.environ, **variables})


def start(stack: ExitStack, variables: dict[str, str], rooms: tuple[str, ...]) -> str:
    """Start the server and the relay of the first room; give the server's URL."""
    relay = f"127.0.0.1:{free_port()}"
    stream = f"flv=http://{relay}/live/{{room}}.flv"
    audit = f"{variables['SEATSYNC_DATA']}/audit"
    serve = ("serve", "--listen", "127.0.0.1:0", "--stream", stream, "--audit-log", audit)
    url = stack.enter_context(program(r"serving (http://\S+)", *serve, variables=variables))
    open_rooms(url, str(Tokens(variables["SEATSYNC_JWT_SECRET"]).owner), rooms)
    play = ("relay", rooms[0], "--relay-listen", relay, "--gateway", url)
    stack.enter_context(program(r"relay (http://\S+)", *play, variables=variables))
    return url


def locust_command(arguments: argparse.Namespace, url: str, more: list[str]) -> list[str]:
    """Write Locust's command line."""
    return [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest" / "locustfile.py")),
        *("--headless", "--only-summary", "--csv-full-history", "--host", url),
        *("--users", str(arguments.users), "--spawn-rate", SPAWN_RATE),
        *("--run-time", f"{arguments.seconds}s"),
        *("--shape", arguments.shape, "--rooms", arguments.rooms),
        *("--csv", str(arguments.out / "load"), "--html", str(arguments.out / "load.html")),
        *("--notes", str(arguments.out / "load_notes.txt")),
        *more,
    ]


if __name__ == "__main__":
    sys.exit(main())
