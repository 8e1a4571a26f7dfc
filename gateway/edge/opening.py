"""How a push connection begins, whatever carries it: it takes its place, or leaves nothing."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING

from gateway.push.admission import Admission
from gateway.push.connection import Connection
from gateway.push.conversation import Conversation, Rest
from gateway.push.entrance import Wish

if TYPE_CHECKING:
    from gateway.edge.exchange import Exchange


def begin(
    exchange: Exchange,
    connection: Connection,
    conversation: Conversation,
    wish: Wish,
    *,
    admission: Admission | None,
    ping_ms: int,
) -> Rest:
    """Let a connection in and begin what is said on it.

    Returns:
        what has yet to be awaited before it is carried; whoever awaits it makes the connection
        leave if that fails.

    Raises:
        SeatsyncError: it may not come in, or what it asks for is not there.
    """
    if admission is not None and not connection.channel.connections.draining:
        admission.admit()
    connection.enter(conversation)
    try:
        rest = conversation.open(wish.docs, wish.have, ping_ms)
    except BaseException:
        connection.leave()
        raise
    if rest is not None:
        exchange.on_gone = partial(_give_up, connection, rest)
    return rest


def _give_up(connection: Connection, rest: Rest) -> None:
    """Leave nothing of a connection whose peer has gone; a task that never began clears nothing."""
    connection.leave()
    if rest is not None and inspect.getcoroutinestate(rest) == inspect.CORO_CREATED:
        rest.close()
