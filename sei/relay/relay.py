"""The live relay: a room's newest state in a live stream, for any number of players.

It takes snapshots from an async iterator and knows neither the gateway nor its client. A source
thread paces the pictures, the event loop serves them; the two share the messages of the newest
snapshot, a tuple that is replaced and never changed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError as FutureCancelledError
from pathlib import Path
from typing import Final

from room.errors import SeatsyncError
from room.names import check_room
from sei.errors import TooManyChunks
from sei.flv.tags import Tag
from sei.inputs.looped import LiveSource, MediaLoop, TestPicture
from sei.insertion.state import Encoder, HasBody
from sei.outputs.flv_server import serving
from sei.outputs.old_fanout import LiveStream
from sei.relay.live import run_live

_log: Final = logging.getLogger(__name__)


async def run_relay(
    room: str,
    snapshots: AsyncIterator[HasBody],
    *,
    listen: tuple[str, int],
    media: Path | None,
    on_ready: Callable[[int], None],
) -> None:
    """Serve a live stream of a room with its state inside, until cancelled.

    When the snapshots end, the last one is repeated. Cancelling leaves nothing behind: players
    are let go, the socket is closed and the source thread is over.

    Args:
        room: id of the room.
        snapshots: anonymous ``state`` snapshots, newest last; older ones are passed over.
        listen: address and port; port 0 takes a free one.
        media: a file to play over and over; None for a test picture.
        on_ready: told the port, once the first picture is there and players may come.

    Raises:
        BadMedia: the file cannot be played.
        SourceFailed: the source broke off.
        InvalidArgument: the room id is malformed, the address cannot be listened on, or a snapshot
            is not for everybody to see.
    """
    check_room(room)
    stream, encoder = LiveStream(), Encoder(room)
    source: LiveSource = TestPicture() if media is None else MediaLoop(media)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_follow(snapshots, encoder), name="relay state")
            tasks.create_task(_produce(source, encoder, stream), name="relay source")
            tasks.create_task(_serve(room, stream, listen, on_ready), name="relay server")
    except ExceptionGroup as group:
        if isinstance(group.exceptions[0], SeatsyncError):
            raise group.exceptions[0] from group
        raise


async def _follow(snapshots: AsyncIterator[HasBody], encoder: Encoder) -> None:
    async for snapshot in snapshots:
        try:
            encoder.messages(snapshot.body)
        except TooManyChunks as error:
            _log.warning("a snapshot does not fit into the stream: %s", error)
    _log.info("the snapshots ended; the stream repeats the last one")


async def _serve(
    room: str, stream: LiveStream, listen: tuple[str, int], on_ready: Callable[[int], None]
) -> None:
    await stream.started.wait()
    async with serving(room, stream, listen) as port:
        on_ready(port)
        await asyncio.get_running_loop().create_future()  # until cancelled


async def _produce(source: LiveSource, encoder: Encoder, stream: LiveStream) -> None:
    """Run the source in a thread; the thread is over when this returns or is cancelled."""
    stop = threading.Event()
    publish = _into_loop(stream, asyncio.get_running_loop(), stop)
    running = asyncio.create_task(
        asyncio.to_thread(run_live, source, lambda: encoder.newest, publish, stop)
    )
    try:
        await asyncio.shield(running)
    finally:
        stop.set()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # what it says at the end of a cancelled relay is nobody's loss


def _into_loop(
    stream: LiveStream, loop: asyncio.AbstractEventLoop, stop: threading.Event
) -> Callable[[list[Tag]], None]:
    """Let the source thread publish in the event loop, and wait until that is done."""

    async def publish(tags: list[Tag]) -> None:
        for tag in tags:
            stream.publish(tag)

    def hand_over(tags: list[Tag]) -> None:
        try:
            asyncio.run_coroutine_threadsafe(publish(tags), loop).result()
        except FutureCancelledError:  # the loop is ending, and every task with it
            stop.set()

    return hand_over
