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
relay/      many streams: supervisor, workers, configuration, status
files/      inject, read, strip, verify                                     PyAV
```
``wire`` knows nothing of the others, ``insertion`` only ``wire``; ``relay`` knows all but
``files``, and is known for its values alone: ``relay.config`` and ``relay.counts``.
"""
