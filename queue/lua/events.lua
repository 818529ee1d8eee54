-- events: the status stream. An entry holds at most 100 events, a JSON object a
-- line; all of a call share entries, since one XADD an event costs eight times
-- as much.
local words = {
  [SUBMITTED] = 'submitted', [DELIVERED] = 'delivered', [UNDELIVERED] = 'undelivered', [EXPIRED] = 'expired',
  [REJECTED] = 'rejected', [FAILED] = 'failed', [CANCELED] = 'canceled', [UNKNOWN] = 'unknown',
}
local codes = { 'validity', 'no_receipt', 'retries', 'no_route', 'uncertain', 'lost', 'malformed' }
local messages = {
  validity = 'the validity period is over', no_receipt = 'no receipt within the receipt clock',
  retries = 'no try left', no_route = 'no carrier could take it', uncertain = 'sent, and never answered',
  lost = 'its owner lost it', malformed = 'what is stored of it does not parse',
}

-- stamp is now as RFC 3339 with milliseconds (days to a date by the era method).
local stamp
local function at()
  if not stamp then
    local s = floor(now / 1000)
    local z = floor(s / 86400) + 719468
    local era = floor(z / 146097)
    local doe = z - era * 146097
    local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
    local mp = floor((5 * doy + 2) / 153)
    local m = mp < 10 and mp + 3 or mp - 9
    stamp = string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', yoe + era * 400 + (m <= 2 and 1 or 0), m,
      doy - floor((153 * mp + 2) / 5) + 1, floor(s % 86400 / 3600), floor(s % 3600 / 60), s % 60, now % 1000)
  end
  return stamp
end

-- code puts a slot's error number into words; '' when the number says none.
local function code(err)
  local n = u16(err, 1)
  if n >= 32768 then return string.format('smpp:0x%02X', n - 32768) end
  if n >= 4096 and n < 5096 then return string.format('receipt:%03d', n - 4096) end
  return codes[n] or ''
end

-- From the caller, by a carrier's number (2 octets): its name, the number of the
-- route @carrier, its receipt clock in ms.
local carriers, routes, clocks = {}, {}, {}
local function readCarriers(list, times)
  local o = 1
  for clock in string.gmatch(times, '%d+') do
    local n, key = byte(list, o + 6), sub(list, o, o + 1)
    carriers[key], routes[key], clocks[key] = sub(list, o + 7, o + 6 + n), sub(list, o + 2, o + 5), tonumber(clock)
    o = o + 7 + n
  end
end

local streams, lost = {}, {}

-- tell writes an event about the message from first to last: what part x says,
-- with the caller's error (JSON) if it has one.
local function tell(b, first, last, st, x, errorJSON, late)
  local parts, attempt, maybe = 0, 1, false
  for i = first, last do
    local y = part(b, i)
    if y.st ~= SURPLUS then parts = parts + 1 end
    if y.at > attempt then attempt = y.at end
    maybe = maybe or has(y, MAYBE)
  end
  local _, members = constant(b, first, last)
  local carrier = carriers[x.carrier]
  local e = '{"id":"' .. b.name .. number(first) .. '",' .. members .. ',"status":"' .. words[st] .. '"'
  if carrier then e = e .. ',"carrier":"' .. carrier .. '"' end
  e = e .. ',"at":"' .. at() .. '","parts":' .. parts
  if not errorJSON and st ~= SUBMITTED and x.err ~= '\0\0' then
    local c = code(x.err)
    if c ~= '' then errorJSON = '{"code":"' .. c .. '","message":"' .. (messages[c] or '') .. '"}' end
  end
  if errorJSON then e = e .. ',"error":' .. errorJSON end
  if maybe then e = e .. ',"uncertain":true' end
  if maybe or attempt > 1 then e = e .. ',"attempt":' .. attempt end
  if late then e = e .. ',"late":true' end
  local h = head(b)
  local list = lost
  if h then
    list = streams[h.account]
    if not list then
      list = {}
      streams[h.account] = list
    end
  end
  list[#list + 1] = e .. '}'
end

local function saveEvents()
  for account, list in pairs(streams) do
    for from = 1, #list, 100 do
      call('XADD', P .. 'status:' .. account, '*', 'events', table.concat(list, '\n', from, math.min(from + 99, #list)))
    end
  end
  for _, e in ipairs(lost) do call('RPUSH', P .. 'dead', e) end
end
