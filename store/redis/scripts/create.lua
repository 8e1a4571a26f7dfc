#!lua
-- KEYS: room
-- ARGV: ts, state, requests

local held = fence(KEYS[1])
if held then
  return {'held', room(KEYS[1], held[1])}
end
local epoch = string.format('%.0f', server_ms())
redis.call(
  'HSET', KEYS[1], 'epoch', epoch, 'replid', replid(),
  'version', '1', 'ts', ARGV[1], 'state', ARGV[2],
  'requests_version', '1', 'requests_ts', ARGV[1], 'requests', ARGV[3])
return {'created', epoch}
