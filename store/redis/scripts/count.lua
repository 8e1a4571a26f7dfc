#!lua flags=allow-oom
-- KEYS: connections of a room by node
-- ARGV: node, its connections, for how long a report holds in ms
-- Gives the sum over the nodes whose report still holds, and drops the others.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
local reports, sum = redis.call('HGETALL', KEYS[1]), 0
for index = 1, #reports, 2 do
  local count, at = string.match(reports[index + 1], '^(%d+):(%d+)$')
  if count and now - at <= tonumber(ARGV[3]) then
    sum = sum + count
  else
    redis.call('HDEL', KEYS[1], reports[index])
  end
end
return string.format('%.0f', sum)
