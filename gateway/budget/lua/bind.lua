#!lua flags=allow-oom
-- bind: renews an instance's lease of a carrier's bind slots, and answers its
-- share and how the carrier stands.
-- KEYS 1 binds (hash)  2 state (hash)  3 rate (hash)
-- ARGV 1 instance  2 number of the renewal, ascending from 1  3 lease, ms
--      4 bind slots of the carrier, all instances together
--      5 the share that this instance keeps to now  6 binds it holds, also
--      those being opened or closed  7 of these up  8 1 if the carrier is silent
--      9 1 if the instance leaves
-- Answers {share, share once the others gave back, binds up of all instances,
-- ms since one of them was up, 1 if silent wherever it is bound, 1 if paused,
-- present rate and ceiling per 1000 s}.
-- A row: number, deadline, since, slots that are reserved for it, share, up,
-- silent; times in ms.
-- Twice: a number that is not above the last changes nothing and is answered as
-- things stand.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local me, number, lease, slots = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local keeps, held, leaves = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[9] == '1'
local GRACE, TOMB = 1000, 6 * lease

local rows, upAt = {}, nil
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  if flat[i] == '@up' then upAt = tonumber(flat[i + 1])
  else
    local n, deadline, since, reserved, share, up, silent =
      string.match(flat[i + 1], '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d)$')
    if n then
      rows[flat[i]] = {id = flat[i], number = tonumber(n), deadline = tonumber(deadline), since = tonumber(since),
        reserved = tonumber(reserved), share = tonumber(share), up = tonumber(up), silent = silent}
    end
  end
end

-- Until it hears of its new share, an instance may hold what it keeps to now.
local mine = rows[me]
local fresh = not mine or number > mine.number
if fresh then
  local since = now
  if mine and mine.deadline > now and mine.since <= now then since = mine.since end
  mine = {id = me, number = number, deadline = now + lease, since = since,
    reserved = math.max(keeps, held), share = 0, up = tonumber(ARGV[7]), silent = ARGV[8]}
  if leaves then mine.deadline, mine.up = now, 0 end
  rows[me] = mine
end

-- A row that lapsed is taken over a second later, by those who have been there
-- for a whole lease: when Redis itself was away, nobody has.
local veteran = now - mine.since >= lease
local living, reserved, removed, changed = {}, 0, {}, {[me] = fresh}
for id, r in pairs(rows) do
  if r.deadline > now + lease then r.deadline, changed[id] = now + lease, true end
  if r.deadline > now then living[#living + 1] = r
  elseif r.reserved > 0 and id ~= me and veteran and r.deadline + GRACE <= now then
    r.reserved, r.share, r.up, changed[id] = 0, 0, 0, true
  elseif r.reserved == 0 and id ~= me and r.deadline + TOMB < now then removed[#removed + 1] = id end
  if id ~= me then reserved = reserved + r.reserved end
end
table.sort(living, function(a, b)
  if a.since ~= b.since then return a.since < b.since end
  return a.id < b.id
end)

local target, up, bound, silent = 0, 0, 0, 0
for i, r in ipairs(living) do
  if r.id == me then
    target = math.floor(slots / #living)
    if i <= slots % #living then target = target + 1 end
  end
  up = up + r.up
  if r.up > 0 then
    bound = bound + 1
    if r.silent == '1' then silent = silent + 1 end
  end
end
if fresh then
  mine.share = math.min(target, math.max(slots - reserved, 0))
  mine.reserved = math.max(mine.reserved, mine.share)
end
if up > 0 or not upAt or upAt > now then upAt = now end

if #removed > 0 then redis.call('HDEL', KEYS[1], unpack(removed)) end
local set = {'@up', string.format('%.0f', upAt)}
for id, r in pairs(rows) do
  if changed[id] then
    set[#set + 1], set[#set + 2] = id, string.format('%.0f %.0f %.0f %.0f %.0f %.0f %s',
      r.number, r.deadline, r.since, r.reserved, r.share, r.up, r.silent)
  end
end
redis.call('HSET', KEYS[1], unpack(set))
redis.call('PEXPIRE', KEYS[1], 604800000)
local rate = redis.call('HMGET', KEYS[3], 'present', 'ceiling')
return {mine.share, target, up, now - upAt, bound > 0 and bound == silent and 1 or 0,
  redis.call('HGET', KEYS[2], 'paused') == '1' and 1 or 0, tonumber(rate[1] or '0'), tonumber(rate[2] or '0')}
