#!lua flags=no-writes
-- KEYS: room, ack...
-- A room and the acks of some commands; 'unfenced' where the epoch has to be raised first. Writes
-- nothing, so that a full server, one that can't save and one whose writes are paused are read.

local held, holds = standing(KEYS[1])
if held and not holds then
  return {'unfenced'}
end
local receipts = {}
for index = 2, #KEYS do
  receipts[index - 1] = redis.call('GET', KEYS[index])
end
return {'held', held and room(KEYS[1], held[1]) or false, receipts}
