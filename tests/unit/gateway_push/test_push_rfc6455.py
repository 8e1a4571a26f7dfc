"""The case list of RFC 6455, each case whole, byte by byte and cut at random."""

from __future__ import annotations

import random

import pytest

from gateway.config import MAX_FRAME_BYTES
from gateway.push.deflate import inflate
from gateway.push.frames import FrameReader
from tests.unit.gateway_push.frame_samples import outcome, pieces
from tests.unit.gateway_push.rfc6455_case import Case
from tests.unit.gateway_push.rfc6455_cases import CASES

CUTTINGS = 5

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def reader() -> FrameReader:
    return FrameReader(MAX_FRAME_BYTES)


def test_names_of_cases_are_unique() -> None:
    assert len({str(case) for case in CASES}) == len(CASES)


@every_case
def test_case_fed_whole(case: Case) -> None:
    assert outcome(reader(), [case.stream]) == (list(case.events), case.code)


@every_case
def test_case_fed_byte_by_byte(case: Case) -> None:
    cuts = range(len(case.stream))
    assert outcome(reader(), pieces(case.stream, cuts)) == (list(case.events), case.code)


@every_case
def test_case_fed_in_random_pieces(case: Case) -> None:
    rng = random.Random(str(case))
    for _ in range(CUTTINGS):
        cuts = rng.sample(range(len(case.stream) + 1), rng.randint(0, min(20, len(case.stream))))
        assert outcome(reader(), pieces(case.stream, cuts)) == (list(case.events), case.code)


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.name.startswith("RSV1")], ids=str
)
def test_case_is_the_same_where_compression_was_agreed(case: Case) -> None:
    agreed = FrameReader(MAX_FRAME_BYTES, inflate)
    assert outcome(agreed, [case.stream]) == (list(case.events), case.code)
