#!lua
-- KEYS: room, document, names of the room's documents
-- ARGV: name, data, fingerprint, ts, how many documents a room may have,
--       precondition ('none', 'exists' or 'any_of'), position...

local standing_room = fence(KEYS[1])
if not standing_room then
  return {'no_room'}
end
local epoch = standing_room[1]
number(epoch, 'epoch')
local exists = redis.call('EXISTS', KEYS[2]) == 1
local held = redis.call('HMGET', KEYS[2], 'version', 'ts', 'data', 'fingerprint')
local version = exists and number(held[1], 'version of a document') or 0
local at = exists and epoch .. '.' .. held[1]
local fits = ARGV[6] == 'none' or (ARGV[6] == 'exists' and exists)
for index = 7, #ARGV do
  fits = fits or ARGV[index] == at
end
if not fits then
  return {'unmet', epoch, held[1]}
end
if exists and held[4] == ARGV[3] then
  return {'held', epoch, unpack(held)}
end
if not exists and redis.call('SCARD', KEYS[3]) >= tonumber(ARGV[5]) then
  return {'full'}
end
local raised = string.format('%.0f', version + 1)
redis.call('HSET', KEYS[2], 'version', raised, 'ts', ARGV[4], 'data', ARGV[2], 'fingerprint', ARGV[3])
redis.call('SADD', KEYS[3], ARGV[1])
return {'put', epoch, raised}
