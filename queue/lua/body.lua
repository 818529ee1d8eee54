-- body: what scripts read of a block's body. A body that does not parse has the
-- account ''; what is said of its messages goes to dead instead of a stream.

-- readBody reads a body's beginning, as far as its table.
local function readBody(b)
  whole(b)
  local a, t = '', call('GETRANGE', P .. 'block:' .. b[B_NAME], 0, 160 + 12 * b[B_N])
  if #t >= 17 and byte(t, 1) == 1 and u16(t, 5) == b[B_N] and byte(t, 13) <= 2 then
    b[B_TEXT], b[B_AT], a = t, u16(t, 3), sub(t, 15, 14 + byte(t, 14))
  end
  b[B_ACCOUNT] = a
  return a
end

-- accountOf is known from the caller, or read.
local function accountOf(b)
  return b[B_ACCOUNT] or readBody(b)
end

-- wordsOf gives route, priority, and second of acceptance; nil if it does not parse.
local function wordsOf(b)
  if not b[B_TEXT] and readBody(b) == '' then return nil end
  local t = b[B_TEXT]
  local r = 15 + byte(t, 14)
  return sub(t, r + 1, r + (byte(t, r) or 0)), ({ 'urgent', 'normal', 'bulk' })[byte(t, 13) + 1],
    floor((u16(t, 7) * 4294967296 + u32(t, 9)) / 1000)
end

-- entry gives the end of validity (ticks), the offset of the constant, and that
-- of the row of part i; n is the mark of the ends. nil: there is none.
local function entry(b, i)
  if not b[B_TEXT] and readBody(b) == '' then return nil end
  local o = b[B_AT] + i * 12
  if o + 12 > #b[B_TEXT] then
    b[B_TEXT] = call('GETRANGE', P .. 'block:' .. b[B_NAME], 0, b[B_AT] + (b[B_N] + 1) * 12 - 1)
    if o + 12 > #b[B_TEXT] then return nil end
  end
  return u32(b[B_TEXT], o + 1), u32(b[B_TEXT], o + 5), u32(b[B_TEXT], o + 9)
end

-- constant gives the line of the message whose last part it is told that every event
-- of it begins with after the block's name, and its campaign's short name.
local function constant(b, last)
  if not b[B_TEXT] and readBody(b) == '' then return nil, '' end
  local o = b[B_AT] + last * 12
  if o + 20 > #b[B_TEXT] and not entry(b, b[B_N]) then return nil, '' end
  local t = b[B_TEXT]
  local d1, d2, d3, d4, _, _, _, _, _, _, _, _, e1, e2, e3, e4 = byte(t, o + 5, o + 20)
  local c0, c1 = ((d1 * 256 + d2) * 256 + d3) * 256 + d4, ((e1 * 256 + e2) * 256 + e3) * 256 + e4
  if c1 <= c0 or c1 - c0 > 4096 then return nil, '' end
  o = c0
  if c1 > #t then
    if b[B_MISSED] < 4 then
      b[B_MISSED] = b[B_MISSED] + 1
      t, o = call('GETRANGE', P .. 'block:' .. b[B_NAME], c0, c1 - 1), 0
    else -- so many of this block: the next ones will want all of them
      local _, stop = entry(b, b[B_N])
      if not stop or stop > 131072 then return nil, '' end
      t = call('GETRANGE', P .. 'block:' .. b[B_NAME], 0, stop - 1)
      b[B_TEXT] = t
    end
    if #t < o + c1 - c0 then return nil, '' end
  end
  local stop, campaign = o + c1 - c0, ''
  if byte(t, o + 1) ~= 9 then
    campaign = sub(t, o + 1, o + 8)
    o = o + 8
  end
  if byte(t, stop) ~= 10 or byte(t, o + 1) ~= 9 or byte(t, o + 6) ~= 34 then return nil, '' end
  return sub(t, o + 2, stop - 1), campaign
end
