#!lua flags=allow-oom
-- KEYS: seat of a user
-- ARGV: room

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return false
