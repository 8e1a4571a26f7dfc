"""JSON values as YAML 1.2 for people: block style, order kept, no aliases.

Only what a JSON value can be is written, so a whole YAML library is not needed for it. Short lists
of scalars stand on one line, long prose in folded blocks, other texts of several lines in literal
ones (YAML 1.2 8.1).
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

Value = None | bool | int | str | Sequence["Value"] | Mapping[str, "Value"]

WIDTH: Final = 100

_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*", re.ASCII)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_/$][A-Za-z0-9_./{}$+-]*", re.ASCII)
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What YAML 1.1 or 1.2 takes for something else than text."""
_LITERAL: Final = re.compile(r"[^\s][^\n]*[^\s](?:\n+[^\s][^\n]*)*")
"""Texts that a literal block gives back as they are: no line begins or ends with a space."""
_PROSE: Final = re.compile(r"[^\s]+(?: [^\s]+)*(?:\n\n[^\s]+(?: [^\s]+)*)*")
"""Paragraphs of words with one space between them: where the lines break says nothing."""


def emit(value: Mapping[str, Value]) -> str:
    """Write a value as a YAML document that ends with a line feed."""
    return "\n".join(_members(value, 0)) + "\n" if value else "{}\n"


def _members(value: Mapping[str, Value], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, item in value.items():
        yield from _labelled(f"{indent}{_key(key)}:", item, depth)


def _items(value: Sequence[Value], depth: int) -> Iterator[str]:
    """Write a list; the first line of an inner collection stands beside its dash."""
    indent = "  " * depth
    for item in value:
        if isinstance(item, (Mapping, list, tuple)) and item:
            inner = _members(item, depth + 1) if isinstance(item, Mapping) else None
            lines = list(inner if inner is not None else _items(_list(item), depth + 1))
            yield f"{indent}- {lines[0].lstrip(' ')}"
            yield from lines[1:]
        else:
            yield from _labelled(f"{indent}-", item, depth)


def _labelled(label: str, item: Value, depth: int) -> Iterator[str]:
    if isinstance(item, Mapping) and item:
        yield label
        yield from _members(item, depth + 1)
        return
    if isinstance(item, str) and (block := _block(item, depth + 1, len(label))):
        head, *lines = block
        yield f"{label} {head}"
        yield from lines
        return
    if isinstance(item, (list, tuple)) and item:
        line = f"{label} {_flow(item)}"
        if len(line) > WIDTH or not all(_is_short(part) for part in item):
            yield label
            yield from _items(item, depth + 1)
            return
        yield line
        return
    yield f"{label} {_scalar(item)}"


def _list(value: Value) -> Sequence[Value]:
    return value if isinstance(value, (list, tuple)) else ()


def _flow(value: Sequence[Value]) -> str:
    return f"[{', '.join(_scalar(item) for item in value)}]"


def _is_short(item: Value) -> bool:
    return not isinstance(item, (Mapping, list, tuple)) and "\n" not in str(item)


def _block(text: str, depth: int, label_width: int) -> list[str]:
    """Write a text as a block, its indicator first; nothing where it is better quoted."""
    indent = "  " * depth
    if not _is_printable(text):
        return []
    if _PROSE.fullmatch(text) and ("\n" in text or label_width + len(text) + 3 > WIDTH):
        folded = [_wrapped(paragraph, indent) for paragraph in text.split("\n\n")]
        lines = [line for paragraph in folded for line in (*paragraph, "", "")]
        return [">-", *lines[:-2]]
    if "\n" in text and _LITERAL.fullmatch(text):
        return ["|-", *(f"{indent}{line}" if line else "" for line in text.split("\n"))]
    return []


def _wrapped(paragraph: str, indent: str) -> list[str]:
    return textwrap.wrap(
        paragraph,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _is_printable(text: str) -> bool:
    return text.replace("\n", "").isprintable() and "\ufeff" not in text


def _key(key: str) -> str:
    if _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS:
        return key
    return _quoted(key)


def _scalar(item: Value) -> str:
    match item:
        case None:
            return "null"
        case bool():
            return "true" if item else "false"
        case int():
            return str(item)
        case str():
            plain = _PLAIN.fullmatch(item) and item.lower() not in _WORDS
            return item if plain else _quoted(item)
        case Mapping():
            return "{}"
        case _:
            return "[]"


def _quoted(text: str) -> str:
    """Write a text in double quotes, where JSON and YAML agree but for what is not printable."""
    return "".join(map(_escaped, json.dumps(text, ensure_ascii=False)))


def _escaped(character: str) -> str:
    if character.isprintable() and character != "\ufeff":
        return character
    return f"\\U{ord(character):08x}"
