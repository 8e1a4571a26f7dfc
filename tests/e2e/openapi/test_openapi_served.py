"""Whatever is asked of the gateway, its answer is one that the published document describes.

Requests are made from the document: boundary cases of each parameter and body, valid and invalid,
and random ones from a fixed seed; each as every kind of caller.
"""

from __future__ import annotations

import functools
import itertools
import re
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
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks as openapi_checks

REFUSED_AS_INVALID = [400, 401, 403, 404, 405, 413, 415, 426]
"""What invalid requests may get: never that the room stands against them, let alone success."""
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 20251121,
        "max-stream-events": 3,
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSED_AS_INVALID}},
    }
)


def operations(schema: BaseSchema) -> dict[str, Any]:
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


SCHEMA = schemathesis.openapi.from_dict(strict(), config=CONFIG)
OPERATIONS = operations(SCHEMA)
UNFAILING = ("/livez", "/readyz", "/seatsync-keys.json")
"""Nothing that is sent there is invalid."""
WITH_INPUT = [label for label in OPERATIONS if not label.endswith(UNFAILING)]
COMMAND = "POST /v1/rooms/{room}/commands"
REFUSED = {
    "PUT /v1/rooms/{room}": {"anonymous": 401},
    COMMAND: {"anonymous": 401},
    "PUT /v1/rooms/{room}/x-{name}": {
        "anonymous": 401,
        **dict.fromkeys(("owner", "member", "operator"), 403),
    },
    "GET /v1/rooms/{room}/requests": dict.fromkeys(
        ("anonymous", "member", "operator", "service"), 403
    ),
}
"""Who is refused for who they are, whatever else they send; 400 may come first."""
WAITS = re.compile(r"[0-9]+(\.[0-9]*)?", re.ASCII)
JSON_BODY = ["requestBody", "content", "application/json"]
JSON_ANSWER = ["responses", "200", "content", "application/json"]
STREAM_ANSWER = ["responses", "200", "content", "text/event-stream"]
NO_TAG = {"required": True, "schema": {"type": "string", "pattern": "^none$"}}
FEW_SEATS = {"type": "object", "properties": {"seat_count": {"type": "integer", "maximum": 8}}}
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
    max_examples=8,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
numbers = itertools.count()


class Asker:
    """Sends cases as one caller, and judges the answers by the document."""

    def __init__(self, stage: Stage, caller: str, session: requests.Session) -> None:
        self._stage = stage
        self._headers = stage.headers(caller)
        self._session = session
        self.statuses: set[int] = set()

    def ask(self, case: Case[Any]) -> int:
        hurry(case)
        response = case.call_and_validate(
            base_url=self._stage.url,
            session=self._session,
            headers=self._headers,
            checks=CHECKS,
            timeout=5,
        )
        self.statuses.add(response.status_code)
        return response.status_code


@pytest.fixture
def asker(stage: Stage, caller: str) -> Iterator[Asker]:
    with requests.Session() as session:
        yield Asker(stage, caller, session)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("label", OPERATIONS)
def test_boundary_cases_are_answered_as_documented(
    stage: Stage, asker: Asker, label: str, caller: str
) -> None:
    room = stage.room_for(label)
    for case in share(label, caller):
        if is_valid(case, ParameterLocation.PATH):
            steer(case, room)
        asker.ask(case)
    assert asker.statuses


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("label", OPERATIONS)
def test_random_valid_requests_are_answered_as_documented(
    stage: Stage, asker: Asker, label: str, caller: str
) -> None:
    room = stage.room_for(label)

    @seed(1)
    @RANDOM
    @given(case=OPERATIONS[label].as_strategy(GenerationMode.POSITIVE))
    def ask(case: Case[Any]) -> None:
        steer(case, room)
        asker.ask(case)

    ask()
    only = REFUSED.get(label, {}).get(caller)
    assert asker.statuses if only is None else asker.statuses - {400} == {only}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("label", WITH_INPUT)
def test_random_invalid_requests_are_refused_as_documented(asker: Asker, label: str) -> None:
    @seed(2)
    @RANDOM
    @given(case=OPERATIONS[label].as_strategy(GenerationMode.NEGATIVE))
    def ask(case: Case[Any]) -> None:
        asker.ask(case)

    ask()
    assert asker.statuses


