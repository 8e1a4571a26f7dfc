"""What the types do not say of a field: its meaning, and the range that it keeps to.

By ``Struct.field``, or by the name of a field that means the same wherever it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.streams import FORMATS
from room.errors import TABLE
from room.position import LARGEST

ROOM: Final = "^[A-Za-z0-9_-]{1,64}$"
EXTERNAL_NAME: Final = "[a-z0-9-]{1,32}"
POSITION: Final = r"^(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})$"
ENTITY_TAG: Final = r'^"(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})(-m)?(\.gz)?"$'

_NUMBER: Final = {"minimum": 0, "maximum": LARGEST}
_TIME: Final = {"minimum": 0, "description": "In ms since 1970, by the clock of the server."}
_SEAT: Final = {"minimum": 0, "description": "Seats are numbered from 0."}

FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "room": {"pattern": ROOM},
    "epoch": {**_NUMBER, "description": "First part of the position: a higher epoch is newer."},
    "version": {
        **_NUMBER,
        "description": "Second part: rises by exactly 1 with each change within an epoch.",
    },
    "ts": {**_TIME, "description": "Commit time in ms since 1970: for display, never for order."},
    "schema": {"const": 1, "description": "Which bytes a snapshot has; raised when they change."},
    "started_at": _TIME,
    "since": {**_TIME, "description": "Since when they sit here, in ms since 1970."},
    "created_at": _TIME,
    "expires_at": _TIME,
    "seat_index": _SEAT,
    "NewRoom.kind": {"description": "What a session is."},
    "NewRoom.seat_count": {"description": "By kind unless given: 9 for voice, 5 for video."},
    "NewRoom.seat_mode": {"description": "How members come to sit."},
    "NewRoom.owner_id": {"description": "Another than the caller takes the role `operator`."},
    "SessionStart.seat_count": {"description": "As the room says unless given."},
    "SessionEnd.reason": {"description": "For the audit log."},
    "SeatTake.seat_index": {"description": "`-1` for the first free seat."},
    "SeatMove.to": {"description": "The new seat."},
    "SeatMove.user_id": {"description": "Whom to move; the sender unless given."},
    "SeatMove.policy": {"description": "What becomes of an occupant of the new seat."},
    "SeatKick.seat_index": {"description": "A guard: 409 `SEAT_CHANGED` if they sit elsewhere."},
    "SeatKick.cooldown_s": {"description": "For so long they may not take a seat."},
    "SeatLock.evict": {"description": "Whether an occupant has to leave."},
    "SeatCountSet.evict": {"description": "Whether occupants of the last seats have to leave."},
    "RequestApply.seat_index": {"description": "The seat asked for; null or `-1` for any."},
    "InviteSend.seat_index": {"description": "The seat offered; null or `-1` for any."},
    "UserBan.ttl_s": {"description": "For how long; for good unless given."},
    "StateSnapshot.doc": {"const": "state"},
    "StateSnapshot.session": {"description": "Null while no session is live."},
    "StateSnapshot.seats": {
        "maxItems": 50,
        "description": "Every seat in its order; empty while no session is live.",
    },
    "StateSnapshot.owner_seat": {"description": "The seat that is kept for the owner."},
    "StateSnapshot.seat_mode": {
        "description": "How a member comes to sit: by taking a seat, by asking, or by invite.",
    },
    "RequestsSnapshot.doc": {"const": "requests"},
    "RequestsSnapshot.view": {"const": "member"},
    "RequestsSnapshot.items": {"maxItems": 100, "description": "The oldest first."},
    "RequestsSnapshot.total": {"minimum": 0, "description": "How many wait in all."},
    "DocumentSnapshot.doc": {"pattern": f"^x-{EXTERNAL_NAME}$"},
    "DocumentSnapshot.view": {"const": "anonymous"},
    "DocumentSnapshot.data": {
        "type": "object",
        "description": "The JSON object as its service wrote it, but for white space.",
    },
    "SessionView.kind": {"enum": ["video", "voice"]},
    "SessionView.owner_id": {"description": "Absent from the anonymous view."},
    "SeatView.index": _SEAT,
    "SeatView.locked": {"description": "Nobody may sit down here but owner and admins."},
    "SeatView.audio_locked": {"description": "Whoever sits here is muted."},
    "SeatView.participation_id": {
        "description": "One stay on a seat, kept when its user moves. Absent from the anonymous "
        "view."
    },
    "SeatView.mic_on": {"description": "The occupant's own wish to be heard."},
    "SeatView.muted": {"description": "The person is muted, on whichever seat."},
    "SeatView.link": {"description": "`lost` while the server does not hear from them."},
    "UserView.user_id": {"description": "Absent from the anonymous view."},
    "UserView.avatar": {"description": "Absent from the anonymous view."},
    "UserView.role": {"description": "Rank in this room. Absent from the anonymous view."},
    "UserView.nickname": {"description": "In the anonymous view its first character and `*`."},
    "RequestView.by": {"description": "User id of who made it."},
    "RequestView.seat_index": {**_SEAT, "description": "The seat asked for; null for any."},
    "Ack.cmd_id": {"minLength": 1, "maxLength": 64, "description": "Of the command."},
    "Ack.changed": {"description": "False where things were so already; the version stays."},
    "Ack.positions": {
        "additionalProperties": {"type": "string", "pattern": POSITION},
        "description": "Where other documents stand that the command changed.",
    },
    "Ack.result": {
        "description": "Facts for the sender alone, such as `seat_index` and "
        "`participation_id` of `seat.take`.",
    },
    "Created.changed": {"description": "Whether this call created the room."},
    "Put.changed": {"description": "False where an equal value was there already."},
    "ProblemDetails.type": {"pattern": "^urn:seatsync:error:[A-Z_]+$"},
    "ProblemDetails.title": {"description": "One sentence for a person; not for programs."},
    "ProblemDetails.status": {"enum": sorted({travel.status for travel in TABLE.values()})},
    "ProblemDetails.code": {"enum": list(TABLE), "description": "What a program goes by."},
    "ProblemDetails.retryable": {
        "description": "Whether the same request may succeed later as it is."
    },
    "ProblemDetails.retry_after_ms": {
        "minimum": 0,
        "description": "When to try again; spread, so that not all come at once.",
    },
    "Permission.commands": {
        "description": "What this caller may send now; a courtesy, as the "
        "server checks each command again."
    },
    "PlannedChannel.interval_ms": {"minimum": 1, "description": "How often to poll."},
    "Plan.channels": {"description": "The best first."},
    "Plan.ttl_ms": {"minimum": 1, "description": "For how long the plan holds."},
    "Entry.documents": {
        "additionalProperties": {
            "oneOf": [
                {"$ref": f"#/components/schemas/{name}Snapshot"}
                for name in ("State", "Requests", "Document")
            ]
        },
    },
    "Entry.missing": {"description": "Documents and parts that could not be had just now."},
    "Entry.announcement": {"description": "What every page is to show; null for nothing."},
    "Stream.format": {"enum": sorted(FORMATS)},
    "Stream.url": {"format": "uri", "description": "At a relay or CDN."},
    "Stream.width": {"minimum": 1},
    "Stream.height": {"minimum": 1},
}
