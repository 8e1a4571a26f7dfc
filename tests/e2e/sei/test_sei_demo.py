"""The demo's video, in every form that its gateway names."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from sei.probe.fetch import fetch_over_http
from sei.probe.judge import Expected
from sei.probe.probe import probe

PATIENCE_S = 30.0


async def test_the_demo_offers_its_video_in_three_forms_and_each_carries_the_state(
    start: Any,
) -> None:
    demo = await start("demo", "--listen", "127.0.0.1:0", "--store", "memory:")
    url = await demo.find(r"open\s+(http://\S+)/")
    await demo.find(r"relay (http://\S+\.m3u8)")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/v1/rooms/demo/media") as answer:
            streams = {one["format"]: one["url"] for one in (await answer.json())["streams"]}
        assert list(streams) == ["flv", "mp4", "hls"]
        fetch = fetch_over_http(session)
        for address in streams.values():
            async with asyncio.timeout(PATIENCE_S):
                while True:  # the first segment of HLS takes its time
                    report = await probe(
                        address, "demo", 3.0, fetch=fetch, expected=lambda: Expected(1)
                    )
                    if report.verdict != "unreachable":
                        break
                    await asyncio.sleep(0.1)
            assert report.verdict == "whole", (address, report)
    demo.terminate()
    assert await demo.ended() == 0
