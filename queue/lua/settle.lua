#!lua flags=allow-oom
-- settle ends leased parts: every outcome, with its events.
-- KEYS 1 the shard's counts
-- ARGV 1 owner, 2 carriers (2 octets number, 4 octets number of the route
--      @carrier, 1 octet length, name, each), 3 their receipt clocks in ms,
--      separated by spaces, 4 the time that the caller wrote into events, ms, 5
--      number of errors, then their JSON; number of entries, then for each its
--      account and events; then for each block its name; the first and the last
--      part concerned, 2 octets each, and records (22 octets): part 2, lease 4,
--      verdict 1, carrier 2 (0: as leased), error number 2, error (from 1; 0 none)
--      1, delay in ms 4, and its events 6 (openAbout)
-- Answers {'settled', now} | {'lapsed', now}
-- Safe to run twice: it changes only a slot that is leased under the very
-- number it names, and that number is off the slot afterwards.
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
    if q ~= i and part(b, q)[STATE] ~= SURPLUS then return false end
  end
  return true
end

-- tellSubmitted tells a message whose last open part turned out surplus.
local function tellSubmitted(b, first, last)
  local taken
  for q = first, last do
    local y = part(b, q)
    if y[STATE] < SUBMITTED or y[STATE] == UNCERTAIN then return end
    if y[STATE] == SUBMITTED then taken = y end
  end
  if taken and not has(part(b, first), OUT) then tell(b, first, last, SUBMITTED, taken) end
end

-- sent ends or submits part i by its verdict; false for one that goes on waiting.
local function sent(b, i, x, first, last, verdict, err, e)
  if verdict == V_SUBMITTED then
    submitted(b, i, x, first, last)
  elseif verdict == V_REFUSED or verdict == V_FAILED then
    local st = verdict == V_REFUSED and REJECTED or FAILED
    x[ERROR] = err
    final(b, i, x, first, last, st, e)
    refuseRest(b, first, last, st, e, err)
  elseif verdict == V_EXPIRED then
    x[ERROR] = err
    final(b, i, x, first, last, has(x, MAYBE) and UNKNOWN or EXPIRED, e)
  elseif verdict == V_SURPLUS then
    final(b, i, x, first, last, onlySurplus(b, i, first, last) and FAILED or SURPLUS)
    tellSubmitted(b, first, last)
  else
    return false
  end
  return true
end

-- revive lets the surplus parts of x's message, which waits again, wait with it
-- when nothing of it was taken: the next carrier may need them.
local function revive(b, x, first, last, delay)
  if first == last then return end
  for q = first, last do
    local y = part(b, q)
    if isOpen(y) or y[STATE] >= DELIVERED and y[STATE] ~= SURPLUS then return end
  end
  for q = first, last do
    local y = part(b, q)
    if y[STATE] == SURPLUS then
      y[ENDED_AT] = x[ENDED_AT]
      change(b, q, y)
      wait(b, q, y, first, last, delay)
    end
  end
end

