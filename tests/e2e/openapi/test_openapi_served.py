"""Whatever is asked of the gateway, its answer is one that the published document describes.

Requests are made from the document: boundary cases of each parameter and body, valid and invalid,
and random ones from a fixed seed; each as every kind of caller.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from openapi_kit import CALLERS, PEOPLE, Stage, strict
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks as openapi_checks

CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 20251121,
        "max-stream-events": 3,
        "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
    }
)
SCHEMA = schemathesis.openapi.from_dict(strict(), config=CONFIG)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
CHECKS = [
    not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
    openapi_checks.missing_required_header,
    openapi_checks.unsupported_method,
    openapi_checks.allow_header_conformance,
]
RANDOM = settings(
    max_examples=12,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
numbers = itertools.count()

pytestmark = [
    pytest.mark.parametrize("caller", CALLERS),
    pytest.mark.parametrize("label", OPERATIONS),
]


class Asker:
    """Sends cases as one caller to one room, and judges the answers."""

    def __init__(self, stage: Stage, caller: str, session: requests.Session) -> None:
        self._stage = stage
        self._headers = stage.headers(caller)
        self._session = session
        self.statuses: set[int] = set()

    def ask(self, case: Case[Any]) -> None:
        response = case.call_and_validate(
            base_url=self._stage.url,
            session=self._session,
            headers=self._headers,
            checks=CHECKS,
            timeout=5,
        )
        self.statuses.add(response.status_code)


@pytest.fixture
def asker(stage: Stage, caller: str) -> Iterator[Asker]:
    with requests.Session() as session:
        yield Asker(stage, caller, session)


def test_boundary_cases_are_answered_as_documented(stage: Stage, asker: Asker, label: str) -> None:
    operation = OPERATIONS[label]
    room = stage.room()
    cases = SCHEMA.iter_coverage_cases(
        operation,
        generation_modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
        generation_config=CONFIG.projects.get_default().generation,
    )
    for case in cases:
        if is_valid(case, ParameterLocation.PATH):
            steer(case, room)
        asker.ask(case)
    assert asker.statuses


def test_random_valid_requests_are_answered_as_documented(
    stage: Stage, asker: Asker, label: str
) -> None:
    room = stage.room()

    @seed(1)
    @RANDOM
    @given(case=OPERATIONS[label].as_strategy(GenerationMode.POSITIVE))
    def ask(case: Case[Any]) -> None:
        steer(case, room)
        asker.ask(case)

    ask()
    assert asker.statuses


def test_random_invalid_requests_are_refused_as_documented(asker: Asker, label: str) -> None:
    operation = OPERATIONS[label]

    @seed(2)
    @RANDOM
    @given(case=operation.as_strategy(GenerationMode.NEGATIVE))
    def ask(case: Case[Any]) -> None:
        asker.ask(case)

    ask()
    assert asker.statuses


def is_valid(case: Case[Any], where: ParameterLocation) -> bool:
    """Tell whether a part of a request was made to be valid."""
    made = None if case.meta is None else case.meta.components.get(where)
    return made is None or made.mode is GenerationMode.POSITIVE


def steer(case: Case[Any], room: str) -> None:
    """Send a case where something is, and about people who are there."""
    if "room" in case.path_parameters:
        case.path_parameters["room"] = room
    if case.path_parameters.get("name"):
        case.path_parameters["name"] = "score"
    if not isinstance(case.body, dict) or "cmd" not in case.body:
        return
    number = next(numbers)
    if is_valid(case, ParameterLocation.BODY):
        case.body["cmd_id"] = f"cmd-{number}"
        if number % 4:
            case.body.pop("if_version", None)
        args = case.body.get("args")
        if isinstance(args, dict) and "user_id" in args:
            args["user_id"] = PEOPLE[number % len(PEOPLE)]
