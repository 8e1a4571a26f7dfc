#!lua
-- KEYS: room, ack...
-- ARGV: base epoch, base version, base version of the requests,
--       version, ts, state, version of the requests, ts of the requests, requests,
--       how long acks are kept in ms, receipt...
-- An empty state or requests: unchanged. Nothing is written before everything was checked.

local kept, any = {}, false
for index = 2, #KEYS do
  local receipt = redis.call('GET', KEYS[index])
  kept[index - 1] = receipt
  any = any or receipt
end
if any then
  return {'kept', kept}
end
local held = fence(KEYS[1])
if not held then
  return {'missing'}
end
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or held[3] ~= ARGV[3] then
  return {'moved', held[1], held[2]}
end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], 'version', ARGV[4], 'ts', ARGV[5], 'state', ARGV[6])
end
if ARGV[9] ~= '' then
  redis.call(
    'HSET', KEYS[1], 'requests_version', ARGV[7], 'requests_ts', ARGV[8], 'requests', ARGV[9])
end
for index = 2, #KEYS do
  redis.call('SET', KEYS[index], ARGV[index + 9], 'PX', ARGV[10])
end
return {'committed'}
