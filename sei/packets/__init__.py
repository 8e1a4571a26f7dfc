"""The engine for everything that is not FLV to FLV: PyAV in a thread of its own.

```
engine      one life of an input after the other, in a thread; outputs go on
 opening    the input: a file, bytes by a pipe (pipe, flv_kinds), HLS (hls_input, hls_playlist),
            the test picture (picture)
 pump       demuxer → intake (tracks, adts; clock) → forms (the Rewriter) → outputs
 outputs    tags (sorter, cutting, handover) · recording · segments (playlist, places, continuity)
            over muxer and muxed (runs of FFmpeg's muxers into memory), backlog and writer (bounds)
```
An output begins a new run of its muxer where the tracks or their parameters change, at a keyframe;
times go on. One that is behind by 16 MiB leaves packets out up to a keyframe; where a file is read
unpaced, the input waits instead. Disks and pipes have a thread each.
"""
