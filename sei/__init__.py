"""The SEI channel: room state inside an H.264 or HEVC stream, without re-encoding (SEI.md)."""
