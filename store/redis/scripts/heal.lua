#!lua flags=allow-oom
-- KEYS: room
-- Raises the epoch of a room that nobody writes. A full server lets it pass: it grows nothing.

fence(KEYS[1])
return {'healed'}
