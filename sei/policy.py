"""Where an input may be fetched from, and where it may send us on to. Pure.

Every fetch over HTTP goes through here, those of playlists and segments too: an address that a peer
gives us must never reach a file, another scheme, or a host that the operator did not name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from sei.errors import BadMedia

MAX_REDIRECTS: Final = 3
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
"""Statuses that send on (RFC 9110 15.4)."""
MAX_ADDRESS_CHARACTERS: Final = 4096
_HTTP: Final = frozenset({"http", "https"})


def split_address(url: str) -> SplitResult:
    """Split an address of the form ``scheme://…`` and check that its parts can be read.

    Raises:
        BadMedia: it is too long, has a blank, a backslash or a control character, or no valid port.
    """
    if len(url) > MAX_ADDRESS_CHARACTERS:
        raise BadMedia(f"an address has at most {MAX_ADDRESS_CHARACTERS} characters")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise BadMedia("an address has neither blanks, backslashes nor control characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadMedia(f"the address cannot be read: {error}") from error
    return parts


def check_http(url: str) -> SplitResult:
    """Check an address that is to be fetched.

    Returns:
        Its parts.

    Raises:
        BadMedia: its scheme is not http or https, or it names no host.
    """
    parts = split_address(url)
    if parts.scheme not in _HTTP:
        raise BadMedia(f"only http and https are fetched, not {parts.scheme or 'a local path'}")
    if not parts.hostname:
        raise BadMedia("the address names no host")
    return parts


def check_redirect(from_url: str, to_url: str, allowed_hosts: Sequence[str]) -> str:
    """Check where an answer, or a playlist, sends us.

    Args:
        from_url: the address that was fetched, and allowed.
        to_url: what it names; may be relative.
        allowed_hosts: hosts beside its own, ``*.cdn.example`` for all below one.

    Returns:
        The address to fetch, in full.

    Raises:
        BadMedia: it leads to another scheme, out of TLS, to a host that is not allowed, or has
            credentials inside.
    """
    before = check_http(from_url)
    split_address(to_url)  # urljoin would drop what is malformed
    target = urljoin(from_url, to_url)
    after = check_http(target)
    if before.scheme == "https" and after.scheme != "https":
        raise BadMedia("an input over TLS may not send us on to one without")
    if after.username is not None or after.password is not None:
        raise BadMedia("an input may not send us on with credentials")
    host = _canonical(after.hostname)
    if host != _canonical(before.hostname) and not is_allowed_host(host, allowed_hosts):
        raise BadMedia(f"the input sends us on to {host}, which its configuration does not allow")
    return target


def is_allowed_host(host: str, allowed_hosts: Sequence[str]) -> bool:
    """Tell whether a host is on a list; ``*.cdn.example`` stands for all below, not for itself."""
    host = _canonical(host)
    return any(_fits(host, _canonical(allowed)) for allowed in allowed_hosts)


def _fits(host: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return host.endswith(allowed[1:]) and len(host) > len(allowed) - 1
    return host == allowed


def _canonical(host: str | None) -> str:
    """Write a host as it is compared; the brackets of an IPv6 one belong to the address."""
    return (host or "").lower().rstrip(".").removeprefix("[").removesuffix("]")
