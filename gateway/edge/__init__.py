"""The front door: HTTP/1.1 on one port; what is hot is answered here, the rest is lent to aiohttp.

A ``Door`` reads requests of one connection, in order, each into a ``Head`` that holds what it
promises. ``Routes`` names the responder; it gets an ``Exchange`` and replies, at once or later, or
takes the connection over. What has no responder goes to aiohttp by a ``LentTransport``, one request
at a time, and the connection comes back. ``House`` is what all doors share; ``front`` wires it.
"""
