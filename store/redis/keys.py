"""Names of keys. All keys of a room share its hash tag, so that a script stands on one slot.

===================================  =============================================================
key                                  holds
===================================  =============================================================
``seatsync:{room}:room``             hash: epoch, replid; version, ts, JSON of both documents
``seatsync:{room}:ack:n:actor:cmd``  a receipt; expires; ``n``: characters of ``actor``
``seatsync:{room}:x:doc``            hash: an ``x-`` document
``seatsync:{room}:docs``             set: the names of the ``x-`` documents
``seatsync:{room}:online``           hash: connections by node, each with when it was said; expires
``seatsync:leases:n``                sorted set: ``room/user`` by when the lease ends
``seatsync:seat:{user}``             the room that claims a user; expires
===================================  =============================================================
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote
from zlib import crc32

from room.errors import InvalidArgument
from store.leases import Seated
from store.port import CommandKey

SHARDS: Final = 64
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def room_key(room: str) -> str:
    """Name the key of a room."""
    return f"seatsync:{{{_quoted(room)}}}:room"


def ack_key(room: str, key: CommandKey) -> str:
    """Name the key of an ack; the length keeps ``a``, ``b:c`` apart from ``a:b``, ``c``."""
    return f"seatsync:{{{_quoted(room)}}}:ack:{len(key.actor_id)}:{key.actor_id}:{key.cmd_id}"


def document_key(room: str, doc: str) -> str:
    """Name the key of an ``x-`` document."""
    return f"seatsync:{{{_quoted(room)}}}:x:{doc}"


def documents_key(room: str) -> str:
    """Name the key that lists a room's ``x-`` documents."""
    return f"seatsync:{{{_quoted(room)}}}:docs"


def online_key(room: str) -> str:
    """Name the key of a room's connections by node."""
    return f"seatsync:{{{_quoted(room)}}}:online"


def leases_key(shard: int) -> str:
    """Name one of the sorted sets of leases."""
    return f"seatsync:leases:{shard}"


def seat_key(user_id: str) -> str:
    """Name the key of a user's claim."""
    return f"seatsync:seat:{{{_quoted(user_id)}}}"


def shard_of(room: str) -> int:
    """Place a room among the leases and the channels."""
    return crc32(room.encode("utf-8", "surrogatepass")) % SHARDS


def lease_member(seated: Seated) -> str:
    """Name a lease within its set."""
    return f"{_quoted(seated.room)}/{seated.user_id}"


def _quoted(name: str) -> str:
    """Keep a name from ending its hash tag; names that the gateway admits stay as they are."""
    if _PLAIN.fullmatch(name):
        return name
    try:
        return quote(name, safe="")
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise InvalidArgument("a name is not UTF-8") from error
