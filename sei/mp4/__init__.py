"""Fragmented MP4 out of FLV tags, one fragment a tag. Pure."""
