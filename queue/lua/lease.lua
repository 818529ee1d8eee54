#!lua flags=allow-oom
-- lease takes parts off the lanes for one carrier of a living owner.
-- KEYS 1 the shard's counts
-- ARGV 1 owner, 2 carrier, 3 carrier's number (2 octets), 4 number of the lease,
--      5 most parts, 6 most parts an account gets in a turn, 7 number of the route
--      @carrier, 8 how many of the most parts only urgent ones may take, 9… routes
-- Answers {'lapsed', now} | {'overtaken', last number, now} |
--      {'leased', now, left urgent, normal, bulk, block, from, slots, block, …}. The
--      gateway reads bodies itself: in here an octet of them costs twenty times as much
-- Safe to run twice: the number asked again answers what it took and is still
-- owed; a number behind the last takes nothing. Nothing is popped before it is
-- validated; a descriptor that does not parse goes to dead.
local owner, carrier, carrierNumber = ARGV[1], ARGV[2], ARGV[3]
local num, left = tonumber(ARGV[4]), tonumber(ARGV[5])
local num4, longest, atCarrier = p32(num), tonumber(ARGV[6]), '@' .. ARGV[2]
local lease = P .. 'lease:' .. owner
local others = left - tonumber(ARGV[8]) -- what normal and bulk may still take
local taken, rings, lanes, dead = {}, {}, {}, {}
local split -- what did not fit of a message: {lane, account, descriptor}

