"""Changes at a steady rate, whether or not the server keeps up."""

from __future__ import annotations

import threading
import time

from bench.edge.side import Change, Side


def drive(side: Side, per_s: float, seconds: float) -> list[Change]:
    """Make changes; each writer makes its own in turn and is late if the server is.

    Returns:
        the changes by version.
    """
    planned, began = round(per_s * seconds), time.monotonic()
    made: list[Change] = []
    errors: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for number in range(writer, planned, side.writers):
                at = began + number / per_s
                if time.monotonic() > began + seconds:
                    return
                time.sleep(max(0.0, at - time.monotonic()))
                made.append(side.change(writer))
        except BaseException as error:  # noqa: BLE001 - told to the caller below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(side.writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sorted(made)
