"""The SEI channel: room state inside an H.264 or HEVC stream, without re-encoding (SEI.md).

```
wire/       the format: NAL units, messages, their text, signatures         pure
insertion/  what goes into which access unit, and how                       pure
flv/        FLV tags; engine one rewrites them as they pass                 pure
mp4/        fragmented MP4 out of tags                                      pure
rtmp/       RTMP as a client                                                pure core, asyncio shell
inputs/     HTTP, RTMP, HLS, UDP, files, standard input                     asyncio
packets/    engine two: PyAV in a thread, for all that is not FLV to FLV
outputs/    players over HTTP, RTMP onward, HLS, files                      asyncio
relay/      many streams: supervisor, workers, configuration, status
files/      inject, read, strip, verify                                     PyAV
```
Imports go down this list's left column only where it says so: ``wire`` knows nothing of the others,
``relay`` all but ``files``' programs.
"""
