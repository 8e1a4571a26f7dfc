"""One entry in Locust's report."""

from __future__ import annotations

from locust import events


def tell(
    kind: str, name: str, ms: float, length: int = 0, exception: Exception | None = None
) -> None:
    """Tell Locust of something that took so long, or failed."""
    events.request.fire(
        request_type=kind,
        name=name,
        response_time=ms,
        response_length=length,
        exception=exception,
        context={},
    )


def tell_age(name: str, ms: float, length: int, exception: Exception | None) -> None:
    """Tell of a snapshot: how old it was, or what was wrong with it."""
    tell("AGE", name, ms, length, exception)
