"""What a stream is delayed by on its way through the relay, beside the origin read directly."""

from __future__ import annotations

from collections.abc import Iterable

from bench.measure import Row
from bench.relay.parts import origin, p99, relay, scene, view

SECONDS = 8.0


def rows() -> Iterable[Row]:
    """Measure one stream after the other."""
    with scene() as (folder, gateway):
        for engine, words, what in (
            ("flv", (), "FLV engine"),
            ("av", (), "PyAV engine"),
            ("av", ("silent",), "PyAV engine, audio declared and silent"),
        ):
            with origin(folder, *words) as start:
                stream = f'name = "s"\ninput = "{start}/s.flv"\nengine = "{engine}"'
                with relay(folder, gateway, [stream]) as running:
                    through = view([running.url("s")], SECONDS).late_ms
                direct = view([f"{start}/s.flv"], SECONDS).late_ms
            raw = {"ours": [p99(through)], "theirs": [p99(direct)]}
            yield Row(
                f"P99 delay of a picture, {what}",
                f"{p99(through):.2f} ms",
                "read from the origin itself",
                f"{p99(direct):.2f} ms",
                p99(through) / p99(direct),
                raw,
            )
