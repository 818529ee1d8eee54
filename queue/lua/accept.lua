#!lua
-- accept takes pushes: of each all its blocks, or nothing.
-- KEYS 1 the shard's counts
-- ARGV 1 and 2 Redis time (ms) before and after which the call is refused; 3 how
--      many plain pushes: of one block and one descriptor, due now, without a key,
--      a batch or a rate; 4 how many that are plain but for keys. Of each plain one: 1
--      its lane "route:priority:account number of the route", 2 descriptor, 3 body, 4
--      slots, 5 earliest end of validity (ms). Then of each with keys the same, 6 how
--      many, and of each key its record's key and the record, of one line. Then of
--      each other push: 1 account, 2 the idempotency record's key ('' for none), 3 its
--      first line, 4 hash of the lines, 5 the record of this push, 6 lines in it, 7
--      batch key ('' for none), 8 batch record, 9 what the push takes of the account's
--      time (µs, 0: no limit), 10 how far ahead of its rate the account may be (µs), 11
--      blocks; then for each block its name, body ('' when written before), slots,
--      earliest end of validity (ms), route, priority, number of the route, descriptors;
--      and for each of these the text, parts, campaign, and due time (ms, 0: now)
-- Answers {now, of all plain pushes and those with keys a letter: a accepted, l late,
--      x a key was used before (nothing is taken: the caller makes its pushes apart);
--      then for each other {'accepted'} | {'before', record} | {'conflict'} |
--      {'gap', lines taken so far} | {'late'} | {'gone'} |
--      {'slow', µs until it may be tried again}}
-- Safe to run twice: it first answers the record, or that the first block is
-- there; a call that comes too late is refused. Not allow-oom: a full Redis
-- takes nothing in, and ingress says so.
local late = now < tonumber(ARGV[1]) or now > tonumber(ARGV[2])
local plains, keyeds = tonumber(ARGV[3]), tonumber(ARGV[4])
local o -- arguments before those of the push
local queued, lanesOf = {}, {}
-- What is written once a call: blocks' keys and what is in them, the earliest end
-- of validity in each and its name, accounts, routes by number.
local keys, expiry, accounts, routes = {}, {}, {}, {}
local knownAccounts, knownRoutes = {}, {}

-- earlier answers what the push's key was answered before, if it was.
local function earlier(idem, first)
  local taken = 0
  local t = call('HMGET', idem, 'lines', 'until', 'f' .. first)
  if t[2] and tonumber(t[2]) > now then
    taken = tonumber(t[1]) or 0
    if t[3] then
      if string.match(t[3], '^%w*') ~= ARGV[o + 4] then return { 'conflict' } end
      return { 'before', t[3] }
    end
  end
  if first < taken then return { 'conflict' } end
  if first > taken then return { 'gap', taken } end
end

-- spent answers the time (µs) that the account has used of its rate, and how long
-- (µs) it must wait if that is too far ahead. With the time lies how far ahead it
-- was when written: a clock that steps back must not shut the account out.
local function spent(rate, us)
  local at, most = string.match(call('GET', rate) or '', '^(%d+) (%d+)$')
  local used = at and math.min(tonumber(at), us + tonumber(most)) or us
  return used, used - us - tonumber(ARGV[o + 10])
end

-- bodiesGone: is a body that was written before not there any more?
local function bodiesGone(blocks)
  local a = o + 12
  for _ = 1, blocks do
    if ARGV[a + 1] == '' and call('EXISTS', P .. 'block:' .. ARGV[a]) == 0 then return true end
    a = a + 8 + 4 * tonumber(ARGV[a + 7])
  end
end

