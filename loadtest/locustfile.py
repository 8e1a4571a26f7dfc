"""What ``locust -f loadtest/locustfile.py`` runs; see README.md beside it."""

from loadtest import hooks  # noqa: F401 - its listeners are what it is for
from loadtest.chosen import ChosenShape
from loadtest.users.guest import Guest
from loadtest.users.long_poll import LongPoller
from loadtest.users.poll import Poller
from loadtest.users.push import PushReader
from loadtest.users.sei import Viewer
from loadtest.users.slow import SlowReader
from loadtest.users.sse import EventReader

__all__ = (
    "ChosenShape",
    "EventReader",
    "Guest",
    "LongPoller",
    "Poller",
    "PushReader",
    "SlowReader",
    "Viewer",
)
