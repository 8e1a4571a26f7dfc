"""The room page in a real browser, against the demo as a person starts it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.chromium import chromium, needs_chromium

READY_WITHIN_S: Final = 30
SEEN_WITHIN_MS: Final = 20_000
CHANNELS: Final = ("ws", "sse", "poll", "sei")

pytestmark = needs_chromium


@dataclass
class Demo:
    """The demo, as somebody with an HTTP client sees it."""

    url: str

    def request(self, path: str, body: Any = None, token: str | None = None) -> Any:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, headers)  # noqa: S310 - ours
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - ours
            return json.load(answer)

    def users(self) -> list[dict[str, str]]:
        users: list[dict[str, str]] = self.request("/demo/users")["users"]
        return users

    def token(self, user_id: str) -> str:
        return str(self.request("/demo/token", {"user": user_id})["token"])

    def state(self, token: str) -> dict[str, Any]:
        state: dict[str, Any] = self.request("/v1/rooms/demo/state", token=token)
        return state

    def free_user(self) -> dict[str, str]:
        """Choose somebody who sits nowhere."""
        users = self.users()
        seats = self.state(self.token(users[0]["user_id"]))["seats"]
        seated = {seat["user"]["user_id"] for seat in seats if seat["status"] == "occupied"}
        return next(user for user in users if user["user_id"] not in seated)

    def send(self, token: str, cmd: str, **args: Any) -> dict[str, Any]:
        body = {"cmd": cmd, "cmd_id": f"{cmd}-{time.monotonic_ns()}", "args": args}
        ack: dict[str, Any] = self.request("/v1/rooms/demo/commands", body, token)
        return ack


@dataclass
class Screen:
    """A page, and what the browser complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type in {"error", "warning"}
                else None
            ),
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, demo: Demo, query: str = "") -> None:
        self.page.goto(f"{demo.url}/{query}")

    def reaches(self, channel: str, version: int) -> None:
        """Wait until a channel has brought a version, or a later one."""
        row = self.page.locator(f'[data-channel="{channel}"]')
        deadline = time.monotonic() + SEEN_WITHIN_MS / 1000
        while int(row.get_attribute("data-version") or -1) < version:
            assert time.monotonic() < deadline, f"{channel}: {row.inner_text()}"
            self.page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    log = folder / "demo.log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "seatsync", "demo", "--listen", listen],
            env=os.environ | {"SEATSYNC_DATA": str(folder)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(f"http://{listen}", started, log)
            yield Demo(f"http://{listen}")
        finally:
            started.terminate()
            try:
                started.wait(timeout=15)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def wait_until_ready(url: str, started: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/v1/rooms/demo/state", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if started.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the demo does not answer: {log.read_text()}")
            time.sleep(0.1)  # a real process starts in real time


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def screen(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Screen]:
    context = browser.new_context(viewport={"width": request.param, "height": 844})
    context.set_default_timeout(SEEN_WITHIN_MS)
    screen = Screen(context.new_page())
    screen.watch()
    try:
        yield screen
    finally:
        context.close()


def test_seat_taken_by_http_appears_and_every_channel_reaches_its_version(
    demo: Demo, screen: Screen
) -> None:
    user = demo.free_user()
    token = demo.token(user["user_id"])
    screen.open(demo)
    for channel in CHANNELS:
        screen.reaches(channel, 1)
    ack = demo.send(token, "seat.take", seat_index=-1)
    try:
        seat = screen.page.locator(f'[data-seat="{ack["result"]["seat_index"]}"]')
        # The page only watches: the nickname is masked.
        expect(seat).to_have_attribute("data-user", f"{user['nickname'][0]}*")
        for channel in CHANNELS:
            screen.reaches(channel, ack["version"])
        sei = screen.page.locator('[data-channel="sei"]')
        expect(sei).to_have_attribute("data-epoch", str(ack["epoch"]))
        expect(screen.page).to_have_title(re.compile(r"^demo · v\d+ · seatsync$"))
        assert screen.complaints == []
    finally:
        demo.send(token, "seat.leave")


def test_chosen_user_takes_a_seat_speaks_and_leaves_by_keyboard(demo: Demo, screen: Screen) -> None:
    user = demo.free_user()
    page = screen.page
    screen.open(demo)
    page.get_by_label("You are").select_option(user["user_id"])
    page.get_by_role("button", name="Take seat").last.press("Enter")
    seat = page.locator(f'[data-seat][data-user="{user["nickname"]}"]')
    expect(seat).to_be_visible()
    page.get_by_role("button", name="Turn mic on").press("Enter")
    expect(page.get_by_role("button", name="Turn mic off")).to_be_visible()
    page.get_by_role("button", name="Leave seat").press("Enter")
    expect(seat).to_have_count(0)
    assert screen.complaints == []


def test_page_fits_its_window(demo: Demo, screen: Screen) -> None:
    screen.open(demo)
    expect(screen.page.locator("[data-seat]").first).to_be_visible()
    width = screen.page.locator("html").evaluate("root => root.scrollWidth - root.clientWidth")
    assert width == 0


def test_room_that_is_not_there_is_named(demo: Demo, screen: Screen) -> None:
    screen.open(demo, "?room=nobody-made-this")
    expect(screen.page.get_by_role("heading", name="There is no room")).to_be_visible()
    expect(screen.page.get_by_role("button", name="Try again")).to_be_visible()
