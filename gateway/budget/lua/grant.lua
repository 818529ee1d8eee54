#!lua flags=allow-oom
-- grant: tokens of a carrier's rate for one instance, as slots of Redis time,
-- and the carrier's present rate, cut and recovered by what it answered.
-- KEYS 1 rate (hash)
-- ARGV 1 instance  2 number of the ask, ascending from 1
--      3 tokens wanted  4 tokens held  5 how far ahead to hold them, µs
--      6 configured rate, tokens per 1000 s, 0 none
--      7 submits answered OK  8 throttled  9 over how long, µs
-- Answers {now µs, first slot µs, tokens, interval ns, present rate per 1000 s
-- (0 none), learned ceiling per 1000 s (0 none), ask again in µs}.
-- Twice: the last number of an instance is answered as it was; an older one
-- gets no token and counts nothing.
local SECOND = 1000000
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

-- The configured rate may have been changed: what was learned stays if lower.
if set ~= num('set') then
  if set > 0 and (present == 0 or present == num('set') or present > set) then present = set end
  if set == 0 and present == num('set') then present = 0 end
end

-- What the carrier answered in the last two seconds, in tenths: the more that
-- it took in one of them while it throttled much is what it takes. Throttles of
-- the first quarter after a cut are about what went out before it.
local cut, raised, flow, heard, after = num('cut'), num('raised'), num('flow'), num('heard'), num('after')
if cut > now then cut = 0 end
if raised > now or raised == 0 then raised = now end
if ok + throttled > 0 then
  if heard > now or now - heard > 2 * SECOND then flow = now - math.min(span, SECOND) end
  heard = now
end
local tenth, recent, passed, before, refused = math.floor(now / 100000), {}, 0, 0, 0
local function count(at, o, r)
  if at < tenth - 20 or at > tenth then return end
  recent[#recent + 1] = int(at) .. ':' .. int(o) .. ':' .. int(r)
  if at < tenth - 10 then
    before = before + o
    return
  end
  passed = passed + o
  if at * 100000 >= cut + 250000 then refused = refused + r end
end
for at, o, r in string.gmatch(h.recent or '', '(%d+):(%d+):(%d+)') do
  at = tonumber(at)
  if at == tenth then ok, throttled = ok + o, throttled + r else count(at, tonumber(o), tonumber(r)) end
end
if ok + throttled > 0 then count(tenth, ok, throttled) end

local total = passed + refused
if refused > 0 and now - flow >= SECOND and now - cut >= 1250000 then
  local seconds = math.min(now - flow, now - (tenth - 10) * 100000) / SECOND
  local base, took = present, math.max(passed / seconds, before) * 1000
  if base == 0 then base = total * 1000 / seconds end
  if total < 10 then
    ceiling, present = base, base * 0.8
  elseif refused * 20 < total then
    ceiling, present = base, base * 0.95
  else
    local least = 0
    if total < 100 then least = base * 0.1 end
    ceiling = math.min(base, took)
    present = math.min(base * 0.95, math.max(ceiling * 0.95, least))
  end
  present, ceiling = math.floor(math.max(present, 1000)), math.floor(math.max(ceiling, 1000))
  if set > 0 then present = math.min(present, set) end
  cut, raised, after = now, now, present
elseif refused == 0 and now - raised >= SECOND then
  -- Back in steps of a fiftieth a second; for ten seconds not beyond what the
  -- carrier was seen to take.
  local steps = math.min(now - raised, 60 * SECOND) / SECOND
  if present > 0 and (set == 0 or present < set) and (present < ceiling * 0.9 or now - cut >= 10 * SECOND) then
    present = math.floor(present + math.max(present * 0.02, 500) * steps)
    if set > 0 then present = math.min(present, set) end
    if set == 0 and present > 4 * after and now - cut > 60 * SECOND then present = 0 end
  end
  if ceiling > 0 then ceiling = math.max(ceiling, math.min(passed * 1000, present)) end
  raised = now
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

for i = 1, #gone do redis.call('HDEL', KEYS[1], gone[i]) end
redis.call('HSET', KEYS[1], 'tat', int(tat), 'set', int(set), 'present', int(present), 'ceiling', int(ceiling),
  'cut', int(cut), 'raised', int(raised), 'flow', int(flow), 'heard', int(heard), 'after', int(after), 'recent', table.concat(recent, ' '),
  me, table.concat({int(number), int(now), int(want), int(first), int(n), int(step)}, ' '))
redis.call('PEXPIRE', KEYS[1], 604800000)
return {now, first, n, step, present, ceiling, math.ceil(again)}
