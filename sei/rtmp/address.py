"""An RTMP address, and where in it the application ends. Pure.

``rtmp[s]://host[:port]/app[/instance]/key[?query]``: of a path with two steps the first is the
application; of a longer one the first two are, and everything behind them belongs to the key, with
the query, as FFmpeg reads it. Some servers name their streams in one step: then that is the
application, and the key is empty.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from sei.errors import BadMedia
from sei.policy import split_address

_PORTS: Final = {"rtmp": 1935, "rtmps": 443}
_SHOWN_KEY_CHARACTERS: Final = 4


class RtmpAddress(NamedTuple):
    """Where a stream is, or goes to."""

    host: str
    port: int
    is_tls: bool
    app: str
    key: str
    """The stream's name, with its query; to publish it is a secret."""
    tc_url: str
    """The address of the application, as ``connect`` wants it."""
    shown: str
    """For logs and people: without query, and of a long key only the beginning."""

    def without_secrets(self, text: str) -> str:
        """Take out of a text what a server repeats of the key: some do when they refuse it."""
        name, _, query = self.key.partition("?")
        values = [value for _, value in parse_qsl(query)]
        for secret in (query, *sorted(values, key=len, reverse=True), name):
            if len(secret) > 2 * _SHOWN_KEY_CHARACTERS:
                kept = secret[:_SHOWN_KEY_CHARACTERS] if secret == name else ""
                text = text.replace(secret, f"{kept}…")
        return text


def parse_rtmp(text: str) -> RtmpAddress:
    """Read an address.

    Raises:
        BadMedia: it is malformed, or has credentials before its host.
    """
    parts = split_address(text)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadMedia("an RTMP address begins with rtmp:// or rtmps:// and a host")
    if parts.username is not None or parts.password is not None:
        raise BadMedia("RTMP sends no credentials before the host; servers take them in the query")
    steps = parts.path.removeprefix("/").split("/")
    app_steps = 1 if len(steps) <= 2 else 2
    app, key = "/".join(steps[:app_steps]), "/".join(steps[app_steps:])
    if not all(steps):
        raise BadMedia("an RTMP address is rtmp://host/application/key")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or _PORTS[parts.scheme]
    base = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
    return RtmpAddress(
        parts.hostname,
        port,
        parts.scheme == "rtmps",
        app,
        f"{key}?{parts.query}" if parts.query else key,
        f"{parts.scheme}://{host}:{port}/{app}",
        f"{base}/{app}{_shown_key(key)}{'?…' if parts.query else ''}",
    )


def _shown_key(key: str) -> str:
    """Show a key: all of a short one, which is a name; a long one may be a secret."""
    if len(key) <= 2 * _SHOWN_KEY_CHARACTERS:
        return f"/{key}" if key else ""
    return f"/{key[:_SHOWN_KEY_CHARACTERS]}…"
