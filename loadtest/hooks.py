"""What happens at the turns of a run: rooms are opened, clocks compared, notes written."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import gevent
import websocket
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.asking import ask_the_time
from loadtest.clock import estimate
from loadtest.lag import measure_lag
from loadtest.opening import NotOpened, open_rooms
from loadtest.options import add_options, fill
from loadtest.scene import scene
from loadtest.users.guest import Guest
from loadtest.users.sei import Viewer

log = logging.getLogger(__name__)
clocks: dict[str, str] = {}
"""What each process says of its clock, by its Locust id."""

lags: list[gevent.Greenlet] = []
"""What measures our own lag, while a test runs."""

events.init_command_line_parser.add_listener(add_options)


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Set the fixed numbers of users, and listen to the shape."""
    options = environment.parsed_options
    environment.host = (environment.host or "").rstrip("/") or None
    for kind, number in ((Guest, options.guests), (Viewer, options.viewers)):
        kind.fixed_count, kind.weight = number, 0
    if environment.runner is not None:
        environment.runner.register_message("stage", on_stage)
    environment.events.quit.add_listener(lambda **_: write_notes(options.notes))


def on_stage(environment: Environment, msg: Any, **_: Any) -> None:
    """Hear of the stage."""
    del environment
    scene.tide.take(msg.data)


@events.test_start.add_listener
def on_test_start(environment: Environment, **_: Any) -> None:
    """Open the rooms, once in a run; compare clocks where users run."""
    fill(scene, environment.parsed_options)
    runner = environment.runner
    if not isinstance(runner, WorkerRunner) and scene.tokens.owner is not None:
        prepare_rooms(environment, scene.tokens.owner)
    if isinstance(runner, MasterRunner):
        return
    scene.worker = max(0, runner.worker_index)
    compare_clocks(environment)
    clocks[runner.client_id] = scene.clock.describe()
    lags.append(gevent.spawn(measure_lag))


@events.test_stop.add_listener
def on_test_stop(**_: Any) -> None:
    """Measure no more."""
    while lags:
        lags.pop().kill(block=False)


def prepare_rooms(environment: Environment, token: str) -> None:
    """Open the rooms; a run without them ends at once."""
    try:
        open_rooms(environment.host, token, scene.rooms)
    except (OSError, NotOpened):
        log.exception("the rooms can't be opened")
        environment.process_exit_code = 2
        gevent.spawn(environment.runner.quit)


def compare_clocks(environment: Environment) -> None:
    """Ask the server for its time; a run goes on without."""
    try:
        scene.clock.offset = estimate(ask_the_time(environment.host))
    except (OSError, ValueError, websocket.WebSocketException) as error:
        log.warning("the server's clock is not known: %s", error)


@events.report_to_master.add_listener
def on_report_to_master(client_id: str, data: dict[str, Any], **_: Any) -> None:
    """Send what is known of this worker's clock."""
    data["clock"] = clocks.get(client_id)


@events.worker_report.add_listener
def on_worker_report(client_id: str, data: dict[str, Any], **_: Any) -> None:
    """Keep what a worker knows of its clock."""
    if data.get("clock"):
        clocks[client_id] = data["clock"]


def write_notes(path: str) -> None:
    """Say beneath the report whose clock staleness is told by."""
    lines = "".join(f"  {line}\n" for line in sorted(set(clocks.values())))
    if not lines:
        return
    text = f"staleness is now - ts; ts is the server's commit time\n{lines}"
    print(text, flush=True)
    if path:
        Path(path).write_text(text)
