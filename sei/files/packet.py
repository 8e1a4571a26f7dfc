"""Packets whose bytes change while everything else about them stays."""

from __future__ import annotations

from typing import Final

from av.packet import Packet, PacketSideData
from av.stream import Stream

_NEW_EXTRADATA: Final = "new_extradata"


def with_bytes(packet: Packet[Stream], content: bytes) -> Packet[Stream]:
    """Copy a packet around other bytes, side data and all.

    Without its side data everything after a change of parameter sets in mid-stream would be
    undecodable. The new packet refers to ``content`` and does not copy it.
    """
    made: Packet[Stream] = Packet(content)
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.time_base = packet.time_base
    made.is_keyframe = packet.is_keyframe
    for item in packet.iter_sidedata():
        item.to_packet(made)
    return made


def new_extradata(packet: Packet[Stream]) -> bytes | None:
    """Give the decoder configuration that takes effect with this packet, if one does."""
    if not packet.has_sidedata(_NEW_EXTRADATA):
        return None
    return bytes(PacketSideData.from_packet(packet, _NEW_EXTRADATA))