local function reply(entries)
  local fields = {}
  for _, p in ipairs({ 'urgent', 'normal', 'bulk' }) do
    fields[#fields + 1] = 'q:' .. atCarrier .. ':' .. p
    for k = 9, #ARGV do fields[#fields + 1] = 'q:' .. ARGV[k] .. ':' .. p end
  end
  local v = call('HMGET', P .. 'counts', unpack(fields))
  local sums, each = { 0, 0, 0 }, #fields / 3
  for k = 1, #fields do
    local p = floor((k - 1) / each) + 1
    sums[p] = sums[p] + (tonumber(v[k]) or 0)
  end
  return { 'leased', now, sums[1], sums[2], sums[3], unpack(entries) }
end

-- again answers what the number took and still owes.
local function again()
  local entries = {}
  for name, from, n in string.gmatch(call('HGET', lease, num .. '.d') or '', '(%w+)/(%d+)/(%d+)') do
    local b, f, any = open(name), tonumber(from), false
    local to = b and math.min(f + n, b[B_N]) - 1 or -1
    for i = f, to do any = any or part(b, i)[LEASE] == num4 end
    if any then
      local n = #entries
      entries[n + 1], entries[n + 2], entries[n + 3] = name, f, sub(b[B_RAW], f * 20 + 1, to * 20 + 20)
    end
  end
  return reply(entries)
end

local digits = {} -- as numbers; false: it is none

local function number(s)
  local n = digits[s]
  if n == nil then
    n = find(s, '^%d+$') and tonumber(s) or false
    digits[s] = n
  end
  return n
end

-- parse answers what a descriptor says: block, from, how many, campaign, since;
-- nil if it does not parse.
local function parse(d)
  local p = byte(d, 23) == 47 and find(d, '/', 24, true)
  local q = p and find(d, '/', p + 1, true)
  local r = q and find(d, '/', q + 1, true)
  if not r then return nil end
  local from, n, campaign, since = number(sub(d, 24, p - 1)), number(sub(d, p + 1, q - 1)), sub(d, q + 1, r - 1), sub(d, r + 1)
  if from and n and number(since) and (campaign == '' or find(campaign, '^%w+$')) then return sub(d, 1, 22), from, n, campaign, since end
end

-- bury puts aside what does not parse.
local function bury(L, d) dead[#dead + 1] = L.ra .. ':' .. L.account .. ' ' .. d end

-- readLane reads on; the slots of blocks of one all at once.
local function readLane(L)
  L.base, L.at = L.base + #L.list, 1
  L.list = call('LRANGE', L.key, L.base, L.base + 31)
  local names = {}
  for k = 1, math.min(#L.list, left) do
    local d = L.list[k]
    if sub(d, 23, 27) == '/0/1/' then names[#names + 1] = sub(d, 1, 22) end
  end
  fetch(names)
end

-- current is the descriptor at the head of a lane as it will be: parsed, with
-- its block; what covers nothing is popped, what does not parse buried.
local function current(L)
  while not L.rest do
    local d = L.list[L.at]
    if not d then
      if #L.list < 32 then return nil end
      readLane(L)
      d = L.list[1]
      if not d then return nil end
    end
    L.at, L.popped = L.at + 1, L.popped + 1
    local name, from, n, campaign, since = parse(d)
    if name then
      local b = open(name, from, from + math.max(math.min(n, left), 1) - 1) -- what can be taken of it
      if b and n > 0 and from + n <= (b[B_N] or call('STRLEN', slotsKey(name)) / 20) then
        L.rest = { b = b, from = from, stop = from + n, campaign = campaign, since = since }
      elseif b or call('EXISTS', slotsKey(name)) == 1 then
        blocks[name] = b or nil
        bury(L, d)
      elseif not find(name, '^%w+$') then
        bury(L, d)
      end
    else
      bury(L, d)
    end
  end
  return L.rest
end

local function unparsed(d)
  return d.b[B_NAME] .. '/' .. d.from .. '/' .. d.stop - d.from .. '/' .. d.campaign .. '/' .. d.since
end

-- head is state and flags of a slot as they will be.
local function head(b, i)
  local x = b[B_PARTS] and b[B_PARTS][i]
  if x then return x[STATE], x[FLAGS] end
  if b[B_PENDING] then inRaw(b) end
  if i < b[B_FIRST] or (i - b[B_FIRST]) * 20 >= #b[B_RAW] then whole(b) end
  return byte(b[B_RAW], (i - b[B_FIRST]) * 20 + 1, (i - b[B_FIRST]) * 20 + 2)
end

local function takeable(st) return st == QUEUED or st == SCHEDULED or st == RETRY end

-- own marks part i as leased and answers how many it takes out of the queued.
local function own(L, d, i)
  local x = part(d.b, i)
  local queued = x[STATE] == QUEUED and 1 or 0
  if queued == 0 then count(x[STATE] == RETRY and 'r:' .. L.ra or 's', -1) end
  x[STATE], x[LEASE], x[CARRIER], x[TRIES] = LEASED, num4, carrierNumber, math.min(x[TRIES] + 1, 255)
  change(d.b, i, x)
  return queued
end

local fresh, owned -- a slot as it mostly is, and as it is then leased

-- ownRun marks up to most parts of a descriptor as leased when they are what most
-- are: queued, of messages of one part, never leased before; 0 if not.
local function ownRun(d, most)
  local b, n = d.b, math.min(d.stop - d.from, most)
  local to = d.from + n - 1
  if n < 1 then return 0 end
  fresh = fresh or char(QUEUED) .. '([' .. char(LAST, LAST + HOLD, LAST + URGENT, LAST + HOLD + URGENT) .. '])%z%z..(..)%z%z%z%z(........)'
  owned = owned or char(LEASED) .. '%1\1\0' .. replacement(carrierNumber) .. '%2' .. replacement(num4) .. '%3'
  return replaceRun(b, d.from, to, fresh, owned) and n or 0
end

-- measure finds the end of the message that part i is of, within its
-- descriptor, and how many parts of it can be taken.
local function measure(d, i)
  local j, w = i, 0
  repeat
    local st, fl = head(d.b, j)
    if takeable(st) then w = w + 1 end
    j = j + 1
  until floor(fl / LAST) % 2 == 1 or j >= d.stop
  return j, w
end

-- splitOff sends what does not fit of a message, from part i up to j, to
-- @carrier: parts of one message leave by one carrier.
local function splitOff(L, d, i, j)
  local b, n = d.b, 0
  for k = i, j - 1 do
    local x = part(b, k)
    if takeable(x[STATE]) then
      n = n + 1
      count(x[STATE] == QUEUED and 'q:' .. L.ra or x[STATE] == RETRY and 'r:' .. L.ra or 's', -1)
      x[STATE], x[ENDED_AT] = QUEUED, ARGV[7]
      change(b, k, x)
    end
  end
  if n == 0 then return end
  local ra = atCarrier .. ':' .. string.match(L.ra, '%a+$')
  count('q:' .. ra, n)
  split = { ra, L.account, b[B_NAME] .. '/' .. i .. '/' .. (j - i) .. '/' .. d.campaign .. '/' .. d.since }
end

-- take moves parts off a lane, in whole messages, up to quantum of them; of a
-- message larger than all that was asked for it takes what fits.
local function take(L, most)
  local got = 0
  while got < most and left > 0 do
    local d = current(L)
    if not d then break end
    local i, mine, queued, full = d.from, 0, 0, false
    local run = ownRun(d, math.min(most - got, left))
    if run > 0 then
      i, mine, queued, left = i + run, run, run, left - run
      full = i < d.stop
    end
    while i < d.stop and not full do
      local j, w = measure(d, i)
      local fits = w
      if w > left then
        full = true
        fits = #taken == 0 and mine == 0 and left or 0
      elseif got + mine + w > most and got + mine > 0 then
        full, fits = true, 0
      end
      if fits > 0 or w == 0 then
        local k, owned = i, 0
        while k < j and owned < fits do
          if takeable((head(d.b, k))) then
            queued = queued + own(L, d, k)
            owned = owned + 1
          end
          k = k + 1
        end
        if fits < w then splitOff(L, d, k, j) end
        mine, left, i = mine + fits, left - fits, j
      end
    end
    if mine > 0 then
      local t = taken[#taken]
      if t and t[1] == d.b and t[3] == d.from - 1 then -- the same lane, a turn later
        t[3], t[4] = i - 1, t[4] + mine
      else
        taken[#taken + 1] = { d.b, d.from, i - 1, mine }
      end
      L.queued, L.mine = L.queued + queued, L.mine + mine
      if d.campaign ~= '' then count('c:' .. L.account .. ':' .. d.campaign, -mine) end
    end
    got = got + mine
    if i < d.stop then
      d.from = i
      break
    end
    L.rest = nil
  end
  return got
end

local function laneOf(ra, account)
  local key = P .. 'queue:' .. ra .. ':' .. account
  local L = lanes[key]
  if not L then
    L = { key = key, ra = ra, account = account, base = 0, at = 1, popped = 0, list = {}, queued = 0, mine = 0 }
    readLane(L)
    lanes[key] = L
  end
  return L
end

-- A ring as it will be: queue are the accounts whose turn is yet to come in
-- this round, again those that had theirs and have more, cut those whose turn
-- ended before they had half of it, with a share of the call or with all of it:
-- they are first in the next. A turn is the call's parts divided among the
-- accounts, at least 10.
local function ringOf(ra)
  local key = P .. 'ring:' .. ra
  local R = {
    key = key, ra = ra, queue = call('LRANGE', key, 0, 31), at = 1, seen = 0, again = {}, stuck = {}, fresh = true,
    cut = {},
  }
  if #R.queue > 0 then
    rings[#rings + 1] = R
    R.turn = math.min(longest, math.max(math.min(10, left), floor(left / #R.queue)))
  end
  return R
end

local function nextAccount(R)
  local account = R.queue[R.at]
  if not account and R.fresh and #R.queue == 32 then
    R.queue, R.at = call('LRANGE', R.key, R.seen, R.seen + 31), 1
    account = R.queue[1]
  end
  if not account then
    R.fresh = false
    R.queue, R.at, R.again = R.again, 1, {}
    account = R.queue[1]
  end
  R.at = R.at + 1
  if account and R.fresh then R.seen = R.seen + 1 end
  return account
end

-- turn serves the next account of a ring; false when none has anything to give.
local function turn(R, most)
  local account = nextAccount(R)
  if not account then return false end
  local L = laneOf(R.ra, account)
  local got = take(L, math.min(R.turn, most))
  if current(L) then
    if got > 0 and got < R.turn / 2 and R.fresh and (left == 0 or got == most) then
      R.cut[#R.cut + 1] = account
    elseif got > 0 then
      R.again[#R.again + 1] = account
    else
      R.stuck[#R.stuck + 1] = account
    end
  end
  return true, got
end

-- serve takes up to most parts from rings by turns. An account that is alone
-- gets all at once.
local function serve(list, most)
  local any = true
  if #list == 1 and #list[1].queue == 1 then list[1].turn = left end
  while any and left > 0 and most > 0 do
    any = false
    for _, R in ipairs(list) do
      if left > 0 and most > 0 then
        local ok, got = turn(R, most)
        any = any or ok
        most = most - (got or 0)
      end
    end
  end
end

local priorities = { 'urgent', 'normal', 'bulk' }
local byPriority = {}

local function servePriority(p, most)
  local list = byPriority[p]
  if not list then
    list = {}
    local n = #ARGV - 8
    for k = 0, n - 1 do
      local R = ringOf(ARGV[9 + (k + num) % n] .. ':' .. priorities[p])
      if #R.queue > 0 then list[#list + 1] = R end
    end
    byPriority[p] = list
  end
  serve(list, most)
end

local function serveAtCarrier(p)
  local R = ringOf(atCarrier .. ':' .. priorities[p])
  if #R.queue > 0 then serve({ R }, left) end
end

-- within does what serves priority p. From normal and bulk it sets aside what
-- only urgent ones may take: to them it is as if less had been asked for.
local function within(p, serveIt, most)
  local aside = p > 1 and math.max(left - others, 0) or 0
  left = left - aside
  if left > 0 then
    local before = left
    serveIt(p, most)
    if p > 1 then others = others - (before - left) end
  end
  left = left + aside
end

local function plan()
  for p = 1, 3 do within(p, serveAtCarrier) end
  -- a small share, so that a flood of urgent ones does not stop the rest for good
  local share = ({ [0] = 3, [8] = 2 })[num % 16]
  if share then within(share, servePriority, math.ceil(left / 4)) end
  for p = 1, 3 do within(p, servePriority, left) end
end

-- write carries the plan out; nothing in it can fail for what it read.
local function write()
  save()
  local emptied = {}
  for _, L in pairs(lanes) do
    if L.queued > 0 then count('q:' .. L.ra, -L.queued) end
    if L.mine > 0 then count('a:' .. L.account, -L.mine) end
    if L.popped > 0 and L.popped == L.base + #L.list and #L.list < 32 then
      emptied[#emptied + 1] = L.key
    elseif L.popped > 0 then
      call('LTRIM', L.key, L.popped, -1)
    end
  end
  if #emptied > 0 then call('DEL', unpack(emptied)) end
  for _, L in pairs(lanes) do
    if L.popped > 0 and L.rest then call('LPUSH', L.key, unparsed(L.rest)) end
  end
  for _, R in ipairs(rings) do
    if R.seen > 0 then
      call('LTRIM', R.key, R.seen, -1)
      local stay = {}
      if not R.fresh then
        for k = R.at, #R.queue do stay[#stay + 1] = R.queue[k] end
      end
      for _, list in ipairs({ R.again, R.stuck }) do
        for _, account in ipairs(list) do stay[#stay + 1] = account end
      end
      if #stay > 0 then call('RPUSH', R.key, unpack(stay)) end
      for k = #R.cut, 1, -1 do call('LPUSH', R.key, R.cut[k]) end
    end
  end
  if split then
    call('HSETNX', P .. 'routes', u32(ARGV[7], 1), atCarrier)
    push(split[1], split[2], { split[3] }, true)
    join()
  end
  for _, d in ipairs(dead) do call('RPUSH', P .. 'dead', d) end
  saveCounts()
  call('HSET', lease, '@' .. carrier, num)
  if #taken == 0 then return end
  local list, n = {}, 0
  for k, t in ipairs(taken) do
    list[k] = t[1][B_N] == 1 and t[1][B_NAME] .. '/0/1' or t[1][B_NAME] .. '/' .. t[2] .. '/' .. t[3] - t[2] + 1
    n = n + t[4]
  end
  call('HSET', lease, num, n, num .. '.d', table.concat(list, ' '))
end

-- slotsOf are the slots from … to as they are now.
local function slotsOf(b, from, to)
  if not b[B_CHANGED] then
    if b[B_N] == 1 then return b[B_RAW] end
    if b[B_PENDING] then inRaw(b) end
    return sub(b[B_RAW], (from - b[B_FIRST]) * 20 + 1, (to - b[B_FIRST]) * 20 + 20)
  end
  local raw = {}
  for i = from, to do raw[#raw + 1] = octets(b, i) end
  return table.concat(raw)
end

local function run()
  local r = row(owner)
  if not r or r.lapsed then return { 'lapsed', now } end
  local last = call('HGET', lease, '@' .. carrier)
  if last then
    local ahead = (num - tonumber(last)) % 4194304
    if ahead == 0 then return again() end
    if ahead >= 2097152 then return { 'overtaken', tonumber(last), now } end
  end
  if call('HEXISTS', lease, num) == 1 then return { 'overtaken', num, now } end
  plan()
  write()
  local entries = {}
  for k, t in ipairs(taken) do
    entries[3 * k - 2], entries[3 * k - 1], entries[3 * k] = t[1][B_NAME], t[2], slotsOf(t[1], t[2], t[3])
  end
  return reply(entries)
end

return run()
