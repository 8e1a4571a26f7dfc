"""The demo: a live room with a few people who come and go, and its video."""
