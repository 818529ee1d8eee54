#!lua flags=allow-oom
-- settle ends leased parts: every outcome, with its events.
-- KEYS 1 the shard's counts
-- ARGV 1 owner, 2 carriers (2 octets number, 4 octets number of the route
--      @carrier, 1 octet length, name, each), 3 receipt clocks of these carriers in ms, separated by spaces, 4 number
--      of errors, then their JSON; then for each block its name and its
--      records: part 2 octets, lease 4, verdict 1, carrier 2, error number 2,
--      error (from 1; 0 none) 1, delay in ms 4
-- Answers {'settled', now} | {'lapsed', now}
-- Safe to run twice: it changes only a slot that is leased under the very
-- number it names, and that number is off the slot afterwards.
local SIZE = 16
local owner, lease = ARGV[1], P .. 'lease:' .. ARGV[1]
local owed, off, order, back, dues = {}, {}, {}, {}, {}

-- owes: does this owner's lease under the number owe anything?
local function owes(lease4)
  local n = owed[lease4]
  if n == nil then
    n = tonumber(call('HGET', lease, u32(lease4, 1)) or 0)
    owed[lease4], off[lease4], order[#order + 1] = n, 0, lease4
  end
  return n > 0
end

-- laneFor is where a part goes back to: by its carrier when others of its
-- message are with it, else the lane it came from.
local function laneFor(b, i, x, first, last)
  for q = first, last do
    local y = part(b, q)
    if q ~= i and (has(y, TAKEN) or y.st >= LEASED and y.st <= UNCERTAIN) and carriers[x.carrier] then
      x.ended = routes[x.carrier]
      names[x.ended] = '@' .. carriers[x.carrier]
      call('HSETNX', P .. 'routes', u32(x.ended, 1), names[x.ended])
      break
    end
  end
  return routeOf(b, x)
end

-- sent ends or submits part i by its verdict; false for one that goes on waiting.
local function sent(b, i, x, first, last, verdict, err, e)
  if verdict == 1 then
    submitted(b, i, x, first, last)
    local c = now + clocks[x.carrier]
    if not b.clock or c < b.clock then b.clock = c end
  elseif verdict == 2 or verdict == 5 then
    local st = verdict == 2 and REJECTED or FAILED
    x.err = err
    final(b, i, x, first, last, st, e)
    refuseRest(b, first, last, st, e, err)
  elseif verdict == 6 then
    x.err = err
    final(b, i, x, first, last, has(x, MAYBE) and UNKNOWN or EXPIRED, e)
  elseif verdict == 8 then
    final(b, i, x, first, last, SURPLUS)
    tellSubmitted(b, first, last)
  else
    return false
  end
  return true
end

-- wait puts part i, which goes on waiting, into back (the head of its lane) or
-- dues, in runs of one lane, campaign and time.
local function wait(b, i, x, first, last, delay)
  local ra = laneFor(b, i, x, first, last) .. ':' .. b.head.priority
  local campaign = constant(b, first, last)
  local due = delay > 0 and now + delay or 0
  x.st = due > 0 and RETRY or QUEUED
  countWaiting(b, x, campaign, 1)
  local list = due > 0 and dues or back
  local r = list[#list]
  if r and r.b == b and r.stop == i and r.ra == ra and r.campaign == campaign and r.due == due then
    r.stop = i + 1
  else
    list[#list + 1] = { b = b, from = i, stop = i + 1, ra = ra, campaign = campaign, due = due }
  end
end

-- revive lets surplus parts wait again when nothing of their message was taken:
-- the next carrier may need them.
local function revive(b, first, last, delay)
  for q = first, last do
    local y = part(b, q)
    if has(y, TAKEN) or y.st >= LEASED and y.st <= UNCERTAIN then return end
  end
  for q = first, last do
    local y = part(b, q)
    if y.st == SURPLUS then
      y.ended = part(b, first).ended
      change(b, q, y)
      wait(b, q, y, first, last, delay)
    end
  end
end

local function waitAll(b, list)
  table.sort(list, function(l, r) return l.i < r.i end)
  for _, w in ipairs(list) do
    local x = w.x
    if x.st == LEASED or x.st == WRITING then -- a refusal in this call may have ended it
      x.err = w.err
      local hold = false
      if w.verdict == 7 then
        set(x, MAYBE)
        hold = has(x, HOLD)
      elseif w.verdict == 3 then
        x.at = math.max(x.at - 1, 0)
      end
      if w.verdict ~= 3 then note(b, w.first, (w.verdict == 7 and 'uncertain ' or 'retry ') .. w.i .. ' ' .. u16(x.carrier, 1) .. ' ' .. u16(x.err, 1)) end
      if hold then
        x.st = UNCERTAIN
      else
        wait(b, w.i, x, w.first, w.last, w.delay)
        revive(b, w.first, w.last, w.delay)
      end
    end
  end
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
        x.carrier = sub(records, o + 7, o + 8)
        if not sent(b, i, x, first, last, verdict, err, e) then
          waiting[#waiting + 1] = {
            i = i, x = x, first = first, last = last, verdict = verdict, delay = u32(records, o + 12), err = err,
          }
        end
      end
    end
  end
  if head(b) then waitAll(b, waiting) end
end

local function descriptor(r)
  return r.b.name .. '/' .. r.from .. '/' .. r.stop - r.from .. '/' .. r.campaign .. '/' .. r.b.head.since
end

local function write()
  saveAll()
  local lanes = {}
  for _, r in ipairs(back) do
    local key = r.ra .. ':' .. r.b.head.account
    local L = lanes[key]
    if not L then
      L = { ra = r.ra, account = r.b.head.account }
      lanes[key] = L
      lanes[#lanes + 1] = L
    end
    L[#L + 1] = descriptor(r)
  end
  for _, L in ipairs(lanes) do push(L.ra, L.account, L, true) end
  for _, r in ipairs(dues) do
    call('ZADD', P .. 'due', r.due, 'r ' .. r.ra .. ':' .. r.b.head.account .. ' ' .. descriptor(r))
  end
  ringBells()
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
