"""A real ``redis-server`` in a folder of its own, for tests that need one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_S = 30.0
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""``everysec`` keeps a write back while a sync is under way, and a kill then loses what was
acknowledged: seen twice in 150 kills."""
FORGETFUL = ("--appendonly", "no")

_PASS_TIME = """
local ms = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, left - ms) end
  if redis.call('TYPE', key).ok == 'zset' then
    local found = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for index = 1, #found, 2 do
      redis.call('ZADD', key, string.format('%.0f', found[index + 1] - ms), found[index])
    end
  end
end
return false
"""


class RedisServer:
    """One server on a free port of the loopback; nothing is running before ``start``."""

    def __init__(self, folder: Path, options: Sequence[str] = FORGETFUL) -> None:
        self.folder = folder
        self.options = tuple(options)
        self.port = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the port it had before if it had one, and wait until it answers."""
        for _ in range(5):  # another program may have taken the port in between
            port = self.port or _free_port()
            if self._launch(port):
                self.port = port
                return
        raise AssertionError(f"redis-server does not start: {self.log}")

    @property
    def log(self) -> str:
        """What it has to say."""
        path = self.folder / "redis.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def ask(self, *words: str | bytes) -> bytes:
        """Send one command over a connection of its own; give the raw reply's first bytes.

        For short replies only; what is asked here must not go the way that is tested.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as peer:
            parts = [word.encode() if isinstance(word, str) else word for word in words]
            peer.sendall(b"*%d\r\n" % len(parts))
            peer.sendall(b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
            return peer.recv(65536)

    def published(self) -> int:
        """Count the messages that were published since the start."""
        found = re.search(rb"cmdstat_publish:calls=(\d+)", self.ask("INFO", "commandstats"))
        return int(found[1]) if found else 0

    async def pass_time(self, ms: int) -> None:
        """Move what the server keeps for a time, and what it dates, so many ms into the past."""
        assert self.ask("EVAL", _PASS_TIME, "0", str(ms)).startswith(b"$-1"), "it can't be moved"

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        self.kill()

    def freeze(self) -> None:
        """Stop it from running; its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._child is not None
        os.kill(self._child.pid, number)

    def _end(self, number: int) -> None:
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._signal(number)
            self._child.wait(PATIENCE_S)
            self._child = None

    def _launch(self, port: int) -> bool:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--logfile", "redis.log", "--save", ""]
        self._child = subprocess.Popen([*command, *self.options])
        self.port = port
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self._child.poll() is None:
            with suppress(OSError):
                if self.ask("PING").startswith(b"+PONG"):
                    return True
            time.sleep(0.01)
        self.stop()
        self.port = 0
        return False


@contextmanager
def running_redis(folder: Path, options: Sequence[str] = FORGETFUL) -> Iterator[RedisServer]:
    """Run a server; it is gone at the end, frozen or not."""
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServer(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def wall_clock_ms() -> int:
    """Give the time of this machine, which is the server's too."""
    return time.time_ns() // 1_000_000


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
