"""Lua scripts beside their callers; each is one atomic step on the server."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from importlib import resources
from typing import Any, Final

from redis.exceptions import NoScriptError, RedisError

from store.redis.link import Link, Word, all_of
from store.redis.refusals import refusal_of

_FOLDER: Final = resources.files("store.redis") / "scripts"


class Script:
    """A script, called by its digest; a server that does not know it is sent its text.

    Args:
        name: of the file, without ``.lua``.
        fenced: whether it stands on a room, and so begins with ``fence.lua``.
    """

    def __init__(self, name: str, *, fenced: bool = False) -> None:
        flags, _, text = (_FOLDER / f"{name}.lua").read_text().partition("\n")
        shared = (_FOLDER / "fence.lua").read_text() if fenced else ""
        self.name: Final = name
        self.text: Final = f"{flags}\n{shared}{text}"
        self.digest: Final = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, link: Link, keys: Sequence[Word], *arguments: Word) -> Any:
        """Run it once.

        Raises:
            Unavailable: as ``Link.call``.
        """
        rest = (len(keys), *keys, *arguments)
        try:
            try:
                return await link.ask("EVALSHA", self.digest, *rest)
            except NoScriptError:  # restarted or flushed: it did not run, and EVAL keeps the text
                return await link.ask("EVAL", self.text, *rest)
        except RedisError as error:
            raise refusal_of(error) from error

    async def run_each(
        self, link: Link, calls: Sequence[tuple[Sequence[Word], Sequence[Word]]]
    ) -> list[Any]:
        """Run it for several keys and arguments together; fails where one of them does."""
        return await all_of(
            [partial(self.run, link, keys, *arguments) for keys, arguments in calls]
        )


CONSULT: Final = Script("consult", fenced=True)
HEAL: Final = Script("heal", fenced=True)
CREATE: Final = Script("create", fenced=True)
COMMIT: Final = Script("commit", fenced=True)
READ_DOCUMENT: Final = Script("read_document", fenced=True)
PUT_DOCUMENT: Final = Script("put_document", fenced=True)
LEASE_EXTEND: Final = Script("lease_extend")
LEASE_LAPSED: Final = Script("lease_lapsed")
CLAIM: Final = Script("claim")
RELEASE: Final = Script("release")
COUNT: Final = Script("count")

ALL: Final = (
    *(CONSULT, HEAL, CREATE, COMMIT, READ_DOCUMENT, PUT_DOCUMENT),
    *(LEASE_EXTEND, LEASE_LAPSED, CLAIM, RELEASE, COUNT),
)


async def load_all(link: Link) -> None:
    """Make the scripts known, so that the first call of each is one exchange.

    Raises:
        Unavailable: the server does not answer, or refuses.
    """
    await link.call_each([("SCRIPT", "LOAD", script.text) for script in ALL])
