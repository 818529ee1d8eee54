-- slots: the slots of blocks, 20 octets a part. Nothing is written before save.
local blocks, opened = {}, {}

-- open reads a block's slots, or those from … to; false when it is gone. Of a
-- block: raw slots from the first on (false: from the block's first to its last,
-- n of them) as they will be but for parts (decoded) and fresh (octets that
-- replace one slot); numbers of those changed, and spans {from, octets} of raw
-- that were; of its body (false: not read, account '': it does not parse) text is
-- its beginning, at the offset of its table; lines what the caller knows of it.
local function open(name, from, to)
  local b = blocks[name]
  if b == nil then
    local raw
    if from == 0 and to == 0 then -- mostly a block of one; else no harm: the whole of it is read when needed
      raw = call('GETRANGE', P .. 'slots:' .. name, 0, 20)
      if #raw == 20 then from = nil else raw = sub(raw, 1, 20) end
    elseif from then
      raw = call('GETRANGE', P .. 'slots:' .. name, from * 20, to * 20 + 19)
    else
      raw = call('GET', P .. 'slots:' .. name)
    end
    b = false
    if raw and #raw > 0 and #raw % 20 == 0 then
      b = {
        name = name, raw = raw, first = from or 0, n = not from and #raw / 20, parts = {}, fresh = {}, changed = {},
        spans = false, account = false, text = false, at = false, missed = 0, opening = false, closing = false,
        clock = false, lines = false,
      }
      opened[#opened + 1] = b
    end
    blocks[name] = b
  end
  return b
end

-- whole reads all slots of a block of which only some were; those changed stay.
local function whole(b)
  if not b.n then
    local raw = call('GET', P .. 'slots:' .. b.name)
    if b.spans then -- (they lie in what was read)
      raw = sub(raw, 1, b.first * 20) .. b.raw .. sub(raw, b.first * 20 + #b.raw + 1)
    end
    b.raw, b.first, b.n = raw, 0, #raw / 20
  end
end

-- part decodes slot i (from 0) of an open block, nil beyond it: an array, its
-- places named STATE … WHY.
local function part(b, i)
  local x = b.parts[i]
  if not x and i >= 0 then
    local raw, o = b.fresh[i], 0
    local dirty = raw ~= nil
    if not dirty then
      if i < b.first or (i - b.first) * 20 >= #b.raw then
        whole(b)
        if i >= b.n then return nil end
      end
      raw, o = b.raw, (i - b.first) * 20
    end
    local st, fl, tries, position = byte(raw, o + 1, o + 4)
    x = {
      st, fl, tries, position, sub(raw, o + 5, o + 6), sub(raw, o + 7, o + 8), sub(raw, o + 9, o + 12),
      sub(raw, o + 13, o + 16), sub(raw, o + 17, o + 20), dirty, false,
    }
    b.parts[i] = x
  end
  return x
end

local function change(b, i, x)
  if not x[DIRTY] then
    x[DIRTY] = true
    b.changed[#b.changed + 1] = i
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
  local x = b.parts[i]
  if not x then return b.fresh[i] or sub(b.raw, (i - b.first) * 20 + 1, (i - b.first) * 20 + 20) end
  return char(x[STATE], x[FLAGS], x[TRIES], x[POSITION]) .. x[CARRIER] .. x[ERROR] .. x[LEASE] .. x[SUBMITTED_AT] .. x[ENDED_AT]
end

-- respan replaces the slots from … to of a block by new octets.
local function respan(b, from, to, slots)
  from, to = from - b.first, to - b.first
  if from == 0 and #slots == #b.raw then
    b.raw = slots
  else
    b.raw = sub(b.raw, 1, from * 20) .. slots .. sub(b.raw, to * 20 + 21)
  end
  b.spans = b.spans or {}
  b.spans[#b.spans + 1] = { from + b.first, slots }
end

-- pattern writes octets as a Lua pattern; replacement as what gsub puts in.
local function pattern(octets)
  return (string.gsub(string.gsub(octets, '%W', '%%%0'), '%%%z', '%%z'))
end

local function replacement(octets)
  return (string.gsub(octets, '%%', '%%%%'))
end

-- about is what a call's arguments say of a block: the parts that it is about,
-- from … to, in front of the records, and its account and lines, or ''.
local function openAbout(name, records, known, size)
  local b = open(name, u16(records, 1), u16(records, 3))
  if b and known ~= '' and not b.account then
    local e = string.find(known, '\n', 1, true)
    local lines, o = {}, 5
    b.account = sub(known, 1, e - 1)
    while e do
      local next = string.find(known, '\n', e + 1, true)
      local more = size == 16 and byte(records, o + 6) == V_SUBMITTED and u32(records, o + 12) or 0
      local i = u16(records, o)
      for k = i, i + more do
        lines[k] = sub(known, e + 1, next and next - 1 or -1)
        e = next
        next = e and string.find(known, '\n', e + 1, true)
      end
      o = o + size
    end
    b.lines = lines
  end
  return b
end

-- save writes the runs of slots that changed.
local function save()
  local small = {} -- whole slots of blocks of one: one MSET costs less than as many SETRANGE
  for k = 1, #opened do
    local b = opened[k]
    local c, key = b.changed, P .. 'slots:' .. b.name
    local n = #c
    local one = b.n == 1 and (n == 1 and octets(b, 0) or b.spans and b.raw)
    if one then
      small[#small + 1] = key
      small[#small + 1] = one
      n = 0
    elseif b.spans then
      for _, s in ipairs(b.spans) do call('SETRANGE', key, s[1] * 20, s[2]) end
    end
    if n > 1 then table.sort(c) end
    local j = 1
    while j <= n do -- runs, and what lies between them when it is little
      local from, to, run = c[j], c[j], { octets(b, c[j]) }
      while j < n and c[j + 1] - to <= 6 do
        j = j + 1
        for i = to + 1, c[j] do run[#run + 1] = octets(b, i) end
        to = c[j]
      end
      call('SETRANGE', key, from * 20, #run == 1 and run[1] or table.concat(run))
      j = j + 1
    end
  end
  if #small > 0 then call('MSET', unpack(small)) end
end
