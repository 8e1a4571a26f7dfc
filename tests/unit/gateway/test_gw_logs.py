from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import JsonLines, set_up_logs


def line(message: str = "m", **extra: object) -> str:
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "n"} | extra)
    return JsonLines().format(record)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def test_a_line_has_time_level_logger_message_and_the_extra_facts() -> None:
    entry = json.loads(line("hello", created=1.5, room="r1", version=3))
    assert entry == {
        "ts": 1500,
        "level": "info",
        "logger": "n",
        "message": "hello",
        "room": "r1",
        "version": 3,
    }


def test_an_exception_stays_on_its_line() -> None:
    error = ValueError("two\nlines")
    text = line(exc_info=(ValueError, error, None))
    assert "\n" not in text
    assert "two\nlines" in json.loads(text)["exception"]


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_whatever_is_in_a_fact_it_is_one_line_of_json(message: str, fact: str) -> None:
    text = line("%s", args=(message,), fact=fact)
    assert text.splitlines() == [text]
    assert text.isascii()
    entry = json.loads(text)
    assert (entry["message"], entry["fact"]) == (message, fact)


@pytest.mark.parametrize("fact", ["\udcff", "a\ud800b"])
def test_bytes_that_were_no_text_are_logged_all_the_same(fact: str) -> None:
    """``aiohttp`` gives headers and paths with surrogates in them; no line may be lost for it."""
    entry = json.loads(line("m", fact=fact))
    assert entry["message"] == "m"


def test_facts_of_any_type_are_written() -> None:
    entry = json.loads(line(fact=object(), error=ValueError("x"), many={1, 2}, nothing=None))
    assert entry["error"] == "x"
    assert entry["nothing"] is None


def test_logs_go_to_the_stream_from_the_level_on(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up_logs("warning", stream)
    logging.getLogger("some.part").info("no")
    logging.getLogger("some.part").warning("yes", extra={"a": 1})
    lines = stream.getvalue().splitlines()
    assert [json.loads(text)["message"] for text in lines] == ["yes"]
    assert root.level == logging.WARNING
