"""Send commands over HTTP so that each is carried out at most once (PROTOCOL.md 5)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp
import msgspec

from room import wire
from room.errors import SeatsyncError
from room.messages import Ack
from room.position import Position
from seatsync.access import Access
from seatsync.backoff import retry_delay_ms
from seatsync.errors import CommandRefused, CommandUnanswered, SourceEnded
from seatsync.sources.answers import describe, hinted_ms, read_bounded, read_problem

MAX_ATTEMPTS: Final = 5
ATTEMPT_TIMEOUT_S: Final = 5.0
TOTAL_TIMEOUT_S: Final = 15.0
RETRY_BASE_MS: Final = 100
RETRY_CAP_MS: Final = 2_000
MAX_ACK_BYTES: Final = 256 * 1024
_ACK: Final = msgspec.json.Decoder(Ack)


class CommandSender:
    """Sends commands of one caller to one room.

    An attempt that was refused for now, or whose answer was lost, is made again with the same
    ``cmd_id``: the gateway keeps its acks, so the command is carried out once.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        draw: Callable[[], float],
        *,
        attempt_timeout_s: float = ATTEMPT_TIMEOUT_S,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        self._session: Final = session
        self._access: Final = access
        self._draw: Final = draw
        self._attempt_timeout: Final = aiohttp.ClientTimeout(total=attempt_timeout_s)
        self._total_timeout_s: Final = total_timeout_s

    async def send(
        self,
        name: str,
        args: Mapping[str, Any],
        *,
        cmd_id: str | None = None,
        if_version: Position | str | None = None,
    ) -> Ack:
        """Carry out a command; a cancelled call leaves open whether it was.

        Args:
            name: of the command, such as ``seat.take``.
            args: its arguments.
            cmd_id: 1 to 64 characters; a random one where there is none.
            if_version: refuse unless ``state`` stands exactly there.

        Raises:
            CommandRefused: the gateway said no, for good or as often as it was asked.
            CommandUnanswered: no answer came; the outcome is open.
        """
        cmd_id = secrets.token_urlsafe(12) if cmd_id is None else cmd_id
        body = _encode(name, cmd_id, args, if_version)
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._total_timeout_s
        failures = 0
        while True:
            try:
                return await self._attempt(body, cmd_id)
            except (CommandRefused, CommandUnanswered) as error:
                delay_s = self._delay_s(error, failures)
                failures += 1
                if not _may_help(error) or failures == MAX_ATTEMPTS:
                    raise
                if loop.time() + delay_s > deadline_s:
                    raise
            await asyncio.sleep(delay_s)

    def _delay_s(self, error: SeatsyncError, failures: int) -> float:
        delay_ms = retry_delay_ms(
            error.retry_after_ms,
            failures,
            self._draw(),
            base_ms=RETRY_BASE_MS,
            cap_ms=RETRY_CAP_MS,
        )
        return delay_ms / 1000

    async def _attempt(self, body: bytes, cmd_id: str) -> Ack:
        try:
            async with self._session.post(
                self._access.url("commands"),
                data=body,
                headers={**self._access.headers, "Content-Type": "application/json"},
                allow_redirects=False,
                timeout=self._attempt_timeout,
            ) as response:
                return await _read(response, cmd_id)
        except SourceEnded as ended:
            raise CommandUnanswered(cmd_id, ended.reason) from None
        except (aiohttp.ClientError, OSError) as error:
            # Not chained: the foreign error holds the request's headers, and with them the token.
            raise CommandUnanswered(cmd_id, describe(error)) from None


async def _read(response: aiohttp.ClientResponse, cmd_id: str) -> Ack:
    problem = await read_problem(response)
    if problem is not None:
        hint_ms = problem.retry_after_ms
        raise CommandRefused(
            problem.code,
            problem.sentence,
            retryable=problem.retryable,
            status=response.status,
            retry_after_ms=hinted_ms(response.headers) if hint_ms is None else hint_ms,
            position=problem.position,
        )
    body = await read_bounded(response, MAX_ACK_BYTES)
    hint_ms = hinted_ms(response.headers)
    if response.status != 200:
        reason = f"HTTP status {response.status}, not from the gateway"
        raise CommandUnanswered(cmd_id, reason, retry_after_ms=hint_ms)
    try:
        ack = wire.read(_ACK, body)
    except SeatsyncError:
        raise CommandUnanswered(cmd_id, "what answered is not the gateway") from None
    if ack.cmd_id != cmd_id:
        raise CommandUnanswered(cmd_id, "the answer is to another command")
    return ack


def _may_help(error: CommandRefused | CommandUnanswered) -> bool:
    return isinstance(error, CommandUnanswered) or error.retryable


def _encode(
    name: str, cmd_id: str, args: Mapping[str, Any], if_version: Position | str | None
) -> bytes:
    envelope: dict[str, Any] = {"cmd": name, "cmd_id": cmd_id, "args": dict(args)}
    if if_version is not None:
        envelope["if_version"] = str(if_version)
    return wire.encode(envelope)
