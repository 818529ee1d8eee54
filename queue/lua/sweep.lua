#!lua flags=allow-oom
-- sweep ends what time has ended in blocks whose moment in expiry has come, and
-- files them anew.
-- KEYS 1 the shard's counts
-- ARGV 1 all carriers, 2 their receipt clocks (as settle's), 3 ms after the end
--      of validity at which a part that is still leased counts as lost, 4 most
--      parts
-- Answers {blocks looked at, now, parts ended}
-- Safe to run twice: a slot that has ended stays as it is.
local grace, most, parts, ends = floor(tonumber(ARGV[3]) / 16), tonumber(ARGV[4]), 0, 0
readCarriers(ARGV[1], ARGV[2])

local function clockOf(x)
  return floor((clocks[x[CARRIER]] or 86400000) / 16)
end

-- passed: is the tick t now or past? (of two ticks less than 1.1 years apart)
local function passed(t)
  return (ticks - t) % 4294967296 < 2147483648
end

-- fate is what time has made of part x, with the error's number; nil: nothing
-- yet, then the tick at which there will be something.
local function fate(x, deadline)
  if x[STATE] <= RETRY then
    if not passed(deadline) then return nil, deadline end
    if has(x, MAYBE) then return UNKNOWN, 5 end
    return EXPIRED, 1
  elseif x[STATE] == UNCERTAIN then
    if not passed(deadline) then return nil, deadline end
    return UNKNOWN, 5
  elseif x[STATE] == SUBMITTED then
    local t = u32(x[SUBMITTED_AT], 1) + clockOf(x)
    if not passed(t) then return nil, t end
    return UNKNOWN, 2
  end
  if not passed(deadline) then return nil, deadline end -- it may go on waiting till then
  if not passed(deadline + grace) then return nil, deadline + grace end
  return UNKNOWN, 6
end

-- sweepBlock answers the ms at which to look again; nil when all has ended.
local function sweepBlock(b)
  local soonest
  for i = 0, b[B_N] - 1 do
    local x = part(b, i)
    if x[STATE] < DELIVERED then
      local first, last = message(b, i)
      local deadline = entry(b, i)
      local st, n = fate(x, deadline or 0)
      if first and st then
        x[ERROR] = char(0, n)
        final(b, i, x, first, last, st)
        ends = ends + 1
      elseif not st then
        local ahead = (n - ticks) % 4294967296
        if not soonest or ahead < soonest then soonest = ahead end
      else
        soonest = soonest or 225000 -- slots that contradict themselves: an hour
      end
    end
  end
  return soonest and now + (soonest + 1) * 16
end

local looked, again, bad = 0, {}, {}
for _, name in ipairs(call('ZRANGEBYSCORE', P .. 'expiry', '-inf', now, 'LIMIT', 0, 100)) do
  if parts < most then
    local b = open(name)
    looked = looked + 1
    if b and accountOf(b) ~= '' then
      parts = parts + b[B_N]
      again[#again + 1] = { name, sweepBlock(b) }
    else
      bad[#bad + 1] = { name, b }
    end
  end
end
for _, a in ipairs(again) do
  if a[2] then call('ZADD', P .. 'expiry', a[2], a[1]) end
end
for _, a in ipairs(bad) do
  call('ZREM', P .. 'expiry', a[1])
  if a[2] then -- nobody can read it: for a person, and in time out of history
    call('RPUSH', P .. 'dead', 'block ' .. a[1])
    call('ZADD', P .. 'history', now, a[1])
  end
end
saveAll()
return { looked, now, ends }
