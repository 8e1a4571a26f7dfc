"""The structs of the wire as JSON Schema (2020-12), made exact and put into words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args, get_type_hints

import msgspec

from gateway.openapi.words import FIELDS

Schema = dict[str, Any]

REF: Final = "#/components/schemas/{name}"

_ANCHORED: Final = re.compile(r"\\A(.*)\\Z")


def ref(name: str) -> Schema:
    """Point to a schema of the components."""
    return {"$ref": REF.format(name=name)}


def components(structs: Iterable[type[msgspec.Struct]]) -> dict[str, Schema]:
    """Describe what leaves the server, by name, with all that it is made of.

    Every field is required but those that may be unset: a default is written out all the same.
    """
    _, found = msgspec.json.schema_components(structs, ref_template=REF)
    by_name = {struct.__name__: struct for struct in _reachable(structs)}
    return {
        name: _outgoing(polished(schema), by_name[name]) for name, schema in sorted(found.items())
    }


def incoming(struct: type[msgspec.Struct]) -> Schema:
    """Describe what a caller sends: what has a default may be left out."""
    _, found = msgspec.json.schema_components([struct], ref_template=REF)
    schema: Schema = polished(found[struct.__name__])
    for empty in [key for key in ("required", "properties") if not schema[key]]:
        del schema[empty]
    _describe(schema, struct, by_field={})
    return schema


def polished(value: Any) -> Any:
    """Say the same the way people write it: no ``anyOf`` for null, patterns as of ECMA-262."""
    if isinstance(value, list):
        return [polished(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {key: polished(item) for key, item in value.items()}
    match schema:
        case {"anyOf": [{"type": str(kind), **rest}, {"type": "null"}]}:
            del schema["anyOf"]
            schema = {"type": [kind, "null"], **rest, **schema}
        case {"anyOf": [{"enum": list(known), **rest}, {"type": "null"}]}:
            del schema["anyOf"]
            schema = {"enum": [*known, None], **rest, **schema}
        case {"enum": [one]}:
            del schema["enum"]
            schema = {"const": one, **schema}
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = _ANCHORED.sub(r"^\1$", schema["pattern"])
    if schema.get("default", ...) is None:
        del schema["default"]
    if isinstance(schema.get("description"), str):
        schema["description"] = schema["description"].replace("``", "`")
    return schema


def _outgoing(schema: Schema, struct: type[msgspec.Struct]) -> Schema:
    fields = msgspec.structs.fields(struct)
    tag = struct.__struct_config__.tag_field
    hints = get_type_hints(struct)
    required = [
        field.encode_name
        for field in fields
        if msgspec.UnsetType not in get_args(hints[field.name])
    ]
    schema["required"] = [*([tag] if tag else []), *required]
    for described in schema["properties"].values():
        described.pop("default", None)
    _describe(schema, struct, by_field=FIELDS)
    return schema


def _describe(
    schema: Schema, struct: type[msgspec.Struct], *, by_field: Mapping[str, Mapping[str, Any]]
) -> None:
    """Lay what the tables of words say over what the types say."""
    schema.pop("title", None)
    for name, described in schema.get("properties", {}).items():
        said = FIELDS.get(f"{struct.__name__}.{name}") or by_field.get(name, {})
        for key in ("type", "enum") if "const" in said else ():
            described.pop(key, None)
        described.update(said)


def _reachable(structs: Iterable[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """Find every struct that these are made of."""
    found: set[type[msgspec.Struct]] = set()
    waiting: list[Any] = [msgspec.inspect.type_info(struct) for struct in structs]
    while waiting:
        match waiting.pop():
            case msgspec.inspect.StructType(cls=cls, fields=fields):
                if cls not in found:
                    found.add(cls)
                    waiting.extend(field.type for field in fields)
            case msgspec.inspect.UnionType(types=types):
                waiting.extend(types)
            case msgspec.inspect.VarTupleType(item_type=item):
                waiting.append(item)
            case _:
                continue
    return found
