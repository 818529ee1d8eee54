#!lua flags=allow-oom
-- forget removes blocks of history, the oldest first: those that ended longer
-- ago than the age, and more while history is larger than its bound.
-- KEYS 1 the shard's counts
-- ARGV 1 age in ms, 2 bound in octets (0: none), 3 most blocks, 4 least age in ms
-- Answers {removed, now, octets left, when the oldest left ended (ms, -1: none)}
-- Safe to run twice: it removes what is past by then.
local age, bound, most, least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local bytes, removed, seen = tonumber(call('HGET', P .. 'counts', 'bytes') or 0), 0, 0

-- accepted is the second in a block's name: 32 bits from the 17th on.
local function accepted(name)
  local v, alphabet = 0, '0123456789abcdefghjkmnpqrstvwxyz'
  for k = 4, 10 do
    v = v * 32 + (find(alphabet, sub(name, k, k), 1, true) or 1) - 1
  end
  return floor(v / 4) % 4294967296
end

-- owed: a lease still owes a part of it, whose settle has yet to find it.
local function owed(b)
  for i = 0, b[B_N] - 1 do
    if sub(b[B_RAW], i * 20 + 9, i * 20 + 12) ~= '\0\0\0\0' then return true end
  end
  return false
end

local latest = tonumber(call('HGET', P .. 'counts', 'forgotten') or 0)
local list = call('ZRANGEBYSCORE', P .. 'history', '-inf', now - least, 'WITHSCORES', 'LIMIT', 0, most)
for k = 1, #list, 2 do
  local name, at = list[k], tonumber(list[k + 1])
  local over = bound > 0 and bytes > bound
  if at > now - age and not over then break end
  local b = open(name)
  if b and owed(b) and at > now - age - 86400000 then
    call('ZADD', P .. 'history', now, name)
  else
    bytes = bytes - (b and keeps(b) or 0)
    call('UNLINK', P .. 'block:' .. name, P .. 'slots:' .. name, P .. 'notes:' .. name, P .. 'batch:' .. name)
    call('ZREM', P .. 'history', name)
    latest = math.max(latest, accepted(name))
    removed = removed + 1
  end
end
if removed > 0 then
  bytes = math.max(bytes, 0)
  call('HSET', P .. 'counts', 'bytes', string.format('%.0f', bytes), 'forgotten', latest)
end
local oldest = call('ZRANGE', P .. 'history', 0, 0, 'WITHSCORES')
return { removed, now, bytes, oldest[2] and tonumber(oldest[2]) or -1 }
