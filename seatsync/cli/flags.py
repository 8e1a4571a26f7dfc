"""Flags, each with an environment variable; a variable that belongs to no flag is refused."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

PREFIX: Final = "SEATSYNC_"
SECRET_VARIABLE: Final = PREFIX + "JWT_SECRET"


class Flags:
    """Adds flags to parsers and remembers which variables may be set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known = {SECRET_VARIABLE}
        self._errors: list[str] = []

    def add(
        self,
        parser: argparse.ArgumentParser,
        name: str,
        help_text: str,
        *,
        default: str | None = None,
        kind: Callable[[str], Any] = str,
        many: bool = False,
        **more: Any,
    ) -> None:
        """Add a flag whose default comes from ``SEATSYNC_<NAME>``, then from ``default``.

        Args:
            parser: of the command.
            name: with its dashes.
            help_text: one line; the variable and the default are added to it.
            default: as somebody would type it.
            kind: turns the text into a value; its ValueError is told to the user.
            many: the flag may be repeated; the variable is split at commas.
            **more: for argparse.
        """
        variable = PREFIX + name.lstrip("-").replace("-", "_").upper()
        self._known.add(variable)
        text = self._environment.get(variable, default)
        choices = more.get("choices")
        if choices is not None and text is not None and text not in choices:
            self._errors.append(f"{variable} is {text!r}, not one of {', '.join(choices)}")
        shown = "" if default in (None, "") else f", default {default}".replace("%", "%%")
        parser.add_argument(
            name,
            help=f"{help_text} [{variable}{shown}]",
            default=self._split(variable, text, kind) if many else text,
            type=kind,
            action=_Repeated if many else "store",
            **more,
        )

    def switch(self, parser: argparse.ArgumentParser, name: str, help_text: str) -> None:
        """Add a flag that is on or off; the variable says 1 or 0."""
        variable = PREFIX + name.lstrip("-").replace("-", "_").upper()
        self._known.add(variable)
        text = self._environment.get(variable, "0")
        if text not in ("0", "1"):
            self._errors.append(f"{variable} is {text!r}, not 0 or 1")
        parser.add_argument(
            name, help=f"{help_text} [{variable}=1]", action="store_true", default=text == "1"
        )

    def _split(self, variable: str, text: str | None, kind: Callable[[str], Any]) -> list[Any]:
        """Read the values of a repeatable flag; an error waits for ``check_environment``."""
        try:
            return [kind(item.strip()) for item in text.split(",") if item.strip()] if text else []
        except (argparse.ArgumentTypeError, ValueError) as error:
            self._errors.append(f"{variable}: {error}")
            return []

    def check_environment(self, parser: argparse.ArgumentParser) -> None:
        """End with status 2 where a ``SEATSYNC_*`` variable is wrong, or unknown: a typo?"""
        for error in self._errors:
            parser.error(error)
        for variable in sorted(self._environment):
            if variable.startswith(PREFIX) and variable not in self._known:
                near = difflib.get_close_matches(variable, self._known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                parser.error(f"{variable} is set and means nothing{hint}")


class _Repeated(argparse.Action):
    """Collects the values of a repeated flag; the first one puts those of the variable aside."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        held = getattr(namespace, self.dest)
        before = [] if held is self.default else held
        setattr(namespace, self.dest, [*before, values])
