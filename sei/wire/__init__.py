"""The format: NAL units, SEI messages, the text in them, signatures (SEI.md 1). Pure."""
