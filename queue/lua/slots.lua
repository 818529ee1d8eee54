-- slots: the slots of blocks, 20 octets a part. Nothing is written before save.
local blocks, opened = {}, {}

local fetched = {} -- slots of blocks that a call is about, read together

local slotsKeys = {}
local function slotsKey(name)
  local key = slotsKeys[name]
  if not key then
    key = P .. 'slots:' .. name
    slotsKeys[name] = key
  end
  return key
end

-- fetch reads the slots of what are mostly blocks of one.
local function fetch(names)
  if #names < 2 then return end
  local keys = {}
  for k = 1, #names do keys[k] = slotsKey(names[k]) end
  local raws = call('MGET', unpack(keys))
  for k = 1, #names do fetched[names[k]] = raws[k] end
end

-- fetchAbout does so for blocks of which the arguments from a on (name, records)
-- are about the first part alone.
local function fetchAbout(a)
  local names = {}
  for k = a, #ARGV, 2 do
    if sub(ARGV[k + 1], 1, 4) == '\0\0\0\0' then names[#names + 1] = ARGV[k] end
  end
  fetch(names)
end

-- The entries of the stream that a call brings, ready but for what a script finds
-- otherwise: their accounts and texts, an event a line.
local entryAccounts, entryTexts = {}, {}

-- readEntries reads them from the arguments, and answers where the next stands.
local function readEntries(a)
  local n = tonumber(ARGV[a])
  for k = 1, n do
    entryAccounts[k], entryTexts[k] = ARGV[a + 2 * k - 1], ARGV[a + 2 * k]
  end
  return a + 1 + 2 * n
end

-- open reads a block's slots, or those from … to; false when it is gone. Of a
-- block: raw slots from the first on (n: to its last, so many) as they will be
-- but for parts (decoded) and for the spans from pending on; numbers of those
-- changed, and spans {from, octets} that were (true: of a block of one, of which raw
-- is as it will be); of its body (false: not read, account '': it does not parse)
-- text is its beginning, at the offset of its table; records and size what the
-- caller says of its parts, if it knows them. An array, with names for its places:
-- a table by names would cost four times as much.
local function open(name, from, to)
  local b = blocks[name]
  if b == nil then
    local raw
    if from == 0 and to == 0 then -- mostly a block of one; else no harm: the whole of it is read when needed
      raw = fetched[name]
      if raw == nil then raw = call('GETRANGE', slotsKey(name), '0', '20') end
      raw = raw or ''
      if #raw == 20 then from = nil else raw = sub(raw, 1, 20) end
    elseif from then
      raw = call('GETRANGE', slotsKey(name), from * 20, to * 20 + 19)
    else
      raw = call('GET', slotsKey(name))
    end
    b = false
    if raw and #raw > 0 and #raw % 20 == 0 then
      -- in the order of B_NAME … B_LINES
      b = {
        name, raw, from or 0, not from and #raw / 20, false, false, false, false, false, 0, false, false, false, false,
        false, false, false, false,
      }
      opened[#opened + 1] = b
    end
    blocks[name] = b
  end
  return b
end

-- inRaw puts the spans that are not in raw yet there.
local function inRaw(b)
  if #b[B_SPANS][b[B_PENDING]][2] == #b[B_RAW] then
    b[B_RAW], b[B_PENDING] = b[B_SPANS][b[B_PENDING]][2], false
    return
  end
  local list, at = {}, 1
  for k = b[B_PENDING], #b[B_SPANS] do
    local s = b[B_SPANS][k]
    local o = (s[1] - b[B_FIRST]) * 20
    list[#list + 1] = sub(b[B_RAW], at, o)
    list[#list + 1] = s[2]
    at = o + #s[2] + 1
  end
  list[#list + 1] = sub(b[B_RAW], at)
  b[B_RAW], b[B_PENDING] = table.concat(list), false
end

-- whole reads all slots of a block of which only some were; those changed stay.
local function whole(b)
  if b[B_PENDING] then inRaw(b) end
  if not b[B_N] then
    local raw = call('GET', slotsKey(b[B_NAME]))
    if b[B_SPANS] then -- (they lie in what was read)
      raw = sub(raw, 1, b[B_FIRST] * 20) .. b[B_RAW] .. sub(raw, b[B_FIRST] * 20 + #b[B_RAW] + 1)
    end
    b[B_RAW], b[B_FIRST], b[B_N] = raw, 0, #raw / 20
  end
end

-- part decodes slot i (from 0) of an open block, nil beyond it: an array, its
-- places named STATE … WHY.
local function part(b, i)
  local x = b[B_PARTS] and b[B_PARTS][i]
  if not x and i >= 0 then
    if b[B_PENDING] then inRaw(b) end
    if i < b[B_FIRST] or (i - b[B_FIRST]) * 20 >= #b[B_RAW] then
      whole(b)
      if i >= b[B_N] then return nil end
    end
    local raw, o = b[B_RAW], (i - b[B_FIRST]) * 20
    local st, fl, tries, position = byte(raw, o + 1, o + 4)
    x = {
      st, fl, tries, position, sub(raw, o + 5, o + 6), sub(raw, o + 7, o + 8), sub(raw, o + 9, o + 12),
      sub(raw, o + 13, o + 16), sub(raw, o + 17, o + 20), false, false,
    }
    b[B_PARTS] = b[B_PARTS] or {}
    b[B_PARTS][i] = x
  end
  return x
end

local function change(b, i, x)
  if not x[DIRTY] then
    x[DIRTY] = true
    b[B_CHANGED] = b[B_CHANGED] or {}
    b[B_CHANGED][#b[B_CHANGED] + 1] = i
  end
end

local function has(x, flag) return floor(x[FLAGS] / flag) % 2 == 1 end

local function set(x, flag)
  if floor(x[FLAGS] / flag) % 2 == 0 then x[FLAGS] = x[FLAGS] + flag end
end

-- message gives the first and the last part of the message that part i is of;
-- nil when the slots contradict themselves.
local function message(b, i)
  local x = part(b, i)
  if not x then return nil end
  if x[POSITION] == 0 and floor(x[FLAGS] / LAST) % 2 == 1 then return i, i end
  local first = i - x[POSITION]
  local last = first
  while true do
    local y = part(b, last)
    if not y or y[POSITION] ~= last - first then return nil end
    if has(y, LAST) then break end
    last = last + 1
  end
  if last < i then return nil end
  return first, last
end

local function octets(b, i)
  local x = b[B_PARTS] and b[B_PARTS][i]
  if not x then
    if b[B_PENDING] then inRaw(b) end
    return sub(b[B_RAW], (i - b[B_FIRST]) * 20 + 1, (i - b[B_FIRST]) * 20 + 20)
  end
  return char(x[STATE], x[FLAGS], x[TRIES], x[POSITION]) .. x[CARRIER] .. x[ERROR] .. x[LEASE] .. x[SUBMITTED_AT] .. x[ENDED_AT]
end

-- pattern writes octets as a Lua pattern; replacement as what gsub puts in.
local function pattern(octets)
  return (string.gsub(string.gsub(octets, '%W', '%%%0'), '%%%z', '%%z'))
end

local function replacement(octets)
  return (string.gsub(octets, '%%', '%%%%'))
end

-- keeps is about what a block of history keeps in Redis, octets: its body (that of a
-- block of one is not looked at), and 390 a part for its slot and two events.
local function keeps(b)
  return 450 + b[B_N] * 390 + (b[B_N] == 1 and 300 or call('STRLEN', P .. 'block:' .. b[B_NAME]))
end

-- openAbout opens a block of a call's arguments: in front of its records the
-- parts that they are about, from … to. A record ends with 6 octets: how many
-- more parts after its own are alike, and 128 if their events are whole, 1; the
-- number of the entry that they lie in (0: none), 2, and where in it, 3.
local function openAbout(name, records, size)
  local b = open(name, u16(records, 1), u16(records, 3))
  local e = b and u16(records, size)
  if b and e > 0 and not b[B_ACCOUNT] then
    b[B_ACCOUNT], b[B_RECORDS], b[B_SIZE] = entryAccounts[e], records, size
  end
  return b
end

-- lineOf is what every event of part i says after the block's name; nil if the
-- caller does not know it.
local function lineOf(b, i)
  if not b[B_RECORDS] then return nil end
  if not b[B_LINES] then
    b[B_LINES] = {}
    for o = 5, #b[B_RECORDS], b[B_SIZE] do
      local t = o + b[B_SIZE]
      local k, e, at = u16(b[B_RECORDS], o), u16(b[B_RECORDS], t - 5), byte(b[B_RECORDS], t - 3) * 65536 + u16(b[B_RECORDS], t - 2)
      local text = entryTexts[e]
      for k = k, text and k + byte(b[B_RECORDS], t - 6) % 128 or -1 do
        local stop = find(text, '\n', at + 1, true) or #text + 1
        local status = find(text, ',"status":"', at + 1, true) or stop
        b[B_LINES][k] = sub(text, at + 30, math.min(status, stop) - 1)
        at = stop
      end
    end
  end
  return b[B_LINES][i]
end

-- replaceRun replaces the slots from … to by a pattern if every one of them
-- matches it; false: nothing is changed. Only of a block of which nothing was decoded.
local function replaceRun(b, from, to, p, r)
  if b[B_PARTS] then return false end
  if b[B_N] == 1 then
    local slots, found = string.gsub(b[B_RAW], p, r)
    if found ~= 1 then return false end
    b[B_RAW], b[B_SPANS] = slots, true -- no span: raw is what it will be
    return true
  end
  local last = b[B_PENDING] and b[B_SPANS][#b[B_SPANS]]
  if last and from < last[1] + #last[2] / 20 then inRaw(b) end
  local slots = from == b[B_FIRST] and #b[B_RAW] == (to - from + 1) * 20 and b[B_RAW]
    or sub(b[B_RAW], (from - b[B_FIRST]) * 20 + 1, (to - b[B_FIRST]) * 20 + 20)
  local n, found = to - from + 1
  local one = n > 3 and sub(slots, 1, 20)
  if one and string.rep(one, n) == slots then -- alike, as mostly they are
    slots, found = string.gsub(one, p, r)
    if found ~= 1 then return false end
    slots = string.rep(slots, n)
  else
    slots, found = string.gsub(slots, p, r)
    if found ~= n then return false end
  end
  b[B_SPANS] = b[B_SPANS] or {}
  b[B_SPANS][#b[B_SPANS] + 1] = { from, slots }
  b[B_PENDING] = b[B_PENDING] or #b[B_SPANS]
  return true
end

-- saveSpans writes spans, and what lies between them when it is little.
local function saveSpans(b, key)
  local spans, k = b[B_SPANS], 1
  while k <= #spans do
    local from, list = spans[k][1], { spans[k][2] }
    local to = from + #list[1] / 20
    while k < #spans and spans[k + 1][1] >= to and spans[k + 1][1] - to <= 6 do
      k = k + 1
      list[#list + 1] = sub(b[B_RAW], (to - b[B_FIRST]) * 20 + 1, (spans[k][1] - b[B_FIRST]) * 20)
      list[#list + 1] = spans[k][2]
      to = spans[k][1] + #spans[k][2] / 20
    end
    call('SETRANGE', key, from * 20, #list == 1 and list[1] or table.concat(list))
    k = k + 1
  end
end

-- saveParts writes the runs of decoded parts that changed, likewise.
local function saveParts(b, key)
  local c, j = b[B_CHANGED], 1
  if #c > 1 then table.sort(c) end
  while j <= #c do
    local from, to, run = c[j], c[j], { octets(b, c[j]) }
    while j < #c and c[j + 1] - to <= 6 do
      j = j + 1
      for i = to + 1, c[j] do run[#run + 1] = octets(b, i) end
      to = c[j]
    end
    call('SETRANGE', key, from * 20, #run == 1 and run[1] or table.concat(run))
    j = j + 1
  end
end

local function save()
  local small = {} -- whole slots of blocks of one: one MSET costs less than as many SETRANGE
  for k = 1, #opened do
    local b = opened[k]
    local key = slotsKey(b[B_NAME])
    local one = b[B_N] == 1 and (b[B_CHANGED] and octets(b, 0) or b[B_SPANS] and b[B_RAW])
    if one then
      local n = #small
      small[n + 1], small[n + 2] = key, one
    elseif b[B_N] ~= 1 then
      if b[B_SPANS] then saveSpans(b, key) end
      if b[B_CHANGED] then saveParts(b, key) end
    end
  end
  if #small > 0 then call('MSET', unpack(small)) end
end
