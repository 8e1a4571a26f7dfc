"""The public face of a gateway: its front door, wired to what answers there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.edge.entries import Entries
from gateway.edge.events import Events
from gateway.edge.house import House
from gateway.edge.polls import Polls
from gateway.edge.replies import problem_reply
from gateway.edge.routes import Routes
from gateway.edge.upgrades import Upgrades
from gateway.entry import Reception
from gateway.gateway import Gateway
from gateway.origins import Origins
from gateway.plan import Planner


def front(
    gateway: Gateway, lend: Callable[[], asyncio.Protocol], date: Callable[[], bytes]
) -> House:
    """Wire the front door of a gateway.

    Args:
        gateway: behind it.
        lend: makes what answers one request that is not the door's.
        date: gives the ``Date`` line of this second.
    """
    config = gateway.config
    return House(
        route=_routes(gateway).find,
        lend=lend,
        fail=problem_reply,
        origins=Origins(config.origins, config.public_url),
        varies=bool(config.origins),
        wheel=gateway.wheel,
        date=date,
        tick=gateway.tick,
    )


def _routes(gateway: Gateway) -> Routes:
    config, limits, touch = gateway.config, gateway.limits, gateway.presence.touch
    upgrades = Upgrades(
        gateway, gateway.channels["ws"], gateway.admission, int(config.ping_interval_s * 1000)
    )
    polls = Polls(
        gateway.rooms,
        gateway.authenticator,
        check_poll=limits.check_poll,
        is_bounded=config.bounds.user_polls is not None,
        touch=touch,
        clock_s=lambda: gateway.clock_ms() / 1000,
        pace=gateway.pace_ms,
        tally=gateway.metrics.polls,
        waiting=gateway.waiting,
        tick=gateway.tick,
    )
    entries = Entries(
        Reception(
            gateway.rooms,
            Planner(config, gateway.pace_ms),
            config.announcement,
            gateway.clock_ms,
        ),
        gateway.authenticator,
        config,
        check_poll=limits.check_poll,
        touch=touch,
    )
    return Routes(
        polls,
        entries,
        push=upgrades.respond,
        push_all=lambda exchange: upgrades.respond(exchange, None),
        events=Events(gateway, gateway.channels["sse"], gateway.admission).respond,
    )
