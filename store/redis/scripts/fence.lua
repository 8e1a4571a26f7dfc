-- Shared by the scripts on a room: who the primary is, and whether a room's epoch still holds there
-- (DOMAIN.md 6). Numbers are kept and sent as decimal text: Lua's own rendering rounds from 10^14.

local function server_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function number(text, what)
  if not text or #text > 16 or not string.match(text, '^%d+$') then
    error({err = 'UNREADABLE ' .. what})
  end
  return tonumber(text)
end

-- What the server says of its place among others; names its history, which is another one after
-- each restart and each promotion.
local function primary()
  local facts = redis.call('INFO', 'replication')
  if not string.find(facts, 'role:master', 1, true) then
    error({err = 'READONLY the server is a replica'})
  end
  return facts
end

-- A room's epoch, version and version of the requests as they are kept, and whether the epoch holds;
-- nothing where no room is. Text that is no number is found out where it is used.
local function standing(key)
  local facts = primary()
  local held = redis.call('HMGET', key, 'epoch', 'version', 'requests_version', 'replid')
  local history = held[4]
  if not history and redis.call('EXISTS', key) == 0 then
    return nil
  end
  return held, history and #history == 40
    and string.find(facts, 'master_replid:' .. history, 1, true)
end

local function replid()
  return string.match(primary(), 'master_replid:(%x+)')
end

-- As above, after an epoch that did not hold was raised.
local function fence(key)
  local held, holds = standing(key)
  if held and not holds then
    held[1] = string.format('%.0f', math.max(number(held[1], 'epoch') + 1, server_ms()))
    redis.call('HSET', key, 'epoch', held[1], 'replid', replid())
  end
  return held
end

local function room(key, epoch)
  local held = redis.call(
    'HMGET', key, 'version', 'ts', 'state', 'requests_version', 'requests_ts', 'requests')
  return {epoch, unpack(held)}
end
