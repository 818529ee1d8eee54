-- events: the status stream. An entry holds at most 100 events, a JSON object a
-- line; all of a call share entries, since one XADD an event costs eight times
-- as much.

-- From the caller, by a carrier's number (2 octets): its name, the number of the
-- route @carrier, its receipt clock in ms.
local carriers, routes, clocks = {}, {}, {}
local timely -- is its clock, by which it wrote the times of events, right within a second?
local function readCarriers(list, times, at)
  timely = at ~= nil and math.abs(now - at) <= 1000
  local o = 1
  for clock in string.gmatch(times, '%d+') do
    local n, key = byte(list, o + 6), sub(list, o, o + 1)
    carriers[key], routes[key], clocks[key] = sub(list, o + 7, o + 6 + n), sub(list, o + 2, o + 5), tonumber(clock)
    o = o + 7 + n
  end
end

local function wordOf(st)
  if st == SUBMITTED then return 'submitted' end
  return ({ 'delivered', 'undelivered', 'expired', 'rejected', 'failed', 'canceled', 'unknown' })[st - 15]
end

-- at is now as RFC 3339 with milliseconds (days to a date by the era method).
local function at()
  local s = floor(now / 1000)
  local z = floor(s / 86400) + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local m = mp < 10 and mp + 3 or mp - 9
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', yoe + era * 400 + (m <= 2 and 1 or 0), m,
    doy - floor((153 * mp + 2) / 5) + 1, floor(s % 86400 / 3600), floor(s % 3600 / 60), s % 60, now % 1000)
end

-- errorOf puts a slot's error number into words, as JSON; nil when it says none.
local function errorOf(err)
  local n = u16(err, 1)
  local code, text = nil, ''
  if n >= 32768 then
    code = string.format('smpp:0x%02X', n - 32768)
  elseif n >= 4096 and n < 5096 then
    code = string.format('receipt:%03d', n - 4096)
  else
    code = ({ CODES })[n]
    text = ({ MESSAGES })[n]
  end
  return code and '{"code":"' .. code .. '","message":"' .. text .. '"}'
end

local stamp, tail, tailState, tailCarrier, tailError, plainTail
local streams = {} -- by account ('' is dead): pieces, lines in them, entries that are full

-- say sets tail and plainTail, which end an event (that of a message of one part,
-- sent once, as a whole); most events of a call are alike.
local function say(st, carrier, errorJSON)
  if st ~= tailState or carrier ~= tailCarrier or errorJSON ~= tailError then
    stamp = stamp or at()
    tailState, tailCarrier, tailError = st, carrier, errorJSON
    local name = carriers[carrier]
    tail = ',"status":"' .. wordOf(st) .. (name and '","carrier":"' .. name or '') .. '","at":"' .. stamp
      .. (errorJSON and '","error":' .. errorJSON or '"')
    plainTail = tail .. ',"parts":1}'
  end
end

local function intoStream(account)
  local s = streams[account]
  if not s then
    s = { pieces = {}, lines = 0, entries = {} }
    streams[account] = s
  end
  return s
end

-- piecesFor is where another event of a block is collected; what has no account
-- that can be read goes to dead.
local function piecesFor(b)
  local s = intoStream(accountOf(b))
  if s.lines == 100 then
    s.entries[#s.entries + 1] = table.concat(s.pieces)
    s.pieces, s.lines = {}, 0
  end
  s.lines = s.lines + 1
  if not b[B_OPENING] then b[B_OPENING] = '{"id":"' .. b[B_NAME] end
  local p = s.pieces
  local n = #p
  if n > 0 then p[n + 1] = '\n' end
  return p, #p
end

-- restOf is the last members, of more than a plain message of one part.
local function restOf(b, first, last, late)
  local parts, tries, maybe = 0, 1, false
  for i = first, last do
    local y = part(b, i)
    if y[STATE] ~= SURPLUS then parts = parts + 1 end
    if y[TRIES] > tries then tries = y[TRIES] end
    maybe = maybe or has(y, MAYBE)
  end
  return ',"parts":' .. parts .. (maybe and ',"uncertain":true' or '')
    .. ((maybe or tries > 1) and ',"attempt":' .. tries or '') .. (late and ',"late":true}' or '}')
end

-- unread stands for the line of a message whose constant does not parse: its
-- number in the id (Crockford's base32), and no more.
local function unread(first)
  local digits, hi, lo = '0123456789abcdefghjkmnpqrstvwxyz', floor(first / 32) + 1, first % 32 + 1
  return '00' .. sub(digits, hi, hi) .. sub(digits, lo, lo) .. '","to":""'
end

-- tell writes an event about the message from first to last, saying st as part
-- x says it, with the caller's error (JSON) if it has one.
local function tell(b, first, last, st, x, errorJSON, late)
  if not errorJSON and st ~= SUBMITTED and x[ERROR] ~= '\0\0' then errorJSON = errorOf(x[ERROR]) end
  local plain = first == last and not late and x[TRIES] <= 1 and not has(x, MAYBE)
  say(st, x[CARRIER], errorJSON)
  local p, n = piecesFor(b)
  p[n + 1], p[n + 2] = b[B_OPENING], lineOf(b, first) or constant(b, last) or unread(first)
  p[n + 3] = plain and plainTail or tail .. restOf(b, first, last, late)
end

local used, spoiled = {}, {} -- entries that were brought: runs that were as they say; otherwise

-- tellRun tells the messages of one part from … to, sent once, of a kind: by the
-- entry that says so, if there is one.
local function tellRun(b, from, to, kind, e)
  if e > 0 then
    local u = used[e]
    if not u then
      u = {}
      used[e] = u
    end
    local n = #u
    u[n + 1], u[n + 2], u[n + 3], u[n + 4] = b, from, to, kind
    return
  end
  say(kind.st, kind.carrier, kind.errorJSON)
  for i = from, to do
    local p, n = piecesFor(b)
    p[n + 1], p[n + 2], p[n + 3] = b[B_OPENING], lineOf(b, i) or constant(b, i) or unread(i), plainTail
  end
end

-- saveEvents writes them: what the script found otherwise, contradictions among
-- it, comes behind the finals of the call.
local function saveEvents()
  local otherwise = streams
  streams = {}
  for e, runs in pairs(used) do
    if timely and not spoiled[e] then
      local list = intoStream(entryAccounts[e]).entries
      list[#list + 1] = entryTexts[e]
    else
      for k = 1, #runs, 4 do tellRun(runs[k], runs[k + 1], runs[k + 2], runs[k + 3], 0) end
    end
  end
  for _, list in ipairs({ streams, otherwise }) do
    for account, s in pairs(list) do
      if #s.pieces > 0 then s.entries[#s.entries + 1] = table.concat(s.pieces) end
      for _, e in ipairs(s.entries) do
        if account == '' then
          call('RPUSH', P .. 'dead', e)
        else
          call('XADD', P .. 'status:' .. account, '*', 'events', e)
        end
      end
    end
  end
end
