"""The status page in a real browser."""

from __future__ import annotations

import os
import signal
from typing import Final

from playwright.async_api import expect
from test_sei_supervisor import harness, stream

from tests.e2e.chromium import needs_chromium, page_of

SEEN_WITHIN_MS: Final = 20_000

pytestmark = needs_chromium


async def test_the_page_follows_what_happens_without_being_reloaded() -> None:
    async with harness(stream("alpha", inject="off"), stream("beta", inject="off")) as relay:
        await relay.ask("beta.flv")
        problems: list[str] = []
        async with page_of(f"http://127.0.0.1:{relay.relay.status_port}/") as page:
            page.on("console", lambda message: problems.append(message.text))
            page.on("pageerror", lambda error: problems.append(str(error)))
            await page.evaluate("window.stays = true")
            await expect(page.locator("header")).to_contain_text("all well: 2 streams")
            await relay.ask("alpha/fail")
            await expect(page).to_have_title("(1) seatsync relay", timeout=SEEN_WITHIN_MS)
            row = page.locator(".streams tbody tr").first
            await expect(row).to_contain_text("alpha")
            await expect(row).to_contain_text("UNAVAILABLE: as asked")
            os.kill((await relay.ask("beta.flv"))["pid"], signal.SIGKILL)
            await expect(page.locator("header")).to_contain_text(
                "1 worker restart,", timeout=SEEN_WITHIN_MS
            )
            assert await page.evaluate("window.stays") is True
        assert problems == []


async def test_the_page_fits_a_phone() -> None:
    long = "a-stream-with-a-very-long-name-that-somebody-chose-in-a-hurry"
    async with harness(stream(long)) as relay:
        await relay.ask(f"{long}.flv")
        async with page_of(f"http://127.0.0.1:{relay.relay.status_port}/", width=360) as page:
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_a_relay_that_is_gone_is_said_to_be() -> None:
    async with harness(stream("alpha", inject="off")) as relay:
        await relay.ask("alpha.flv")
        opening = page_of(f"http://127.0.0.1:{relay.relay.status_port}/")
        page = await opening.__aenter__()
    try:
        await expect(page.locator("body.away")).to_be_visible(timeout=SEEN_WITHIN_MS)
    finally:
        await opening.__aexit__(None, None, None)
