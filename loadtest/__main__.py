"""``make load``: a minute of Locust against a server that this starts and stops.

The report is printed and kept in ``out/``: ``load.html``, ``load_stats.csv``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import Request, urlopen

from gateway.auth import issue

ROOM = "load"
GUESTS = 5


def main() -> int:
    """Run server and load; the exit status is Locust's."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    secret = secrets.token_hex(32)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SEATSYNC_JWT_SECRET": secret, "SEATSYNC_DATA": folder}
        command = [sys.executable, "-m", "seatsync", "serve", "--listen", "127.0.0.1:0"]
        server = subprocess.Popen(
            [*command, "--log-level", "warning"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = find_url(server)
            tokens = [sign(secret, f"guest{number}") for number in range(GUESTS)]
            open_room(url, sign(secret, "owner"))
            return run_locust(url, tokens, arguments.users, arguments.seconds)
        finally:
            server.terminate()
            server.wait(timeout=15)


def find_url(server: subprocess.Popen[str]) -> str:
    """Read where the server listens."""
    for line in server.stdout or ():
        if match := re.search(r"serving (http://\S+)", line):
            return match[1]
    raise SystemExit("the server did not start")


def sign(secret: str, user: str) -> str:
    """Sign a token for an hour."""
    return issue(secret.encode(), {"sub": user, "exp": int(time.time()) + 3600})


def open_room(url: str, token: str) -> None:
    """Create the room and go live."""
    command = {"cmd": "session.start", "cmd_id": "start"}
    for method, path, body in (("PUT", "", {}), ("POST", "/commands", command)):
        request = Request(  # noqa: S310 - our own server on loopback
            f"{url}/v1/rooms/{ROOM}{path}",
            method=method,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urlopen(request) as response:  # noqa: S310 - our own server on loopback
            response.read()


def run_locust(url: str, tokens: list[str], users: int, seconds: int) -> int:
    """Run Locust without its page."""
    out = Path("out")
    out.mkdir(exist_ok=True)
    return subprocess.call(
        [
            *(sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless"),
            *("--host", url, "--users", str(users), "--spawn-rate", "50"),
            *("--run-time", f"{seconds}s", "--stop-timeout", "5", "--only-summary"),
            *("--csv", str(out / "load"), "--html", str(out / "load.html")),
        ],
        env={**os.environ, "LOADTEST_ROOM": ROOM, "LOADTEST_TOKENS": json.dumps(tokens)},
    )


if __name__ == "__main__":
    sys.exit(main())
