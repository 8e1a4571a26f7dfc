#!lua flags=allow-oom
-- KEYS: leases
-- ARGV: GT to let leases run longer and start others, NX only to start others; for how long in ms;
--       member...
-- A full server lets it pass: whoever sits is present, whether or not a room can be written.

local time = redis.call('TIME')
local ends = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
local scored = {}
for index = 3, #ARGV do
  scored[#scored + 1] = ends
  scored[#scored + 1] = ARGV[index]
end
return redis.call('ZADD', KEYS[1], ARGV[1], unpack(scored))
