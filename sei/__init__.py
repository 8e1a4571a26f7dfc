"""The SEI channel: room state inside an H.264 or HEVC stream, without re-encoding (SEI.md).

```
wire/       the format: NAL units, messages, their text, signatures         pure
insertion/  what goes into which access unit, and how                       pure
flv/        FLV tags; engine one rewrites them as they pass                 pure
mp4/        fragmented MP4 out of tags                                      pure
rtmp/       RTMP as a client                                                pure core, asyncio shell
inputs/     HTTP, RTMP, UDP, files, standard input; which addresses         asyncio
outputs/    players over HTTP, RTMP onward, FLV files                       asyncio
packets/    engine two: PyAV in a thread, for all that is not FLV to FLV; HLS in and out
probe/      re-reads what goes out, and judges what has become of it        asyncio, PyAV
files/      inject, read, strip, verify                                     PyAV
relay/      many streams: supervisor, workers, configuration file, status
```
Each is built upon those above it; import-linter holds that. What all of them share stands beside
them: ``config`` and ``counts`` of a stream, ``source`` (what an input is), ``policy`` (where it may
lead), ``ration`` (how much work it may make), ``backoff``, ``errors``.
"""
