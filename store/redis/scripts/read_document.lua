#!lua flags=no-writes
-- KEYS: room, document

local held, holds = standing(KEYS[1])
if not held or redis.call('EXISTS', KEYS[2]) == 0 then
  return {'missing'}
end
if not holds then
  return {'unfenced'}
end
return {'held', held[1], unpack(redis.call('HMGET', KEYS[2], 'version', 'ts', 'data', 'fingerprint'))}
