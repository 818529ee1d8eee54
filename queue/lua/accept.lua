#!lua
-- accept takes pushes: of each all its blocks, or nothing.
-- KEYS 1 the shard's counts
-- ARGV of each push: 1 account, 2 and 3 Redis time (ms) before and after which the call is
--      refused, 4 the idempotency record's key ('' for none), 5 its first line,
--      6 hash of the lines, 7 the record of this push, 8 lines in it, 9 batch key
--      ('' for none), 10 batch record, 11 what the push takes of the account's
--      time (µs, 0: no limit), 12 how far ahead of its rate the account may be
--      (µs), 13 blocks; then for each block its name, body ('' when written
--      before), slots, earliest end of validity (ms), route, priority, number of
--      the route, descriptors; and for each of these the text, parts, campaign,
--      and due time (ms, 0: now)
-- Answers for each push {'accepted', now} | {'before', record, now} | {'conflict', now} |
--      {'gap', lines taken so far, now} | {'late', now} | {'gone', now} |
--      {'slow', now, µs until it may be tried again}
-- Safe to run twice: it first answers the record, or that the first block is
-- there; a call that comes too late is refused. Not allow-oom: a full Redis
-- takes nothing in, and ingress says so.
local o -- arguments of the pushes before
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
      if string.match(t[3], '^%w*') ~= ARGV[o + 6] then return { 'conflict', now } end
      return { 'before', t[3], now }
    end
  end
  if first < taken then return { 'conflict', now } end
  if first > taken then return { 'gap', taken, now } end
end

-- spent answers the time (µs) that the account has used of its rate, and how long
-- (µs) it must wait if that is too far ahead. With the time lies how far ahead it
-- was when written: a clock that steps back must not shut the account out.
local function spent(rate, us)
  local at, most = string.match(call('GET', rate) or '', '^(%d+) (%d+)$')
  local used = at and math.min(tonumber(at), us + tonumber(most)) or us
  return used, used - us - tonumber(ARGV[o + 12])
end

-- bodiesGone: is a body that was written before not there any more?
local function bodiesGone(blocks)
  local a = o + 14
  for _ = 1, blocks do
    if ARGV[a + 1] == '' and call('EXISTS', P .. 'block:' .. ARGV[a]) == 0 then return true end
    a = a + 8 + 4 * tonumber(ARGV[a + 7])
  end
end

-- take writes a block and collects its descriptors; it answers where the next
-- block's arguments begin.
local function take(account, a)
  local name, body = ARGV[a], ARGV[a + 1]
  if body == '' then
    call('PERSIST', P .. 'block:' .. name)
  else
    keys[#keys + 1], keys[#keys + 2] = P .. 'block:' .. name, body
  end
  keys[#keys + 1], keys[#keys + 2] = P .. 'slots:' .. name, ARGV[a + 2]
  expiry[#expiry + 1], expiry[#expiry + 2] = ARGV[a + 3], name
  local ra, n = ARGV[a + 4] .. ':' .. ARGV[a + 5], tonumber(ARGV[a + 7])
  local key = ra .. ':' .. account
  local lane = queued[key]
  if not lane then
    lane = { ra = ra, account = account }
    queued[key], lanesOf[#lanesOf + 1] = lane, lane
    if not knownRoutes[ARGV[a + 4]] then
      knownRoutes[ARGV[a + 4]] = true
      routes[#routes + 1], routes[#routes + 2] = u32(ARGV[a + 6], 1), ARGV[a + 4]
    end
  end
  a = a + 8
  for _ = 1, n do
    local descriptor, parts, campaign, due = ARGV[a], tonumber(ARGV[a + 1]), ARGV[a + 2], tonumber(ARGV[a + 3])
    a = a + 4
    if due > now then
      count('s', parts)
      call('ZADD', P .. 'due', due, 's ' .. key .. ' ' .. descriptor)
    else
      count('q:' .. ra, parts)
      lane[#lane + 1] = descriptor
    end
    count('a:' .. account, parts)
    if campaign ~= '' then count('c:' .. account .. ':' .. campaign, parts) end
  end
  return a
end

local fresh -- no push of this call was taken before

local function accept(blocks)
  local account = ARGV[o + 1]
  local idem = ARGV[o + 4] ~= '' and P .. 'idem:' .. account .. ':' .. ARGV[o + 4]
  local first = tonumber(ARGV[o + 5])
  local answer = idem and earlier(idem, first)
  if answer then return answer end
  if blocks > 0 and not fresh and call('EXISTS', P .. 'slots:' .. ARGV[o + 14]) == 1 then return { 'accepted', now } end
  if now < tonumber(ARGV[o + 2]) or now > tonumber(ARGV[o + 3]) then return { 'late', now } end
  local cost, rate, us, used, ahead = tonumber(ARGV[o + 11]), P .. 'rate:' .. account, clock[1] * 1000000 + clock[2], 0, 0
  if blocks > 0 and cost > 0 then used, ahead = spent(rate, us) end
  if ahead > 0 then return { 'slow', now, math.ceil(ahead) } end
  if bodiesGone(blocks) then return { 'gone', now } end

  if idem then
    call('HSET', idem, 'lines', first + tonumber(ARGV[o + 8]), 'until', now + 86400000, 'f' .. first, ARGV[o + 7])
    call('PEXPIRE', idem, 86400000)
  end
  if ARGV[o + 9] ~= '' then call('SET', P .. 'batch:' .. ARGV[o + 9], ARGV[o + 10], 'EX', 7776000) end -- 90 days: goes with its first block
  if blocks == 0 then return { 'accepted', now } end
  if cost > 0 then
    used = math.max(used, us) + cost
    call('SET', rate, string.format('%.0f %.0f', used, used - us), 'PX', math.ceil((used - us) / 1000) + 1000)
  end
  if not knownAccounts[account] then
    knownAccounts[account], accounts[#accounts + 1] = true, account
  end
  local a = o + 14
  for _ = 1, blocks do a = take(account, a) end
  return { 'accepted', now }
end

-- after answers the place of the last argument of the push of so many blocks.
local function after(blocks)
  local a = o + 14
  for _ = 1, blocks do a = a + 8 + 4 * tonumber(ARGV[a + 7]) end
  return a - 1
end

-- firsts are the slots of the first block of each push.
local function firsts()
  local list = {}
  o = 0
  while o < #ARGV do
    local blocks = tonumber(ARGV[o + 13])
    if blocks > 0 then list[#list + 1] = P .. 'slots:' .. ARGV[o + 14] end
    o = after(blocks)
  end
  return list
end

local first, answers = firsts(), {}
fresh = #first == 0 or call('EXISTS', unpack(first)) == 0
o = 0
while o < #ARGV do
  local blocks = tonumber(ARGV[o + 13])
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
  if #lane > 0 then push(lane.ra, lane.account, lane) end
end
ringBells()
saveCounts()
return answers
