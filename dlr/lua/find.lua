#!lua flags=allow-oom
-- find: the part of each receipt of a batch; one whose part is not known is
-- parked in the same step.
-- KEYS 1 state  2 early (hash)  3 looks (sorted set)
-- ARGV 1 for how long early is kept when nothing is parked any more, ms
--      2 most ids in early  3 most receipts of an id
--      then for each receipt, as one:
--      its destination's last 8 digits, with '-' in front where there are less;
--      each reading as rule ('0' same, '1' decimal to hex, '2' hex to decimal;
--      'A' 'B' 'C' for the first of another of its ids, the surer id first),
--      id, \0; each of its own ids as 'p', id, \0; \0; what is parked
-- Answers {one record of 27 characters a receipt, the habit now, '' none, the
-- rules that it comes from}. A record is the number of the reading that was
-- right (from '0' in the order of ASCII) and the part; or 'p' parked, 'c'
-- parked as all that bear its id went to another destination, 'a' parked as it
-- is ambiguous, 'f' not parked for want of room.
-- Twice: the same answer, or the part if its id came between; what is parked
-- already is not parked again, whatever the time it bears.
local EPOCH, SAME = 28800, '0'
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local prefix = string.sub(KEYS[1], 1, -6)
local keep, room, each = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local state = redis.call('HMGET', KEYS[1], 'epochs', 'rules')
local text = state[2] or ''
local epochs = {}
for e in string.gmatch(state[1] or '', '(%d+):') do epochs[#epochs + 1] = prefix .. 'ids:' .. e end

-- The habit is the only rule by which receipts were found in this epoch and
-- the one before; more than one is none.
local this = string.format('%.0f', math.floor(now[1] / EPOCH))
local at, rules, before = string.match(text, '^(%d+):([012]*):([012]*)$')
if at ~= this then
  before = at and tonumber(at) + 1 == tonumber(this) and rules or ''
  if at and tonumber(at) > tonumber(this) then before = rules end
  rules = ''
end
local habit, learned = '', false
local function find_habit()
  habit = ''
  for r in string.gmatch(rules .. before, '.') do
    if habit == '' then habit = r elseif habit ~= r then habit = 'none' end
  end
  if habit == 'none' then habit = '' end
end
find_habit()

-- 2: the same destination, 1: one of the two is not known, 0: another.
local function destination(value, to)
  local had = string.sub(value, 27)
  if had == '' or to == '--------' then return 1 end
  if had == to then return 2 end
  local n = math.min(#had, #string.match(to, '%d*$'))
  if n > 0 and n < 8 and string.sub(had, -n) == string.sub(to, -n) then return 2 end
  return 0
end

-- The newest epoch's part that is called id and went to this destination.
local function look_up(id, to)
  local other = false
  for i = 1, #epochs do
    local v = redis.call('HGET', epochs[i], id)
    if v and #v >= 26 then
      local d = destination(v, to)
      if d > 0 then return v, d end
      other = true
    end
  end
  return nil, 0, other
end

-- One id of a receipt by its readings: the one that fits, or why none does. A
-- receipt's only id shows the habit and is read by it; of several ids each may
-- have one of its own.
local function resolve(readings, to, only)
  local why, hit, sure = 'p', nil, 0
  for _, r in ipairs(readings) do
    if only and #readings > 1 and r.rule == habit then
      local v = look_up(r.id, to)
      if v then return r, v end
    end
  end
  for _, r in ipairs(readings) do
    local v, d, other = look_up(r.id, to)
    if v and hit and string.sub(v, 1, 26) ~= string.sub(hit.value, 1, 26) then return nil, 'a' end
    if v and not hit then hit, sure = {r = r, value = v}, d end
    if other and why == 'p' then why = 'c' end
  end
  if not hit then return nil, why end
  if #readings > 1 then
    -- A number that fits in another base only is a chance as long as the
    -- destination does not confirm it.
    if hit.r.rule ~= SAME and sure < 2 then return nil, 'a' end
    if only and not string.find(rules, hit.r.rule, 1, true) then
      rules, learned = rules .. hit.r.rule, true
      find_habit()
    end
  end
  return hit.r, hit.value
end

local function entries(value)
  local list, pos = {}, 1
  while pos + 17 < #value do
    local n = tonumber(string.sub(value, pos + 14, pos + 17))
    if not n then break end
    list[#list + 1] = string.sub(value, pos + 18, pos + 17 + n)
    pos = pos + 18 + n
  end
  return list
end

local function park(ids, blob)
  local add, size = {}, nil
  for i, id in ipairs(ids) do
    local value, there = redis.call('HGET', KEYS[2], id) or '', false
    local list = entries(value)
    for _, b in ipairs(list) do there = there or string.sub(b, 8) == string.sub(blob, 8) end
    if not there then
      size = size or redis.call('HLEN', KEYS[2])
      if #list >= each or #list == 0 and size >= room then return 'f' end
      if #list == 0 then size = size + 1 end
      add[#add + 1] = {id, value, i == 1}
    end
  end
  for _, a in ipairs(add) do
    local entry = string.format('%013.0f-%04d', ms, #blob)
    redis.call('HSET', KEYS[2], a[1], a[2] .. entry .. blob)
    if a[3] then
      local score = redis.call('ZSCORE', KEYS[3], a[1])
      if not score or tonumber(score) > ms + 1000 then
        redis.call('ZADD', KEYS[3], string.format('%.0f', ms + 1000), a[1])
      end
    end
  end
  if #add > 0 then
    redis.call('PEXPIRE', KEYS[2], keep)
    redis.call('PEXPIRE', KEYS[3], keep)
  end
  return 'p'
end

local function find(tail)
  local to, pos = string.sub(tail, 1, 8), 9
  local groups, ids, all = {}, {}, 0
  while true do
    local stop = string.find(tail, '\0', pos, true)
    if not stop or stop == pos then pos = pos + 1 break end
    local kind, id = string.sub(tail, pos, pos), string.sub(tail, pos + 1, stop - 1)
    if kind == 'p' then ids[#ids + 1] = id
    else
      local first = string.find('ABC', kind, 1, true)
      if first then groups[#groups + 1], kind = {}, tostring(first - 1) end
      local g = groups[#groups]
      g[#g + 1] = {rule = kind, id = id, number = all}
      all = all + 1
    end
    pos = stop + 1
  end
  local why = 'p'
  for _, g in ipairs(groups) do
    local r, value = resolve(g, to, #groups == 1)
    if r then return string.char(48 + r.number) .. string.sub(value, 1, 26) end
    if value == 'a' or value == 'c' and why == 'p' then why = value end
  end
  local parked = park(ids, string.sub(tail, pos))
  if parked == 'f' then why = 'f' end
  return why .. string.rep(' ', 26)
end

local out = {}
for i = 4, #ARGV do out[#out + 1] = find(ARGV[i]) end
if learned then
  text = this .. ':' .. rules .. ':' .. before
  redis.call('HSET', KEYS[1], 'rules', text)
end
return {table.concat(out), habit, text}
