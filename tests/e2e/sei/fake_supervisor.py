"""A supervisor with two workers, one of which hangs, and a spare; prints their process ids."""

from __future__ import annotations

import asyncio
import json

from test_sei_supervisor import PACE, harness, spare_is_up, stream


async def main() -> None:
    pace = PACE._replace(hang_s=1000.0)
    async with harness(stream("a"), stream("b"), pace=pace) as relay:
        await relay.ask("b.flv")
        await relay.ask("a/hang")
        status = await relay.until(spare_is_up)
        print(json.dumps([worker["pid"] for worker in status["workers"]]), flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