-- goOn is for parts that go on waiting. All of them change their state before
-- any finds its lane: what goes back together stays together.
local function goOn(b, list)
  table.sort(list, function(l, r) return l.i < r.i end)
  local free = {}
  for _, w in ipairs(list) do
    local x = w.x
    if x[STATE] == LEASED or x[STATE] == WRITING then -- a refusal in this call may have ended it
      if w.verdict ~= V_BACK then
        x[ERROR] = w.err
        note(b, w.first, (w.verdict == V_UNCERTAIN and 'uncertain ' or 'retry ') .. w.i .. ' ' .. u16(x[CARRIER], 1) .. ' ' .. u16(x[ERROR], 1))
      else
        x[TRIES] = math.max(x[TRIES] - 1, 0)
      end
      if w.verdict == V_UNCERTAIN then set(x, MAYBE) end
      if w.verdict == V_UNCERTAIN and has(x, HOLD) then
        x[STATE] = UNCERTAIN
        refile(b, w.i)
      else
        x[STATE] = QUEUED
        free[#free + 1] = w
      end
    end
  end
  for _, w in ipairs(free) do wait(b, w.i, w.x, w.first, w.last, w.delay) end
  for _, w in ipairs(free) do revive(b, w.x, w.first, w.last, w.delay) end
end

-- settleOne settles part i by the record at o; what goes on waiting it collects.
local function settleOne(b, i, records, o, lease4, errors, waiting)
  local x = part(b, i)
  if not x or x[LEASE] ~= lease4 or lease4 == '\0\0\0\0' or not owes(lease4) then return end
  x[LEASE] = '\0\0\0\0'
  off[lease4] = off[lease4] + 1
  change(b, i, x)
  local first, last = message(b, i)
  if not first or x[STATE] ~= LEASED and x[STATE] ~= WRITING then return end
  local verdict, c1, c2, e1, e2, e = byte(records, o + 6, o + 11)
  if c1 + c2 > 0 then x[CARRIER] = char(c1, c2) end
  local err = char(e1, e2)
  if not sent(b, i, x, first, last, verdict, err, errors[e]) then
    waiting[#waiting + 1] = {
      i = i, x = x, first = first, last = last, verdict = verdict, delay = u32(records, o + 12), err = err,
    }
  end
end

local kinds = {} -- by lease, verdict and carrier as records say them

-- plain settles parts as submitted when they are the most of all: messages of
-- one part, leased once, under this number; false if not.
local function plain(b, from, to, says, e)
  local kind = kinds[says]
  if not kind then
    local lease4, carrier = sub(says, 1, 4), sub(says, 6, 7)
    if byte(says, 5) ~= V_SUBMITTED or not owes(lease4) then return false end
    local become = char(SUBMITTED) .. replacement(carrier) .. '\0\0\0\0\0\0' .. replacement(tick4) .. '%1'
    kind = kindOf(char(LEASED) .. '....' .. pattern(lease4) .. '....(....)', become, LAST, TAKEN, SUBMITTED, carrier)
    kind.lease, kind.clock = lease4, now + (clocks[carrier] or 86400000)
    kinds[says] = kind
  end
  if not plainRun(b, from, to, kind, e) then return false end
  off[kind.lease] = off[kind.lease] + to - from + 1
  if not b[B_CLOCK] or kind.clock < b[B_CLOCK] then b[B_CLOCK] = kind.clock end
  return true
end

local function settleBlock(b, records, errors)
  local waiting, odd = {}, false
  for o = 5, #records, 22 do -- those that are plain come first: they need not be decoded
    local i, more, e1, e2 = u16(records, o), byte(records, o + 16, o + 18)
    local e = e1 * 256 + e2
    if not plain(b, i, i + more % 128, sub(records, o + 2, o + 8), more >= 128 and e or 0) then
      odd, spoiled[e] = odd or {}, true
      odd[#odd + 1] = o
    end
  end
  if not odd then return end
  for _, o in ipairs(odd) do
    local i, lease4 = u16(records, o), sub(records, o + 2, o + 5)
    for k = i, i + byte(records, o + 16) % 128 do settleOne(b, k, records, o, lease4, errors, waiting) end
  end
  if #waiting == 0 then return end
  if accountOf(b) ~= '' then
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
  readCarriers(ARGV[2], ARGV[3], tonumber(ARGV[4]))
  local n, errors = tonumber(ARGV[5]), {}
  for k = 1, n do errors[k] = ARGV[5 + k] end
  local begin = readEntries(6 + n)
  fetchAbout(begin)
  for a = begin, #ARGV, 2 do
    local records = ARGV[a + 1]
    local b = openAbout(ARGV[a], records, 22)
    if b then
      settleBlock(b, records, errors)
    else
      for o = 5, #records, 22 do spoiled[u16(records, o + 17)] = true end
    end
  end
  write()
  return { 'settled', now }
end

return run()
