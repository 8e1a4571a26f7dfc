"""The distributed store: one Redis 7 primary, every operation on a room one fenced script."""

from store.redis.opening import open_redis

__all__ = ["open_redis"]
