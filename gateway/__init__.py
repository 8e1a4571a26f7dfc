"""The push gateway: how a room changes, who hears of it, and the server that it all runs in.

=============  ======================================================================
edge/          the front door: one port, hot paths answered out of prebuilt bytes
push/          who follows what; the sweep; WebSocket and SSE connections
api/           what the door lends to aiohttp: commands, rooms, documents, media, page
commits/       the one way in which a room changes, and the account kept of it
presence/      leases, abandoned seats, deadlines, who is online, who speaks
upstream/      documents that come from an existing HTTP service
tokens/        who a caller is
loop/          tasks, deadlines and the lateness of the event loop
metrics/       what is counted and measured
openapi/       docs/openapi.yaml out of the message structs
gateway.py     the parts of one node, wired; server.py runs it, config.py configures it
rooms.py       the one way to a room for all of them
=============  ======================================================================
"""
