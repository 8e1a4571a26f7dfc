"""What the gateway counts and measures; nothing here is asked on a hot path."""
