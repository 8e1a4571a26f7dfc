"""The reducer: what a command makes of a room, one file a family of commands.

``reduce(state, command, context)`` gives the new state or raises ``Refused``. Checks run in the
order of PROTOCOL.md 5: ban, permission, session, actor seated, seat exists, reserved, occupied,
locked, mode.
"""

from room.rules.reducer import admit, reduce
from room.rules.terms import Change, Context, Ended

__all__ = ["Change", "Context", "Ended", "admit", "reduce"]