@pytest.mark.parametrize("caller", ["owner"])
@pytest.mark.parametrize("label", [label for label in OPERATIONS if label.startswith("GET ")])
def test_what_is_documented_can_be_had(stage: Stage, asker: Asker, label: str) -> None:
    room = stage.room_for(label)
    for case in boundary_cases(SCHEMA, label, GenerationMode.POSITIVE):
        steer(case, room)
        asker.ask(case)
    best = {"push": 426}.get(label.rpartition("/")[2], 200)
    assert best in asker.statuses


@pytest.mark.parametrize("caller", ["owner"])
@pytest.mark.parametrize(
    ("label", "path", "wrong"),
    [
        ("GET /v1/rooms/{room}/state", ["responses", "404"], None),
        ("GET /v1/rooms/{room}/state", ["responses", "200", "headers", "ETag"], NO_TAG),
        ("GET /v1/rooms/{room}/state", ["responses", "200", "content"], {"text/html": {}}),
        ("PUT /v1/rooms/{room}", [*JSON_BODY, "schema"], FEW_SEATS),
        ("POST /v1/rooms/{room}/commands", ["responses", "400"], None),
        ("GET /v1/rooms/{room}/entry", [*JSON_ANSWER, "schema"], {"type": "array"}),
        ("GET /v1/rooms/{room}/events", [*STREAM_ANSWER, "schema"], {"required": ["else"]}),
    ],
)
def test_a_document_that_is_wrong_is_found_out(
    stage: Stage, asker: Asker, label: str, path: list[str], wrong: Any
) -> None:
    document = strict()
    method, _, where = label.partition(" ")
    *way, last = path
    place = document["paths"][where][method.lower()]
    for step in way:
        place = place[step]
    place[last] = wrong
    if wrong is None:
        del place[last]
    schema = schemathesis.openapi.from_dict(document, config=CONFIG)
    room = stage.room_for(label)
    with pytest.raises(FailureGroup):
        ask_all(asker, schema, label, room if path[1:2] != ["404"] else "no-such-room")


def ask_all(asker: Asker, schema: BaseSchema, label: str, room: str) -> None:
    for case in boundary_cases(schema, label):
        if is_valid(case, ParameterLocation.PATH):
            steer(case, room)
        asker.ask(case)


def share(label: str, caller: str) -> Iterator[Case[Any]]:
    """Give what one kind of caller sends: all, but of commands, which are many, the owner alone."""
    if label != COMMAND or caller == "owner":
        return boundary_cases(SCHEMA, label)
    others = [name for name in CALLERS if name != "owner"]
    return itertools.islice(commands(), others.index(caller), None, len(others))


@functools.cache
def commands() -> tuple[Case[Any], ...]:
    """Make the commands at the edges once; every case is sent once only."""
    return tuple(boundary_cases(SCHEMA, COMMAND))


def boundary_cases(schema: BaseSchema, label: str, *modes: GenerationMode) -> Iterator[Case[Any]]:
    """Make what lies at the edges of an operation's parameters and body."""
    return schema.iter_coverage_cases(
        operations(schema)[label],
        generation_modes=list(modes or GenerationMode),
        generation_config=CONFIG.projects.get_default().generation,
    )


def is_valid(case: Case[Any], where: ParameterLocation) -> bool:
    """Tell whether a part of a request was made to be valid."""
    made = None if case.meta is None else case.meta.components.get(where)
    return made is None or made.mode is GenerationMode.POSITIVE


def hurry(case: Case[Any]) -> None:
    """Let no poll wait long for what does not come."""
    wait = case.query.get("wait")
    if isinstance(wait, str) and WAITS.fullmatch(wait):
        case.query["wait"] = "0.01"


def steer(case: Case[Any], room: str) -> None:
    """Send a case where something is, and about people who are there."""
    if "room" in case.path_parameters:
        case.path_parameters["room"] = room
    if case.path_parameters.get("name"):
        case.path_parameters["name"] = "score"
    if not isinstance(case.body, dict) or "cmd" not in case.body:
        return
    number = next(numbers)
    if number % 4 and case.headers:
        case.headers.pop("Idempotency-Key", None)  # beside another cmd_id it is refused for that
    if is_valid(case, ParameterLocation.BODY):
        case.body["cmd_id"] = f"cmd-{number}"
        if number % 4:
            case.body.pop("if_version", None)
        args = case.body.get("args")
        if isinstance(args, dict) and "user_id" in args:
            args["user_id"] = PEOPLE[number % len(PEOPLE)]
