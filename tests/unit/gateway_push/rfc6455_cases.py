"""What RFC 6455 asks of a server that reads: one named case for each rule and edge.

Written from the sections that each case names.
"""

from __future__ import annotations

from tests.unit.gateway_push.rfc6455_bounds import SIZES, UNFINISHED
from tests.unit.gateway_push.rfc6455_case import Case
from tests.unit.gateway_push.rfc6455_content import CLOSES, UTF8
from tests.unit.gateway_push.rfc6455_framing import CONTROL, FRAGMENTS, FRAMING, RESERVED

CASES: list[Case] = [
    *FRAMING,
    *RESERVED,
    *FRAGMENTS,
    *CONTROL,
    *UTF8,
    *CLOSES,
    *SIZES,
    *UNFINISHED,
]
