"""The relay under live streams: an origin that keeps time, the relay, and viewers that judge it.

```
clip.py      a clip of 3 Mbps, with room for a time in every picture
origin.py    a process that serves it as HTTP-FLV, each tag at its time
viewer.py    a process that reads streams and says how late each picture came
parts.py     starts all of it
delays.py    what one stream is delayed by
changes.py   from a change of state to its message in the stream
isolation.py what one worker's end costs the others
paced.py     two hundred streams on one core
```
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.measure import Row
from bench.relay import changes, delays, isolation, paced


def rows() -> Iterable[Row]:
    """Measure."""
    yield from delays.rows()
    yield from changes.rows()
    yield from isolation.rows()
    yield from paced.rows()
