"""Where documents live: one port, and what stands behind it."""
