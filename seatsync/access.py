"""Where a room is, and how the gateway is told who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from yarl import URL

from room.errors import InvalidArgument
from room.names import check_room
from room.views import View

_SCHEMES: Final = ("http", "https")


@dataclass(frozen=True)
class Access:
    """One room at one gateway, seen by one caller.

    The token travels in the ``Authorization`` header alone, and only to the gateway: it is in no
    URL, log line or repr.
    """

    base_url: URL
    room: str
    token: str | None = field(default=None, repr=False)

    @property
    def view(self) -> View:
        """The view that the gateway gives this caller."""
        return "anonymous" if self.token is None else "member"

    @property
    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def url(self, part: str) -> URL:
        """Address a resource of the room, such as ``state`` or ``push``."""
        return self.base_url / "v1" / "rooms" / self.room / part


def http_url(text: str) -> URL:
    """Read an absolute address of HTTP.

    Raises:
        InvalidArgument: it is something else.
    """
    try:
        url = URL(text)
        usable = url.scheme in _SCHEMES and bool(url.host) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidArgument("an address starts with http:// or https:// and names a host")
    return url


def open_access(base_url: str, room: str, token: str | None) -> Access:
    """Check where and as whom a room is to be followed.

    Raises:
        InvalidArgument: no such address can be, the room id is malformed, or the token could not
            stand in a header.
    """
    url = http_url(base_url)
    if url.user is not None or url.password is not None or url.raw_query_string:
        raise InvalidArgument("the gateway's address holds no user, password or query")
    if token is not None and not (token.isascii() and token.isprintable() and token.strip()):
        raise InvalidArgument("a token is printable ASCII")
    return Access(url.with_fragment(None), check_room(room), token)
