#!lua flags=allow-oom
-- look: hands out parked receipts whose next look has come, and moves that on:
-- 1, 5, 30 and 60 s after it was parked, then every 300 s.
-- KEYS 1 early (hash)  2 looks (sorted set)
-- ARGV 1 most ids  2 receipt clock, ms
-- Answers for each receipt: the id under which it lies; 'e' if its clock is
-- over, 'u' if it has just not been matched within a minute, else '-'; and what
-- was parked. At the end, how many ids have something parked. What is over stays until drop: the next look tells it again.
-- Twice: hands out what has come up since, as every look does.
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local most, clock = tonumber(ARGV[1]), tonumber(ARGV[2])
local steps = {1000, 5000, 30000, 60000}
local out = {}

local function next_look(parked)
  for _, s in ipairs(steps) do
    if parked + s > ms then return parked + s end
  end
  return ms + 300000
end

local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', ms), 'LIMIT', 0, most)
for _, id in ipairs(due) do
  local value = redis.call('HGET', KEYS[1], id) or ''
  local pos, again, changed = 1, nil, {}
  while pos + 17 < #value do
    local parked, n = tonumber(string.sub(value, pos, pos + 12)), tonumber(string.sub(value, pos + 14, pos + 17))
    if not parked or not n then break end
    local flag, blob = string.sub(value, pos + 13, pos + 13), string.sub(value, pos + 18, pos + 17 + n)
    parked = math.min(parked, ms) -- the clock of Redis was set back
    local told = '-'
    if ms - parked >= clock then told = 'e'
    elseif flag == '-' and ms - parked >= 60000 then
      told, flag = 'u', 'u'
    end
    changed[#changed + 1] = string.format('%013.0f%s%04d', parked, flag, #blob) .. blob
    out[#out + 1], out[#out + 2], out[#out + 3] = id, told, blob
    local following = next_look(parked)
    if not again or following < again then again = following end
    pos = pos + 18 + n
  end
  local rest = table.concat(changed)
  if rest == '' then
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[1], id)
  else
    if rest ~= value then redis.call('HSET', KEYS[1], id, rest) end
    redis.call('ZADD', KEYS[2], string.format('%.0f', again), id)
  end
end
out[#out + 1] = redis.call('ZCARD', KEYS[2])
return out
