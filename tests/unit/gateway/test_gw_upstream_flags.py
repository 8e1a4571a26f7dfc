from __future__ import annotations

import argparse

import pytest

from gateway.config import Upstream
from room.errors import InvalidArgument
from seatsync.cli.flags import Flags
from seatsync.cli.upstream_flags import add_upstream_flags, read_upstreams

SEATS = "x-seats=http://a.example/{room}"
GIFTS = "x-gifts=https://b.example/?room={room}"


def parse(*arguments: str, **variables: str) -> tuple[Upstream, ...]:
    flags = Flags(variables)
    parser = argparse.ArgumentParser()
    add_upstream_flags(parser, flags)
    namespace = parser.parse_args(arguments)
    flags.check_environment(parser)
    return read_upstreams(namespace)


def test_unless_given_there_is_none() -> None:
    assert parse() == ()


def test_upstreams_are_given_by_flags_or_a_variable() -> None:
    wanted = (
        Upstream("x-seats", "http://a.example/{room}"),
        Upstream("x-gifts", "https://b.example/?room={room}"),
    )
    assert parse("--upstream", SEATS, "--upstream", GIFTS) == wanted
    assert parse(SEATSYNC_UPSTREAM=f"{SEATS}, {GIFTS}") == wanted


def test_spans_are_for_all_of_them() -> None:
    told = parse(
        *("--upstream", SEATS, "--upstream-ttl-ms", "250"), SEATSYNC_UPSTREAM_TIMEOUT_MS="300"
    )
    assert [(one.ttl_ms, one.timeout_ms) for one in told] == [(250, 300)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--upstream", "state=http://a.example"),
        ("--upstream", "x-seats=http://user@a.example"),
        ("--upstream-ttl-ms", "99"),
        ("--upstream-ttl-ms", "60001"),
        ("--upstream-ttl-ms", "1.5"),
        ("--upstream-timeout-ms", "0"),
        ("--upstream-timeout-ms", "10001"),
    ],
)
def test_a_wrong_value_ends_with_status_2_and_names_the_flag(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err.rpartition("error: ")[2]


def test_two_upstreams_of_one_document_are_a_contradiction() -> None:
    with pytest.raises(InvalidArgument, match="x-seats is given twice"):
        parse("--upstream", SEATS, "--upstream", SEATS)
