#!lua
-- accept pushes the blocks of one push: all of it, or nothing.
-- KEYS 1 the shard's counts
-- ARGV 1 account, 2 and 3 Redis time (ms) before and after which the call is
--      refused, 4 the idempotency record's key ('' for none), 5 its first line,
--      6 hash of the lines, 7 the record of this push, 8 lines in it, 9 batch key
--      ('' for none), 10 batch record, 11 what the push takes of the account's
--      time (µs, 0: no limit), 12 how far ahead of its rate the account may be
--      (µs), 13 blocks; then for each block its name, body ('' when written
--      before), slots, earliest end of validity (ms), route, priority, number of
--      the route, descriptors; and for each of these the text, parts, campaign,
--      and due time (ms, 0: now)
-- Answers {'accepted', now} | {'before', record, now} | {'conflict', now} |
--      {'gap', lines taken so far, now} | {'late', now} | {'gone', now} |
--      {'slow', now, µs until it may be tried again}
-- Safe to run twice: it first answers the record, or that the first block is
-- there; a call that comes too late is refused. Not allow-oom: a full Redis
-- takes nothing in, and ingress says so.
local account = ARGV[1]
local idem = ARGV[4] ~= '' and P .. 'idem:' .. account .. ':' .. ARGV[4]
local first = tonumber(ARGV[5])

local function earlier()
  local taken = 0
  local t = call('HMGET', idem, 'lines', 'until', 'f' .. first)
  if t[2] and tonumber(t[2]) > now then
    taken = tonumber(t[1]) or 0
    if t[3] then
      if string.match(t[3], '^%w*') ~= ARGV[6] then return { 'conflict', now } end
      return { 'before', t[3], now }
    end
  end
  if first < taken then return { 'conflict', now } end
  if first > taken then return { 'gap', taken, now } end
end

local blocks = tonumber(ARGV[13])
if idem then
  local answer = earlier()
  if answer then return answer end
end
if blocks > 0 and call('EXISTS', P .. 'slots:' .. ARGV[14]) == 1 then return { 'accepted', now } end
if now < tonumber(ARGV[2]) or now > tonumber(ARGV[3]) then return { 'late', now } end
-- The account's rate: the time (µs) that it has used, and how far ahead that was
-- when written; a clock that steps back must not shut the account out.
local cost, rate, us, used = tonumber(ARGV[11]), P .. 'rate:' .. account, clock[1] * 1000000 + clock[2], 0
if blocks > 0 and cost > 0 then
  local at, most = string.match(call('GET', rate) or '', '^(%d+) (%d+)$')
  used = at and math.min(tonumber(at), us + tonumber(most)) or us
  local ahead = used - us - tonumber(ARGV[12])
  if ahead > 0 then return { 'slow', now, math.ceil(ahead) } end
end
local a = 14
for _ = 1, blocks do
  if ARGV[a + 1] == '' and call('EXISTS', P .. 'block:' .. ARGV[a]) == 0 then return { 'gone', now } end
  a = a + 8 + 4 * tonumber(ARGV[a + 7])
end

if idem then
  call('HSET', idem, 'lines', first + tonumber(ARGV[8]), 'until', now + 86400000, 'f' .. first, ARGV[7])
  call('PEXPIRE', idem, 86400000)
end
if ARGV[9] ~= '' then call('SET', P .. 'batch:' .. ARGV[9], ARGV[10], 'EX', 7776000) end -- 90 days: goes with its first block
if blocks == 0 then return { 'accepted', now } end
if cost > 0 then
  used = math.max(used, us) + cost
  call('SET', rate, string.format('%.0f %.0f', used, used - us), 'PX', math.ceil((used - us) / 1000) + 1000)
end
call('SADD', P .. 'accounts', account)
local queued, lanesOf = {}, {}
a = 14
for _ = 1, blocks do
  local name, body = ARGV[a], ARGV[a + 1]
  if body == '' then
    call('PERSIST', P .. 'block:' .. name)
  else
    call('SET', P .. 'block:' .. name, body)
  end
  call('SET', P .. 'slots:' .. name, ARGV[a + 2])
  call('ZADD', P .. 'expiry', ARGV[a + 3], name)
  local route, ra, n = ARGV[a + 4], ARGV[a + 4] .. ':' .. ARGV[a + 5], tonumber(ARGV[a + 7])
  if not queued[ra] then
    queued[ra], lanesOf[#lanesOf + 1] = {}, ra
    call('HSETNX', P .. 'routes', u32(ARGV[a + 6], 1), route)
  end
  a = a + 8
  for _ = 1, n do
    local descriptor, parts, campaign, due = ARGV[a], tonumber(ARGV[a + 1]), ARGV[a + 2], tonumber(ARGV[a + 3])
    a = a + 4
    if due > now then
      count('s', parts)
      call('ZADD', P .. 'due', due, 's ' .. ra .. ':' .. account .. ' ' .. descriptor)
    else
      count('q:' .. ra, parts)
      queued[ra][#queued[ra] + 1] = descriptor
    end
    count('a:' .. account, parts)
    if campaign ~= '' then count('c:' .. account .. ':' .. campaign, parts) end
  end
end
for _, ra in ipairs(lanesOf) do
  if #queued[ra] > 0 then push(ra, account, queued[ra]) end
end
ringBells()
saveCounts()
return { 'accepted', now }
