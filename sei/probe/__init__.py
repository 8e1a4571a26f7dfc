"""The egress probe: re-reads what a stream became, and tells whether our messages are still in it.

```
judge.py     pictures and messages in, a verdict out                    pure
flv.py       pictures out of FLV as it comes in                         pure
playlist.py  what an HLS playlist names                                 pure
container.py pictures out of MP4, MPEG-TS                               PyAV, in a thread
fetch.py     an address, under the policy of inputs                     aiohttp
own.py       an output of our own, without an address                   asyncio
look.py      the pictures of an address, in whatever form they come     asyncio
probe.py     one look, judged; ``ProbeLoop`` looks again and again      asyncio
```
"""