-- laneOf is what this call brings to a lane, "route:priority:account number of the
-- route": descriptors, and how many parts.
local function laneOf(name)
  local lane = queued[name]
  if not lane then
    local p = find(name, ':', 1, true)
    local q = find(name, ':', p + 1, true)
    local r = find(name, ' ', q + 1, true)
    local route, account = sub(name, 1, p - 1), sub(name, q + 1, r - 1)
    lane = { ra = sub(name, 1, q - 1), account = account, parts = 0, known = 0 }
    queued[name], lanesOf[#lanesOf + 1] = lane, lane
    if not knownRoutes[route] then
      knownRoutes[route] = true
      routes[#routes + 1], routes[#routes + 2] = sub(name, r + 1), route
    end
    if not knownAccounts[account] then
      knownAccounts[account], accounts[#accounts + 1] = true, account
    end
  end
  return lane
end

-- put notes what is written of a block.
local function put(name, body, slots, ends)
  local n = #keys
  if body ~= '' then
    keys[n + 1], keys[n + 2], n = P .. 'block:' .. name, body, n + 2
  else
    call('PERSIST', P .. 'block:' .. name)
  end
  keys[n + 1], keys[n + 2] = P .. 'slots:' .. name, slots
  n = #expiry
  expiry[n + 1], expiry[n + 2] = ends, name
end

-- take writes a block and collects its descriptors; it answers where the next
-- block's arguments begin.
local function take(account, a)
  put(ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3])
  local key = ARGV[a + 4] .. ':' .. ARGV[a + 5] .. ':' .. account
  local lane, n = laneOf(key .. ' ' .. ARGV[a + 6]), tonumber(ARGV[a + 7])
  a = a + 8
  for _ = 1, n do
    local descriptor, parts, campaign, due = ARGV[a], tonumber(ARGV[a + 1]), ARGV[a + 2], tonumber(ARGV[a + 3])
    a = a + 4
    lane.known = lane.known + parts
    if due > now then
      count('s', parts)
      call('ZADD', P .. 'due', due, 's ' .. key .. ' ' .. descriptor)
    else
      lane.parts, lane[#lane + 1] = lane.parts + parts, descriptor
    end
    if campaign ~= '' then count('c:' .. account .. ':' .. campaign, parts) end
  end
  return a
end

local fresh -- no push of this call was taken before

-- plain takes a plain push, whose arguments begin at a.
local function plain(a)
  local d, slots = ARGV[a + 1], ARGV[a + 3]
  local name = sub(d, 1, 22)
  if not fresh and call('EXISTS', P .. 'slots:' .. name) == 1 then return 'a' end
  if late then return 'l' end
  put(name, ARGV[a + 2], slots, ARGV[a + 4])
  local lane, parts = laneOf(ARGV[a]), #slots / 20
  lane.parts, lane.known, lane[#lane + 1] = lane.parts + parts, lane.known + parts, d
  local c = find(d, '/', 26, true) + 1 -- of the campaign
  if byte(d, c) ~= 47 then count('c:' .. lane.account .. ':' .. sub(d, c, find(d, '/', c, true) - 1), parts) end
  return 'a'
end

-- record keeps what a push is answered under its key.
local function record(idem, first, lines, text)
  call('HSET', idem, 'lines', first + lines, 'until', now + 86400000, 'f' .. first, text)
  call('PEXPIRE', idem, 86400000)
end

-- afterKeys answers where the arguments end of a push with keys that begin at a.
local function afterKeys(a) return a + 6 + 2 * tonumber(ARGV[a + 5]) end

-- keyed takes pushes with keys that share a block, whose arguments begin at a.
local function keyed(a)
  if not fresh and call('EXISTS', P .. 'slots:' .. sub(ARGV[a + 1], 1, 22)) == 1 then return 'a' end
  if late then return 'l' end
  local account = string.match(ARGV[a], ':([^:]*) ')
  local stop, idems = afterKeys(a), {}
  for k = a + 6, stop - 1, 2 do
    local idem = P .. 'idem:' .. account .. ':' .. ARGV[k]
    local ends = call('HGET', idem, 'until')
    if ends and tonumber(ends) > now then return 'x' end
    idems[k] = idem
  end
  for k = a + 6, stop - 1, 2 do record(idems[k], 0, 1, ARGV[k + 1]) end
  return plain(a)
end

local function accept(blocks)
  local account = ARGV[o + 1]
  local idem = ARGV[o + 2] ~= '' and P .. 'idem:' .. account .. ':' .. ARGV[o + 2]
  local first = tonumber(ARGV[o + 3])
  local answer = idem and earlier(idem, first)
  if answer then return answer end
  if blocks > 0 and not fresh and call('EXISTS', P .. 'slots:' .. ARGV[o + 12]) == 1 then return { 'accepted' } end
  if late then return { 'late' } end
  local cost, rate, us, used, ahead = tonumber(ARGV[o + 9]), P .. 'rate:' .. account, clock[1] * 1000000 + clock[2], 0, 0
  if blocks > 0 and cost > 0 then used, ahead = spent(rate, us) end
  if ahead > 0 then return { 'slow', math.ceil(ahead) } end
  if bodiesGone(blocks) then return { 'gone' } end

  if idem then record(idem, first, tonumber(ARGV[o + 6]), ARGV[o + 5]) end
  if ARGV[o + 7] ~= '' then call('SET', P .. 'batch:' .. ARGV[o + 7], ARGV[o + 8], 'EX', 7776000) end -- 90 days: goes with its first block
  if cost > 0 and blocks > 0 then
    used = math.max(used, us) + cost
    call('SET', rate, string.format('%.0f %.0f', used, used - us), 'PX', math.ceil((used - us) / 1000) + 1000)
  end
  local a = o + 12
  for _ = 1, blocks do a = take(account, a) end
  return { 'accepted' }
end

-- after answers the place of the last argument of the push of so many blocks.
local function after(blocks)
  local a = o + 12
  for _ = 1, blocks do a = a + 8 + 4 * tonumber(ARGV[a + 7]) end
  return a - 1
end

-- firsts are the slots of the first block of each push.
local function firsts()
  local list = {}
  local a = 5
  for k = 1, plains do list[k], a = P .. 'slots:' .. sub(ARGV[a + 1], 1, 22), a + 5 end
  for _ = 1, keyeds do list[#list + 1], a = P .. 'slots:' .. sub(ARGV[a + 1], 1, 22), afterKeys(a) end
  o = a - 1
  while o < #ARGV do
    local blocks = tonumber(ARGV[o + 11])
    if blocks > 0 then list[#list + 1] = P .. 'slots:' .. ARGV[o + 12] end
    o = after(blocks)
  end
  return list
end

local first, answers, letters = firsts(), { now, '' }, {}
fresh = #first == 0 or call('EXISTS', unpack(first)) == 0
o = 5
for k = 1, plains do letters[k], o = plain(o), o + 5 end
for k = plains + 1, plains + keyeds do letters[k], o = keyed(o), afterKeys(o) end
answers[2] = table.concat(letters)
o = o - 1
while o < #ARGV do
  local blocks = tonumber(ARGV[o + 11])
  answers[#answers + 1] = accept(blocks)
  o = after(blocks)
end
if #keys > 0 then
  call('MSET', unpack(keys))
  call('ZADD', P .. 'expiry', unpack(expiry))
  call('SADD', P .. 'accounts', unpack(accounts))
  for k = 1, #routes, 2 do call('HSETNX', P .. 'routes', routes[k], routes[k + 1]) end
end
for _, lane in ipairs(lanesOf) do
  count('q:' .. lane.ra, lane.parts)
  count('a:' .. lane.account, lane.known)
  if #lane > 0 then push(lane.ra, lane.account, lane) end
end
ringBells()
saveCounts()
return answers
