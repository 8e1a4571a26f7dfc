"""FLV: tags, the rewriter that works on them without a demuxer, and a reader of state. Pure."""
