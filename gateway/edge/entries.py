"""The start of a page: everything in one answer, joined from bytes that are there already."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from gateway.config import Config
from gateway.edge.replies import Reply, reply_of
from gateway.entry import Gathered, Reception, read_docs
from gateway.plan import base_url
from gateway.schema import check_schema
from gateway.tokens.authenticator import bearer_token
from gateway.tokens.bearer import Bearer
from room.actor import Actor
from room.errors import InvalidArgument
from room.names import check_room

if TYPE_CHECKING:
    from gateway.edge.exchange import Exchange
    from gateway.edge.polls import Guard

PUBLIC: Final = "public, max-age=1"
PRIVATE: Final = "private, no-store"


class Entries:
    """Answers ``entry``.

    Args:
        reception: gathers what is in it.
        guard: verifies tokens.
        config: of this gateway.
        check_poll: refuses what comes too soon after others.
        touch: notes a sign of life, by room and user.
    """

    def __init__(
        self,
        reception: Reception,
        guard: Guard,
        config: Config,
        *,
        check_poll: Callable[[Actor | None], None],
        touch: Callable[[str, str], None],
    ) -> None:
        self._reception = reception
        self._guard = guard
        self._config = config
        self._check_poll = check_poll
        self._touch = touch

    def respond(self, exchange: Exchange, room: str) -> Coroutine[Any, Any, None] | None:
        """Answer at once where everything is in memory.

        Args:
            exchange: what is to be answered.
            room: decoded, as it was sent.
        """
        head = exchange.head
        bearer = self._guard.authenticate(bearer_token(head.all(b"authorization")))
        check_room(room)
        check_schema(head.params.get("schema"))
        docs = read_docs(head.params.get("docs"))
        self._check_poll(bearer.actor)
        base = self._base_of(exchange)
        gathered = self._reception.enter_now(room, bearer, docs, base)
        if gathered is None:
            return self._enter_and_answer(exchange, room, bearer, docs, base)
        self._answer(exchange, room, bearer, gathered)
        return None

    def _base_of(self, exchange: Exchange) -> str | None:
        """Say where this caller reaches the service; None where its ``Host`` is none."""
        try:
            return base_url(self._config, exchange.scheme, exchange.head.host)
        except InvalidArgument:
            return None

    async def _enter_and_answer(
        self, exchange: Exchange, room: str, bearer: Bearer, docs: tuple[str, ...], base: str | None
    ) -> None:
        gathered = await self._reception.enter(room, bearer, docs, base)
        self._answer(exchange, room, bearer, gathered)

    def _answer(self, exchange: Exchange, room: str, bearer: Bearer, gathered: Gathered) -> None:
        if bearer.actor is not None:
            self._touch(room, bearer.actor.user_id)
        exchange.reply(entry_reply(gathered, bearer))


def entry_reply(gathered: Gathered, bearer: Bearer) -> Reply:
    """Write an entry; caches may keep for a moment what is whole and for everybody."""
    is_public = bearer.actor is None and gathered.is_whole
    fields = (
        ("Content-Type", "application/json"),
        ("Cache-Control", PUBLIC if is_public else PRIVATE),
        ("Vary", "Authorization"),
    )
    return reply_of(200, fields, gathered.body)
