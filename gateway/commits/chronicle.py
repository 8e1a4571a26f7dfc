"""How commands ended, for the log, the audit and the metrics: kept once, here."""

from __future__ import annotations

import logging

import msgspec

from gateway.commits.audit import Audit
from gateway.commits.workings import Outcome
from gateway.metrics.instruments import Metrics
from room.actor import Actor
from room.commands import NAMES, Command, Request
from room.position import Position

log = logging.getLogger(__name__)


class Chronicle:
    """Writes down every command and every document that was set, accepted or refused."""

    def __init__(self, metrics: Metrics, audit: Audit) -> None:
        self._metrics = metrics
        self._audit = audit

    def on_command(
        self, room: str, actor: Actor, request: Request, code: str, outcome: Outcome | None
    ) -> None:
        """A command of a caller ended; ``code`` is ``ok`` or the error's."""
        ack = None if outcome is None else outcome.ack
        self._metrics.count_command(request.name, code)
        self._audit.record(room, actor, request, code, ack)
        if not log.isEnabledFor(logging.INFO):
            return
        facts = {"room": room, "user": actor.user_id, "cmd": request.name, "cmd_id": request.cmd_id}
        if ack is None or outcome is None:
            log.info("command refused", extra={**facts, "code": code})
            return
        log.info("command", extra={**facts, "changed": ack.changed, "at": str(ack.position)})
        _log_ended(room, outcome)

    def on_system(self, room: str, command: Command, outcome: Outcome) -> None:
        """A command of the server itself was carried out; one that changed nothing says nothing."""
        if outcome.changed:
            self._metrics.count_system(NAMES[type(command)])
            log.info("system command", extra={"room": room, "cmd": NAMES[type(command)]})
            _log_ended(room, outcome)

    def on_document(
        self, room: str, actor: Actor, doc: str, code: str, position: Position | None
    ) -> None:
        """A service's attempt to set a document ended; the position is of the document."""
        self._metrics.count_document(code)
        self._audit.record_document(room, actor, doc, code, position)
        log.info("document", extra={"room": room, "user": actor.user_id, "doc": doc, "code": code})


def _log_ended(room: str, outcome: Outcome) -> None:
    for ended in outcome.ended:
        log.info("participation ended", extra={"room": room, **msgspec.structs.asdict(ended)})
