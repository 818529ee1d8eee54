#!lua flags=allow-oom
-- settle ends leased parts: every outcome, with its events.
-- KEYS 1 the shard's counts
-- ARGV 1 owner, 2 carriers (2 octets number, 4 octets number of the route
--      @carrier, 1 octet length, name, each), 3 their receipt clocks in ms,
--      separated by spaces, 4 number of errors, then their JSON; then for each
--      block its name and its records: part 2 octets, lease 4, verdict 1,
--      carrier 2 (0: as leased), error number 2, error (from 1; 0 none) 1,
--      delay in ms 4
-- Answers {'settled', now} | {'lapsed', now}
-- Safe to run twice: it changes only a slot that is leased under the very
-- number it names, and that number is off the slot afterwards.
local SIZE = 16
local OK, REFUSED, BACK, GIVEN_UP, TOO_LATE, UNSURE, UNNEEDED = 1, 2, 3, 5, 6, 7, 8 -- 4: again, later
local owner, lease = ARGV[1], P .. 'lease:' .. ARGV[1]
local owed, off, order = {}, {}, {}

-- owes: does this owner's lease under the number owe anything?
local function owes(lease4)
  local n = owed[lease4]
  if n == nil then
    n = tonumber(call('HGET', lease, u32(lease4, 1)) or 0)
    owed[lease4], off[lease4], order[#order + 1] = n, 0, lease4
  end
  return n > 0
end

-- onlySurplus: is no other part of the message needed either? Then it fails:
-- every message ends.
local function onlySurplus(b, i, first, last)
  for q = first, last do
    if q ~= i and part(b, q).st ~= SURPLUS then return false end
  end
  return true
end

-- sent ends or submits part i by its verdict; false for one that goes on waiting.
local function sent(b, i, x, first, last, verdict, err, e)
  if verdict == OK then
    submitted(b, i, x, first, last)
    local c = now + (clocks[x.carrier] or 86400000)
    if not b.clock or c < b.clock then b.clock = c end
  elseif verdict == REFUSED or verdict == GIVEN_UP then
    local st = verdict == REFUSED and REJECTED or FAILED
    x.err = err
    final(b, i, x, first, last, st, e)
    refuseRest(b, first, last, st, e, err)
  elseif verdict == TOO_LATE then
    x.err = err
    final(b, i, x, first, last, has(x, MAYBE) and UNKNOWN or EXPIRED, e)
  elseif verdict == UNNEEDED then
    final(b, i, x, first, last, onlySurplus(b, i, first, last) and FAILED or SURPLUS)
    tellSubmitted(b, first, last)
  else
    return false
  end
  return true
end

-- goOn is for parts that go on waiting. All of them change their state before
-- any finds its lane: what goes back together stays together.
local function goOn(b, list)
  table.sort(list, function(l, r) return l.i < r.i end)
  local free = {}
  for _, w in ipairs(list) do
    local x = w.x
    if x.st == LEASED or x.st == WRITING then -- a refusal in this call may have ended it
      if w.verdict ~= BACK then
        x.err = w.err
        note(b, w.first, (w.verdict == UNSURE and 'uncertain ' or 'retry ') .. w.i .. ' ' .. u16(x.carrier, 1) .. ' ' .. u16(x.err, 1))
      else
        x.at = math.max(x.at - 1, 0)
      end
      if w.verdict == UNSURE then set(x, MAYBE) end
      if w.verdict == UNSURE and has(x, HOLD) then
        x.st = UNCERTAIN
        refile(b, w.i)
      else
        x.st = QUEUED
        free[#free + 1] = w
      end
    end
  end
  for _, w in ipairs(free) do
    wait(b, w.i, w.x, w.first, w.last, w.delay)
  end
  for _, w in ipairs(free) do revive(b, w.x, w.first, w.last, w.delay) end
end

local function settleBlock(b, records, errors)
  local waiting = {}
  for o = 1, #records, SIZE do
    local i, lease4 = u16(records, o), sub(records, o + 2, o + 5)
    local x = part(b, i)
    if x and x.lease == lease4 and lease4 ~= '\0\0\0\0' and owes(lease4) then
      x.lease = '\0\0\0\0'
      off[lease4] = off[lease4] + 1
      change(b, i, x)
      local first, last = message(b, i)
      if first and (x.st == LEASED or x.st == WRITING) then
        local verdict, err, e = byte(records, o + 6), sub(records, o + 9, o + 10), errors[byte(records, o + 11)]
        local carrier = sub(records, o + 7, o + 8)
        if carrier ~= '\0\0' then x.carrier = carrier end
        if not sent(b, i, x, first, last, verdict, err, e) then
          waiting[#waiting + 1] = {
            i = i, x = x, first = first, last = last, verdict = verdict, delay = u32(records, o + 12), err = err,
          }
        end
      end
    end
  end
  if head(b) then
    goOn(b, waiting)
  else -- nobody can ever read it: it fails, and goes to dead
    for _, w in ipairs(waiting) do final(b, w.i, w.x, w.first, w.last, FAILED) end
  end
end

local function write()
  saveAll()
  saveWaiting()
  for _, lease4 in ipairs(order) do
    if off[lease4] > 0 then
      local n = u32(lease4, 1)
      if owed[lease4] > off[lease4] then
        call('HINCRBY', lease, n, -off[lease4])
      else
        call('HDEL', lease, n, n .. '.d')
      end
    end
  end
end

local function run()
  local r = row(owner)
  if not r or r.lapsed then return { 'lapsed', now } end
  readCarriers(ARGV[2], ARGV[3])
  local n, errors = tonumber(ARGV[4]), {}
  for k = 1, n do errors[k] = ARGV[4 + k] end
  for a = 5 + n, #ARGV, 2 do
    local b = open(ARGV[a])
    if b then settleBlock(b, ARGV[a + 1], errors) end
  end
  write()
  return { 'settled', now }
end

return run()
