"""The transcript as it is written down: Markdown, with an introduction before each act."""

from __future__ import annotations

import re
import textwrap

WIDTH = 100


class Transcript:
    """Collects lines; the same evening gives the same text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._titles: list[str] = []
        self._opened = 0
        self._lines: list[str] = []

    def act(self, title: str, introduction: str) -> None:
        """Begin an act."""
        self._end_block()
        self._titles.append(title)
        self._parts += [f"## {title}", _filled(introduction)]

    def opening(self, title: str, introduction: str) -> None:
        """Begin the whole."""
        self._parts += [title, _filled(introduction)]
        self._opened = len(self._parts)

    def prose(self, text: str) -> None:
        """Say something between two parts of the transcript."""
        self._end_block()
        self._parts.append(_filled(text))

    def exact(self, text: str, depth: int = 0) -> None:
        """Write a line as it is, however long."""
        self._lines.append("  " * depth + text)

    def line(self, text: str, depth: int = 0) -> None:
        """Write a line; one too long goes on, further in, on the next."""
        indent = "  " * depth
        self._lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=f"{indent}    ",
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]

    def verbatim(self, lines: list[str], depth: int) -> None:
        """Write lines as they are."""
        self._lines += [f"{'  ' * depth}{line}" for line in lines]

    def gap(self) -> None:
        """Leave a line empty, but never two."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def _end_block(self) -> None:
        while self._lines and not self._lines[-1]:
            self._lines.pop()
        if self._lines:
            self._parts.append("\n".join(["```text", *self._lines, "```"]))
        self._lines = []

    def text(self) -> str:
        """Give everything that was written."""
        self._end_block()
        contents = "\n".join(map(_link, self._titles))
        parts = [*self._parts[: self._opened], contents, *self._parts[self._opened :]]
        return "\n\n".join(parts) + "\n"


def _link(title: str) -> str:
    """Point at a heading as GitHub names it; the number of the act is the list's own."""
    anchor = re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
    number, _, name = title.partition(" ")
    return f"{number} [{name}](#{anchor})"


def _filled(text: str) -> str:
    paragraphs = textwrap.dedent(text).strip().split("\n\n")
    return "\n\n".join(
        textwrap.fill(" ".join(paragraph.split()), WIDTH, break_on_hyphens=False)
        for paragraph in paragraphs
    )
