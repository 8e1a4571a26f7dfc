"""The front door: HTTP/1.1 on one port, what is hot answered here and the rest lent to aiohttp."""
