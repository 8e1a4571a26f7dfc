"""What an upstream may answer; every other answer is refused before its body is read."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.upstream.faults import UpstreamFault
from gateway.upstream.lifetimes import Lifetime

MAX_TAG: Final = 256
"""Characters of an entity tag that is kept."""

_JSON: Final = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json", re.IGNORECASE)
_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')


class ResponseHead(NamedTuple):
    """What counts of a response before its body; fields that are absent are empty."""

    status: int
    content_type: str = ""
    content_encoding: str = ""
    etag: str = ""
    cache_control: str = ""


class Whole(NamedTuple):
    """A document, as it was sent."""

    body: bytes
    etag: str | None
    lifetime: Lifetime


class Confirmed(NamedTuple):
    """What is held is what there is."""

    lifetime: Lifetime | None
    """None: as before."""


Answer = Whole | Confirmed | None
"""None: there is no such document."""


def check_head(head: ResponseHead, *, conditional: bool) -> bool:
    """Judge a response by its head.

    Args:
        head: of the response.
        conditional: whether the request named a tag.

    Returns:
        whether its body is a document.

    Raises:
        UpstreamFault: it is of no use.
    """
    if head.status in (404, 410) or (head.status == 304 and conditional):
        return False
    if head.status in (301, 302, 303, 307, 308):
        raise UpstreamFault("redirect")
    if head.status >= 500 or head.status == 429:
        raise UpstreamFault("failing")
    if head.status != 200:
        raise UpstreamFault("refused")
    if head.content_encoding.strip().lower() not in ("", "identity"):
        raise UpstreamFault("coded")  # none was accepted, and a small answer may grow without bound
    if _JSON.fullmatch(head.content_type.partition(";")[0].strip()) is None:
        raise UpstreamFault("content_type")
    return True


def usable_tag(etag: str) -> str | None:
    """Give an entity tag if it can be sent back as it is (RFC 9110 8.8.3)."""
    tag = etag.strip()
    return tag if len(tag) <= MAX_TAG and _TAG.fullmatch(tag) else None
