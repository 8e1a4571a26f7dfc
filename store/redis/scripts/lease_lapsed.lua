#!lua flags=no-writes
-- KEYS: leases
-- ARGV: how many at most
-- Each member that ran out, followed by how long ago in ms; the oldest first.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call(
  'ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now),
  'WITHSCORES', 'LIMIT', 0, ARGV[1])
for index = 2, #found, 2 do
  found[index] = string.format('%.0f', now - found[index])
end
return found
