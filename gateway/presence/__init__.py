"""Presence: leases on seats, abandoned seats, deadlines, online counts, who speaks.

Nothing here touches a versioned document but by the server's own commands. How it is wired::

    occupied, quiet = Occupied(), Quiet(monotonic_ms)
    tenure = Tenure(backend.leases, occupied, quiet, poll_interval_ms=..., single_room_seat=...)
    committer = Committer(..., seating=tenure)     # claim before a commit, unclaim after it
    loops = PresenceLoops(tenure, occupied, backend.bus, rooms, audience, tasks, node=..., ...)
    announcer.add(loops.observe)                   # before the first room is loaded
    watch = Watch(backend.bus, rooms, hub, tasks, on_voices=loops.on_voices, rng=...)
    group.create_task(loops.run())
    group.create_task(watch.run())

============================  ==========================================================
told by                       call
============================  ==========================================================
polls, commands               ``loops.touch(room, user_id)``
a connection that enters      ``loops.touch``, then ``loops.came``, ``loops.speaking``
``speaking`` of a client      ``loops.speak(room, user_id, conn_id, on=...)``
a connection that closes      ``loops.gone(conn_id)``
the committer                 ``tenure.claim``, ``tenure.unclaim``; for several users
                              ``tenure.starting``, ``tenure.ended``
============================  ==========================================================

A touch of somebody who is shown as lost renews their lease at once. Each part has a ``step`` that
its loop takes; the loops live through whatever a step raises.
"""

from gateway.presence.loops import PresenceLoops
from gateway.presence.occupied import Occupied
from gateway.presence.quiet import Quiet
from gateway.presence.tenure import GRACE_MS, InOtherRoom, Tenure, lease_ms

__all__ = [
    "GRACE_MS",
    "InOtherRoom",
    "Occupied",
    "PresenceLoops",
    "Quiet",
    "Tenure",
    "lease_ms",
]
