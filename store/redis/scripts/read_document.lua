#!lua flags=no-writes
-- KEYS: room, document

local epoch, _, _, holds = standing(KEYS[1])
if not epoch or redis.call('EXISTS', KEYS[2]) == 0 then
  return {'missing'}
end
if not holds then
  return {'unfenced'}
end
return {'held', epoch, unpack(redis.call('HMGET', KEYS[2], 'version', 'ts', 'data', 'fingerprint'))}
