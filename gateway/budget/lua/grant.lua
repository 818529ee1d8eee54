#!lua flags=allow-oom
-- grant: tokens of a carrier's rate for one instance, as slots of Redis time,
-- and the carrier's present rate, cut and recovered by what it answered (the
-- package comment says by which law).
-- KEYS 1 rate (hash)
-- ARGV 1 instance  2 number of the ask, ascending from 1
--      3 tokens wanted  4 tokens held  5 how far ahead to hold them, µs
--      6 configured rate, tokens per 1000 s, 0 none
--      7 submits answered OK  8 throttled  9 over how long, µs, of an instance
--      that had no limit; else 0
-- Answers {now µs, first slot µs, tokens, interval ns, present rate per 1000 s
-- (0 none), learned ceiling per 1000 s (0 none), ask again in µs}.
-- Twice: the last number of an instance is answered as it was; an older one
-- gets no token and counts nothing.
local SECOND = 1000000
local HOLD, BACK = 10, 45 -- s; the sum after a cut the configured rate is back
local LONGEST = 300 -- s; of a hold, with a long throttle pause
local t = redis.call('TIME')
local now = t[1] * SECOND + t[2]
local me, number = 'i:' .. ARGV[1], tonumber(ARGV[2])
local want, held, horizon = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local set, ok, throttled, span = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local h = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do h[flat[i]] = flat[i + 1] end
local function num(field) return tonumber(h[field] or '0') or 0 end
local function int(x) return string.format('%.0f', x) end
local function row(text)
  local n, at, w, first, count, step = string.match(text or '', '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  if not n then return nil end
  return tonumber(n), tonumber(at), tonumber(w), tonumber(first), tonumber(count), tonumber(step)
end

local present, ceiling = num('present'), num('ceiling')
local last, _, _, lfirst, lcount, lstep = row(h[me])
if last and number <= last then
  if number < last then lfirst, lcount = now, 0 end
  return {now, lfirst, lcount, lstep, present, ceiling, 0}
end

-- What the carrier answered in the last two seconds, in tenths: {OK, throttled}.
local tenth, recent = math.floor(now / 100000), {}
local function count(at, o, r)
  if at <= tenth - 20 or at > tenth or o + r == 0 then return end
  local c = recent[at] or {0, 0}
  recent[at] = {c[1] + o, c[2] + r}
end
for at, o, r in string.gmatch(h.recent or '', '(%d+):([%d.]+):(%d+)') do
  count(tonumber(at), tonumber(o), tonumber(r))
end
if span > SECOND then
  local spread = math.ceil(span / 100000)
  for i = 0, math.min(spread, 20) - 1 do count(tenth - i, ok / spread, 0) end
  count(tenth, 0, throttled)
else count(tenth, ok, throttled) end

-- The share that is throttled, over about half a minute.
local good, bad, aged = num('good'), num('bad'), num('aged')
if aged > now then aged = now end
if now - aged >= SECOND then
  local keeps = 0.5 ^ ((now - aged) / (15 * SECOND))
  good, bad, aged = good * keeps, bad * keeps, now
end
good, bad = good + ok, bad + throttled

-- Where the rate has come to since the last cut; 0 as configured.
local cut, after, anchor = num('cut'), num('after'), num('anchor')
local asked = num('asked')
if cut > now then cut = now end
-- It grows only while it is used: a throttle pause may last for minutes, and the
-- dearer the pause the longer it holds.
local gap, hold = now - asked, math.max(num('hold'), HOLD)
if gap > 2 * SECOND then
  if asked - cut < SECOND then hold = math.max(HOLD, math.min(HOLD * gap / SECOND, LONGEST)) end
  cut = math.max(cut, math.min(cut + gap, now - SECOND))
end
local function grown()
  local age = (now - cut) / SECOND
  if anchor == 0 then return after * 2 ^ age end
  if age < HOLD then return anchor - (anchor - after) * (1 - age / HOLD) ^ 3 end
  local scale = set
  if set == 0 then scale = 5 * anchor end
  return anchor + scale * (math.max(age - hold, 0) / BACK) ^ 3
end
present = set
if after > 0 then
  present = math.floor(grown())
  local over = set
  if set == 0 then over = 4 * anchor end
  if over == 0 then over = 1000 * after end
  if present >= over then present, after = set, 0 end
end

-- Throttles of the first quarter after a cut are about what went out before it.
local refused, lately, taken, seen = 0, 0, 0, nil
for at, c in pairs(recent) do
  if at > tenth - 10 then
    lately, taken = lately + c[1] + c[2], taken + c[1]
    if c[2] > 0 and (after == 0 or at * 100000 >= cut + 250000) then
      refused = refused + c[2]
      if not seen or at > seen then seen = at end
    end
  end
end
local age, odd = now - cut, num('odd')
local loud = refused >= 3 and refused * 10 >= lately
local rare = (bad - (after == 0 and 1 or 0)) * 300 < good + bad and not loud
if after > 0 and refused > 0 and age < hold * SECOND then odd = 1 end
local noise = rare and (after == 0 or odd > 0)
if refused > 0 and not noise and (after == 0 or age >= SECOND) then
  -- The second up to the last throttle, and the most that a second held.
  local total, gaps, took = 0, 0, 0
  for i = 0, 9 do
    local c = recent[seen - i]
    if c then total = total + c[1] + c[2] else gaps = gaps + 1 end
  end
  for from = tenth - 19, tenth - 9 do
    local n = 0
    for i = 0, 9 do n = n + ((recent[from + i] or {0})[1]) end
    took = math.max(took, n)
  end
  took, total = took * 1000, total * 1000
  local base, short = present, after > 0 and age < hold * SECOND
  if base == 0 then base = total end
  local measured = gaps <= 3 or present > 0 and total >= base * 0.7
  if took > base * 1.2 or measured and total >= 10000 and took < total * 0.9 then
    ceiling, after, anchor = took, math.min(took, base) * 0.95, took * 0.95
  elseif ceiling > 0 and (present == 0 or ceiling < base * 0.9) then
    after = ceiling * 0.95
    anchor = after
  elseif present == 0 and not measured then
    after, anchor = base * 0.5, 0
  else
    ceiling, after = base, base * 0.5
    if refused >= 3 and refused * 3000 >= total and took * 20 < base then after = base * 0.25 end
    if measured or refused * 20000 < total then after = base * (short and 0.8 or 0.9) end
    anchor = (base + after) / 2
  end
  after, anchor, ceiling = math.floor(math.max(after, 1000)), math.floor(anchor), math.floor(ceiling)
  if anchor > 0 then anchor = math.max(anchor, after) end
  if ceiling > 0 then ceiling = math.max(ceiling, 1000) end
  cut, present, odd, hold = now, after, 0, HOLD
  if set > 0 then present = math.min(present, set) end
elseif refused == 0 and ceiling > 0 and present > 0 then
  ceiling = math.max(ceiling, math.floor(math.min(taken * 1000, present)))
end

-- The instances that ask share by what they want.
local gone, sum = {}, want
for f, text in pairs(h) do
  if f ~= me and string.sub(f, 1, 2) == 'i:' then
    local n, at, w = row(text)
    if not n or now - at > 60 * SECOND or at > now + SECOND then gone[#gone + 1] = f
    elseif now - at < 3 * horizon then sum = sum + w end
  end
end

local first, n, step, again = now, 0, 0, 0
local tat = num('tat')
if present > 0 then
  local share = 0.99
  if present < 10000 then share = 0.98 end
  step = math.ceil(1000000 * SECOND / (present * share))
  local interval = step / 1000
  local lead = math.max(1.25 * horizon, math.min(2 * interval, 900000))
  if tat <= now + 2 * SECOND then first = math.max(tat, now) end
  local room, cap = horizon * present / 1000 / SECOND, want
  if sum > room then cap = math.min(want, math.max(1, math.ceil(room * want / sum))) end
  if first <= now + lead then
    n = math.max(0, math.min(cap - held, math.floor((now + lead - first) / interval) + 1, 100000))
    again = horizon / 2
  else
    again = math.max(first - now - lead, horizon / 4)
  end
  if n > 0 then tat = first + math.ceil(n * interval) end
end

local kept = {}
for at, c in pairs(recent) do kept[#kept + 1] = int(at) .. ':' .. string.format('%.1f', c[1]) .. ':' .. int(c[2]) end
for i = 1, #gone do redis.call('HDEL', KEYS[1], gone[i]) end
redis.call('HSET', KEYS[1], 'tat', int(tat), 'present', int(present), 'ceiling', int(ceiling),
  'cut', int(cut), 'after', int(after), 'anchor', int(anchor), 'asked', int(now), 'hold', int(hold), 'aged', int(aged), 'odd', int(odd),
  'good', string.format('%.3f', good), 'bad', string.format('%.3f', bad), 'recent', table.concat(kept, ' '),
  me, table.concat({int(number), int(now), int(want), int(first), int(n), int(step)}, ' '))
redis.call('PEXPIRE', KEYS[1], 604800000)
return {now, first, n, step, present, ceiling, math.ceil(again)}
