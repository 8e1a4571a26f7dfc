"""The engine for everything that is not FLV to FLV: PyAV in a thread of its own.

```
engine         one life of an input after the other, in a thread; outputs go on
heap           the C library's heap, kept small

input
opening        PyAV's demuxers, opened with what they may do, and the streams chosen
pipe           bytes from the event loop to the thread
flv_join       FLV joined in the middle of a group of pictures begins with a picture
flv_kinds      what begins late in FLV
hls_input      HLS: every fetch of the demuxer is ours
hls_playlist   its playlists, made harmless
picture        the test picture

from input to outputs
pump           packet by packet, each at its time
intake         where a life begins; packets judged and counted
clock          one time line, whatever the input's times do
tracks         parameter sets, sizes, sound formats, as packets teach them
adts           the header of AAC in transport streams
forms          messages into pictures; packets in the forms that outputs take
layout         tracks, packets, and the interface of outputs

outputs
outputs        made by their names
tags           FLV tags for players, pushes and FLV files
cutting        what the FLV muxer writes, cut into tags
handover       tags from the thread to the sinks in the loop
recording      files and standard output
segments       HLS
playlist       its playlist
places         where segments go: memory, a folder
continuity     transport streams joined
muxer          one run of a muxer
muxed          one run after another
memory         what muxers write into
backlog        how much waits, and what is left out then
writer         disks and pipes, in a thread each
```
An output begins a new run of its muxer where the tracks or their parameters change, at a keyframe;
times go on. One that is behind by 16 MiB leaves packets out up to a keyframe; where a file is read
unpaced, the input waits instead.
"""
