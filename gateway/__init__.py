"""The push layer and the assembly of the server."""
