"""RTMP as a client: pull a stream, push one. The protocol is pure, the sockets are asyncio's."""
