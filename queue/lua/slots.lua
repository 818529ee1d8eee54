-- slots: the slots of blocks, 20 octets a part, and what the block's body says
-- about it. Nothing is written before save. A block whose body does not parse
-- has no head; what is said of it goes to dead instead of a stream.
local QUEUED, SCHEDULED, HELD, RETRY, LEASED, WRITING, SUBMITTED, UNCERTAIN = 1, 2, 3, 4, 5, 6, 7, 8
local DELIVERED, UNDELIVERED, EXPIRED, REJECTED, FAILED, CANCELED, UNKNOWN, SURPLUS = 16, 17, 18, 19, 20, 21, 22, 23
local MAYBE, TAKEN, TOLD, LAST, OUT, HOLD = 1, 2, 4, 8, 16, 32

local blocks, opened = {}, {}

-- open reads a block's slots; false when it is gone.
local function open(name)
  local b = blocks[name]
  if b == nil then
    local raw = call('GET', P .. 'slots:' .. name)
    b = false
    if raw and #raw > 0 and #raw % 20 == 0 then
      b = { name = name, raw = raw, n = #raw / 20, parts = {}, changed = {} }
      opened[#opened + 1] = b
    end
    blocks[name] = b
  end
  return b
end

-- part decodes slot i (from 0) of an open block, nil beyond it.
local function part(b, i)
  local x = b.parts[i]
  if not x and i >= 0 and i < b.n then
    local o, raw = i * 20, b.raw
    local st, fl, at, pos = byte(raw, o + 1, o + 4)
    x = {
      st = st, fl = fl, at = at, pos = pos, carrier = sub(raw, o + 5, o + 6), err = sub(raw, o + 7, o + 8),
      lease = sub(raw, o + 9, o + 12), submitted = sub(raw, o + 13, o + 16), ended = sub(raw, o + 17, o + 20),
    }
    b.parts[i] = x
  end
  return x
end

local function change(b, i, x)
  if not x.dirty then
    x.dirty = true
    b.changed[#b.changed + 1] = i
  end
end

local function has(x, flag) return floor(x.fl / flag) % 2 == 1 end

local function set(x, flag)
  if floor(x.fl / flag) % 2 == 0 then x.fl = x.fl + flag end
end

local function waits(st) return st <= RETRY end

-- message gives the first and the last part of the message that part i is of;
-- nil when the slots contradict themselves.
local function message(b, i)
  local x = part(b, i)
  if not x then return nil end
  local first = i - x.pos
  local last = first
  while true do
    local y = part(b, last)
    if not y or y.pos ~= last - first then return nil end
    if has(y, LAST) then break end
    last = last + 1
  end
  if last < i then return nil end
  return first, last
end

-- head reads what the block shares: its beginning, at most 512 octets, which
-- for a block of one is all that an event needs.
local function head(b)
  if b.head ~= nil then return b.head end
  b.head = false
  local h = call('GETRANGE', P .. 'block:' .. b.name, 0, 511)
  if #h < 17 or byte(h, 1) ~= 1 or u16(h, 5) ~= b.n or byte(h, 13) > 2 then return false end
  local account = sub(h, 15, 14 + byte(h, 14))
  local r = 15 + #account
  if not byte(h, r) then return false end
  local route = sub(h, r + 1, r + byte(h, r))
  if not string.find(account, '^[%w_-]+$') or not string.find(route, '^[@%w_-]+$') then return false end
  b.head = {
    raw = h, account = account, route = route, priority = ({ 'urgent', 'normal', 'bulk' })[byte(h, 13) + 1],
    since = floor((u16(h, 7) * 4294967296 + u32(h, 9)) / 1000), table = u16(h, 3), misses = 0,
  }
  return b.head
end

-- entry gives the end of validity (ticks) and the offset of the constant of part i.
local function entry(b, h, i)
  local o = h.table + i * 12
  if o + 8 > #h.raw then
    h.raw = call('GETRANGE', P .. 'block:' .. b.name, 0, h.table + (b.n + 1) * 12 - 1)
    if o + 8 > #h.raw then return nil end
  end
  return u32(h.raw, o + 1), u32(h.raw, o + 5)
end

-- constant gives the campaign's short name and the JSON members that every
-- event of the message begins with.
local function constant(b, first, last)
  local h = head(b)
  if not h then return '', '"to":""' end
  local _, c0 = entry(b, h, first)
  local _, c1 = entry(b, h, last + 1)
  if not c0 or not c1 or c1 <= c0 or c1 - c0 > 4096 then return '', '"to":""' end
  local c
  if c1 <= #h.raw then
    c = sub(h.raw, c0 + 1, c1)
  elseif h.misses < 1 then
    h.misses = h.misses + 1
    c = call('GETRANGE', P .. 'block:' .. b.name, c0, c1 - 1)
  else -- the second of this block: the next ones will want it too
    local _, stop = entry(b, h, b.n)
    if not stop or stop > 131072 then return '', '"to":""' end
    h.raw = call('GETRANGE', P .. 'block:' .. b.name, 0, stop - 1)
    c = sub(h.raw, c0 + 1, c1)
  end
  local n = byte(c, 1)
  if not n or #c < 3 + n then return '', '"to":""' end
  return sub(c, 2, 1 + n), sub(c, 4 + n)
end

-- number is a part's number in an id: four characters of Crockford's base32.
local alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
local function number(i)
  local hi, lo = floor(i / 32) + 1, i % 32 + 1
  return '00' .. sub(alphabet, hi, hi) .. sub(alphabet, lo, lo)
end

-- save writes the runs of slots that changed.
local function save()
  for _, b in ipairs(opened) do
    local c = b.changed
    if #c > 0 then
      table.sort(c)
      local from, run = c[1], {}
      for k = 1, #c do
        local i = c[k]
        local x = b.parts[i]
        run[#run + 1] = char(x.st, x.fl, x.at, x.pos) .. x.carrier .. x.err .. x.lease .. x.submitted .. x.ended
        if c[k + 1] ~= i + 1 then
          call('SETRANGE', P .. 'slots:' .. b.name, from * 20, table.concat(run))
          from, run = c[k + 1], {}
        end
      end
    end
  end
end
