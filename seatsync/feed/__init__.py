"""The state of many rooms over one push connection, with polling where push is not to be had.

```
subscriptions.py  which rooms a push connection follows, asks for, waits to ask for     pure
conversation.py   what is said on that connection, and what it means                    pure
rooms.py          what is known of each room                                            pure
liveness.py       whether the push connection is alive                                  pure
push.py           the connection itself                                                 asyncio
polls.py          one poll after the other, for each room that push does not bring      asyncio
feed.py           all of it together: ``RoomFeed``
joining.py        a feed for a relay
```
"""

from __future__ import annotations

from seatsync.feed.counts import FeedCounts
from seatsync.feed.feed import RoomFeed
from seatsync.feed.joining import feed_states

__all__ = ["RoomFeed", "FeedCounts", "feed_states"]
