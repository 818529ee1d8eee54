-- slots: the slots of blocks, 20 octets a part. Nothing is written before save.
local blocks, opened = {}, {}

-- open reads a block's slots; false when it is gone. Of a block: raw slots as
-- they will be but for parts (decoded) and fresh (octets that replace one slot);
-- numbers of those changed, and spans {from, octets} of raw that were; of its
-- body (false: not read, account '': it does not parse) text is its beginning,
-- at the offset of its table.
local function open(name)
  local b = blocks[name]
  if b == nil then
    local raw = call('GET', P .. 'slots:' .. name)
    b = false
    if raw and #raw > 0 and #raw % 20 == 0 then
      b = {
        name = name, raw = raw, n = #raw / 20, parts = {}, fresh = {}, changed = {}, spans = false,
        account = false, text = false, at = false, missed = 0, opening = false, closing = false, clock = false,
      }
      opened[#opened + 1] = b
    end
    blocks[name] = b
  end
  return b
end

-- part decodes slot i (from 0) of an open block, nil beyond it: an array, its
-- places named STATE … WHY.
local function part(b, i)
  local x = b.parts[i]
  if not x and i >= 0 and i < b.n then
    local raw, o = b.fresh[i], 0
    local dirty = raw ~= nil
    if not dirty then raw, o = b.raw, i * 20 end
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
  if not x then return b.fresh[i] or sub(b.raw, i * 20 + 1, i * 20 + 20) end
  return char(x[STATE], x[FLAGS], x[TRIES], x[POSITION]) .. x[CARRIER] .. x[ERROR] .. x[LEASE] .. x[SUBMITTED_AT] .. x[ENDED_AT]
end

-- respan replaces the slots from … to of a block by new octets.
local function respan(b, from, to, slots)
  b.raw = sub(b.raw, 1, from * 20) .. slots .. sub(b.raw, to * 20 + 21)
  b.spans = b.spans or {}
  b.spans[#b.spans + 1] = { from, slots }
end

-- pattern writes octets as a Lua pattern; replacement as what gsub puts in.
local function pattern(octets)
  return (string.gsub(string.gsub(octets, '%W', '%%%0'), '%%%z', '%%z'))
end

local function replacement(octets)
  return (string.gsub(octets, '%%', '%%%%'))
end

-- save writes the runs of slots that changed.
local function save()
  for k = 1, #opened do
    local b = opened[k]
    local c, key = b.changed, P .. 'slots:' .. b.name
    local n = #c
    if b.spans then
      for _, s in ipairs(b.spans) do call('SETRANGE', key, s[1] * 20, s[2]) end
    end
    if n > 1 then table.sort(c) end
    local from, run = c[1], ''
    for j = 1, n do
      local i = c[j]
      run = run .. octets(b, i)
      if c[j + 1] ~= i + 1 then
        call('SETRANGE', key, from * 20, run)
        from, run = c[j + 1], ''
      elseif #run >= 640 then -- a string that grows is copied each time
        call('SETRANGE', key, from * 20, run)
        from, run = i + 1, ''
      end
    end
  end
end
