"""The pure core: what a room is, what may happen to it, and what a reader sees of it.

No I/O, no clock, no randomness, no await, no logging: time and ids are arguments.
"""
