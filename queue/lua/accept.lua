#!lua
-- accept pushes the blocks of one push: all of it, or nothing.
-- KEYS 1 the shard's counts
-- ARGV 1 account, 2 route, 3 priority, 4 number of the route, 5 and 6 Redis
--      time (ms) before and after which the call is refused, 7 the idempotency
--      record's key ('' for none), 8 its first line, 9 hash of the lines,
--      10 the record of this push, 11 lines in it, 12 batch key ('' for none),
--      13 batch record, 14 blocks; then for each block its name, body ('' when
--      written before), slots, earliest end of validity (ms), descriptors; and
--      for each of these the text, parts, campaign, and due time (ms, 0: now)
-- Answers {'accepted', now} | {'before', record, now} | {'conflict', now} |
--      {'gap', lines taken so far, now} | {'late', now} | {'gone', now}
-- Safe to run twice: it first answers the record, or that the first block is
-- there; a call that comes too late is refused. Not allow-oom: a full Redis
-- takes nothing in, and ingress says so.
local account, route, priority = ARGV[1], ARGV[2], ARGV[3]
local idem = ARGV[7] ~= '' and P .. 'idem:' .. account .. ':' .. ARGV[7]
local first = tonumber(ARGV[8])

local function earlier()
  local taken = 0
  local t = call('HMGET', idem, 'lines', 'until', 'f' .. first)
  if t[2] and tonumber(t[2]) > now then
    taken = tonumber(t[1]) or 0
    if t[3] then
      if string.match(t[3], '^%w*') ~= ARGV[9] then return { 'conflict', now } end
      return { 'before', t[3], now }
    end
  end
  if first < taken then return { 'conflict', now } end
  if first > taken then return { 'gap', taken, now } end
end

local blocks = tonumber(ARGV[14])
if idem then
  local answer = earlier()
  if answer then return answer end
end
if blocks > 0 and call('EXISTS', P .. 'slots:' .. ARGV[15]) == 1 then return { 'accepted', now } end
if now < tonumber(ARGV[5]) or now > tonumber(ARGV[6]) then return { 'late', now } end
local a = 15
for _ = 1, blocks do
  if ARGV[a + 1] == '' and call('EXISTS', P .. 'block:' .. ARGV[a]) == 0 then return { 'gone', now } end
  a = a + 5 + 4 * tonumber(ARGV[a + 4])
end

if idem then
  call('HSET', idem, 'lines', first + tonumber(ARGV[11]), 'until', now + 86400000, 'f' .. first, ARGV[10])
  call('PEXPIRE', idem, 86400000)
end
if ARGV[12] ~= '' then call('SET', P .. 'batch:' .. ARGV[12], ARGV[13], 'EX', 7776000) end -- 90 days: goes with its first block
if blocks == 0 then return { 'accepted', now } end
call('HSETNX', P .. 'routes', u32(ARGV[4], 1), route)
call('SADD', P .. 'accounts', account)
local ra, queued = route .. ':' .. priority, {}
a = 15
for _ = 1, blocks do
  local name, body = ARGV[a], ARGV[a + 1]
  if body == '' then
    call('PERSIST', P .. 'block:' .. name)
  else
    call('SET', P .. 'block:' .. name, body)
  end
  call('SET', P .. 'slots:' .. name, ARGV[a + 2])
  call('ZADD', P .. 'expiry', ARGV[a + 3], name)
  local n = tonumber(ARGV[a + 4])
  a = a + 5
  for _ = 1, n do
    local descriptor, parts, campaign, due = ARGV[a], tonumber(ARGV[a + 1]), ARGV[a + 2], tonumber(ARGV[a + 3])
    a = a + 4
    if due > now then
      count('s', parts)
      call('ZADD', P .. 'due', due, 's ' .. ra .. ':' .. account .. ' ' .. descriptor)
    else
      count('q:' .. ra, parts)
      queued[#queued + 1] = descriptor
    end
    count('a:' .. account, parts)
    if campaign ~= '' then count('c:' .. account .. ':' .. campaign, parts) end
  end
end
if #queued > 0 then push(ra, account, queued) end
ringBells()
saveCounts()
return { 'accepted', now }
