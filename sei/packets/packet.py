"""Packets whose bytes change while everything else about them stays."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from av.packet import Packet
from av.stream import Stream

NEW_EXTRADATA: Final = "new_extradata"


def with_bytes(
    packet: Packet[Stream], content: bytes, time_base: Fraction | None = None
) -> Packet[Stream]:
    """Copy a packet around other bytes, side data and all.

    Without its side data everything after a change of parameter sets in mid-stream would be
    undecodable. The new packet refers to ``content`` and does not copy it.

    Args:
        packet: the pattern.
        content: the other bytes.
        time_base: that of the packet, for who knows it: reading it takes longer than all else here.
    """
    made: Packet[Stream] = Packet(content)
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.time_base = packet.time_base if time_base is None else time_base
    made.is_keyframe = packet.is_keyframe
    for item in packet.iter_sidedata():
        item.to_packet(made, move=True)  # the item is a copy already
    return made


def new_extradata(packet: Packet[Stream]) -> bytes | None:
    """Give the decoder configuration that takes effect with this packet, if one does."""
    for item in packet.iter_sidedata():
        if item.data_type == NEW_EXTRADATA:
            return bytes(item)
    return None
