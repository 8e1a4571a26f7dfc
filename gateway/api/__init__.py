"""The HTTP handlers on aiohttp: thin, and free of rules."""
