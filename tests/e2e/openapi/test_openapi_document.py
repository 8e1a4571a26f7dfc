"""The published document: what the generator gives, sound, and complete."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_kit import PUBLISHED, published, read_yaml

from gateway.openapi import build, emit
from gateway.openapi.words import FIELDS
from room.commands import COMMANDS
from room.errors import TABLE
from room.policy import POLICY

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(("null", "on", "1.5", "0x1", "~", "a: b", "a #b", "- a", "a\nb", " a", "a\n"))
    | st.lists(st.sampled_from(("word", "a, b", "`x`:")), min_size=1, max_size=60).map(" ".join)
    | st.lists(st.sampled_from(("one two", "", "three", " x")), min_size=1).map("\n".join)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def test_published_document_is_what_the_generator_gives() -> None:
    assert PUBLISHED.read_text() == emit(build()), "make openapi"


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_emitted_yaml_reads_back_as_the_same_value(value: dict[str, Any]) -> None:
    assert read_yaml(emit(value)) == value


def test_published_document_is_openapi() -> None:
    import schemathesis

    schemathesis.openapi.from_dict(published()).validate()


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    document = published()
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in document["components"].items()
        for name in named
        if kind != "securitySchemes"
    }
    assert set(references(document)) == components


def test_every_example_is_valid() -> None:
    document = published()
    shown = list(examples(document))
    assert len(shown) > 15
    for schema, value in shown:
        root = {**schema, "components": document["components"]}
        jsonschema_rs.Draft202012Validator(root).validate(value)


def test_every_error_code_stands_under_its_status_and_no_other() -> None:
    schemas = published()["components"]["schemas"]
    assert schemas["ProblemDetails"]["properties"]["code"]["enum"] == list(TABLE)
    found = {
        code: schema["properties"]["status"]["const"]
        for name, schema in schemas.items()
        if name.endswith("Problem")
        for code in schema["properties"]["code"]["enum"]
    }
    served = {code: travel.status for code, travel in TABLE.items() if travel.status != 405}
    assert found == served, "405 is no part of any operation"


def test_every_command_that_somebody_may_send_is_described() -> None:
    mapping = published()["components"]["schemas"]["Command"]["discriminator"]["mapping"]
    assert set(mapping) == {name for name in COMMANDS if POLICY[name] != {"system"}}


def test_every_word_is_said_of_something() -> None:
    document = json.dumps(build(), ensure_ascii=False)
    unsaid = [
        field
        for field, said in FIELDS.items()
        if json.dumps(said, ensure_ascii=False)[1:-1] not in document
        and said.get("description", "") not in document
    ]
    assert not unsaid


@pytest.mark.parametrize("name", ["NewRoom", "Command", "StateSnapshot", "ProblemDetails"])
def test_no_schema_speaks_of_python(name: str) -> None:
    text = json.dumps(published()["components"]["schemas"][name])
    assert "``" not in text
    assert "\\A" not in text


def references(value: Any) -> list[str]:
    match value:
        case dict():
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        case list():
            return [found for item in value for found in references(item)]
        case _:
            return []


def examples(value: Any) -> list[tuple[Any, Any]]:
    """Find every example beside the schema that it has to fit."""
    match value:
        case {"schema": schema, "examples": dict(shown)}:
            return [(schema, example["value"]) for example in shown.values()]
        case {"schema": schema, "example": example}:
            return [(schema, example)]
        case dict():
            return [found for item in value.values() for found in examples(item)]
        case list():
            return [found for item in value for found in examples(item)]
        case _:
            return []
