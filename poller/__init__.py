"""The poll channel: one read of the store serves every reader that asks in the same second.

Pure of any web framework: a driver turns a request into ``Poll`` and an ``Answer`` into a response.
"""

from poller.answer import Answer, Poll, answer
from poller.cache import Cached, Found, Freshness
from poller.poller import Poller

__all__ = ["Answer", "Cached", "Found", "Freshness", "Poll", "Poller", "answer"]
