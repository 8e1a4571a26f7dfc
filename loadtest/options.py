"""What a run is told beside Locust's own options."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from loadtest.places import name_rooms
from loadtest.scene import Scene
from loadtest.shapes import SHAPES, Plan
from loadtest.tokens import Tokens, read_tokens

SECONDS = 60
"""How long a shape lasts where ``--run-time`` does not say."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ours to Locust's; the master hands their values to its workers."""
    group = parser.add_argument_group("seatsync")
    group.add_argument("--shape", choices=tuple(SHAPES), default="steady", env_var="LOADTEST_SHAPE")
    group.add_argument(
        "--rooms",
        default="3",
        env_var="LOADTEST_ROOMS",
        help="how many rooms, or their names with commas; the first is the hot one and has video",
    )
    group.add_argument(
        "--guests",
        type=int,
        default=5,
        env_var="LOADTEST_GUESTS",
        help="users who send commands, of all users",
    )
    group.add_argument(
        "--viewers",
        type=int,
        default=2,
        env_var="LOADTEST_VIEWERS",
        help="users who read the video, of all users",
    )
    group.add_argument(
        "--changes",
        type=float,
        default=2.0,
        env_var="LOADTEST_CHANGES",
        help="commands a second, over all guests",
    )
    group.add_argument(
        "--tokens",
        default="",
        env_var="LOADTEST_TOKENS",
        help="file with a token a line, the rooms' owner's first; on each machine",
    )
    group.add_argument(
        "--notes", default="", env_var="LOADTEST_NOTES", help="file for the notes on the clocks"
    )


def fill(scene: Scene, options: argparse.Namespace) -> None:
    """Tell the scene what was asked for; the secret comes from this machine's environment."""
    scene.rooms = name_rooms(options.rooms)
    scene.guests = options.guests
    scene.shape = SHAPES[options.shape]
    ready = read_tokens(Path(options.tokens)) if options.tokens else ()
    scene.tokens = Tokens(os.environ.get("SEATSYNC_JWT_SECRET"), ready)


def plan_of(options: argparse.Namespace) -> Plan:
    """Read what the shape needs."""
    return Plan(
        users=options.num_users or 1,
        seconds=int(options.run_time or SECONDS),
        spawn_rate=options.spawn_rate or 1,
        changes_per_s=options.changes,
    )
