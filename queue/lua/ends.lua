-- ends: how a part's state ends or becomes submitted: the one place where a
-- final is decided. A slot that holds a final never changes its state again.
local tick4 = p32(ticks)
local wiped = {} -- parts of urgent messages that got their finals: block, from, to

-- final ends part i as st and, with the last part of its message, tells the
-- message's one final: delivered when all are, else what the first part that
-- was not says. Surplus parts end without deciding it.
local function final(b, i, x, first, last, st, errorJSON)
  if x[STATE] <= RETRY then
    local _, campaign = constant(b, last)
    countWaiting(b, x, campaign, -1)
  end
  x[STATE], x[ENDED_AT], x[WHY] = st, tick4, errorJSON
  change(b, i, x)
  b[B_CLOSING] = true
  local decides = x
  if first ~= last or st == SURPLUS then
    decides = nil
    for q = first, last do
      local y = part(b, q)
      if y[STATE] < DELIVERED then return end
      if y[STATE] ~= SURPLUS and (not decides or decides[STATE] == DELIVERED and y[STATE] ~= DELIVERED) then decides = y end
    end
  end
  local f = part(b, first)
  if not decides or has(f, OUT) then return end
  set(f, OUT)
  change(b, first, f)
  tell(b, first, last, decides[STATE], decides, decides[WHY])
  if has(f, URGENT) then wiped[#wiped + 1] = { b, first, last } end
end

-- submitted sets part i, and tells it with the last of its message.
local function submitted(b, i, x, first, last)
  if x[STATE] <= RETRY then
    local _, campaign = constant(b, last)
    countWaiting(b, x, campaign, -1)
  end
  x[STATE], x[SUBMITTED_AT], x[ERROR] = SUBMITTED, tick4, '\0\0'
  set(x, TAKEN)
  change(b, i, x)
  local c = now + (clocks[x[CARRIER]] or 86400000)
  if not b[B_CLOCK] or c < b[B_CLOCK] then b[B_CLOCK] = c end
  for q = first, last do
    local st = part(b, q)[STATE]
    if st < SUBMITTED or st == UNCERTAIN then return end
  end
  if not has(part(b, first), OUT) then tell(b, first, last, SUBMITTED, x) end
end

-- A kind is what is done to the most of all: messages of one part, sent once, are
-- told and get another slot. match and become are what a slot's flags stand
-- between, but for tries and the place in a message (1, 0): state, and a pattern
-- of all behind them. flags must be there (with or without URGENT), add come to
-- them; pattern and replacement, by flags, are made of these.
local function kindOf(match, become, flags, add, st, carrier, errorJSON)
  return {
    match = match, become = become, flags = flags, add = add, st = st, carrier = carrier, errorJSON = errorJSON,
    patterns = {}, replacements = {},
  }
end

local function prepare(kind, fl)
  kind.patterns[fl] = pattern(sub(kind.match, 1, 1) .. char(fl)) .. '\1%z' .. sub(kind.match, 2)
  kind.replacements[fl] = replacement(sub(kind.become, 1, 1) .. char(fl + kind.add)) .. '\1\0' .. sub(kind.become, 2)
end

-- plainRun does what a kind says to the parts from … to, whose events are in the
-- entry e (0: in none). False: it is another case, nothing is changed.
local function plainRun(b, from, to, kind, e)
  local fl = byte(b[B_RAW], (from - b[B_FIRST]) * 20 + 2)
  if fl ~= kind.flags and fl ~= kind.flags + URGENT then return false end
  if not kind.patterns[fl] then prepare(kind, fl) end
  if (b[B_ACCOUNT] or accountOf(b)) == '' or not replaceRun(b, from, to, kind.patterns[fl], kind.replacements[fl]) then return false end
  tellRun(b, from, to, kind, e)
  if fl ~= kind.flags and kind.st >= DELIVERED then wiped[#wiped + 1] = { b, from, to } end
  return true
end

-- refuseRest ends what still waits of a message that was refused for good.
local function refuseRest(b, first, last, st, errorJSON, err)
  for q = first, last do
    local y = part(b, q)
    if y[STATE] <= RETRY then
      y[ERROR] = err
      final(b, q, y, first, last, st, errorJSON)
    end
  end
end

-- over: have all parts of a block ended? Looked at from the end: mostly they
-- end in their order. What was changed is saved already.
local function over(b)
  if b[B_N] == 1 and not b[B_PARTS] then return byte(b[B_RAW]) >= DELIVERED end
  for _, n in ipairs(b[B_N] and {} or { 20, 200 }) do
    local raw = call('GETRANGE', slotsKey(b[B_NAME]), -n, -1)
    for o = #raw - 19, 1, -20 do
      if byte(raw, o) < DELIVERED then return false end
    end
  end
  whole(b)
  for i = b[B_N] - 1, 0, -1 do
    local x = b[B_PARTS] and b[B_PARTS][i]
    if (x and x[STATE] or byte(b[B_RAW], i * 20 + 1)) < DELIVERED then return false end
  end
  return true
end

-- wipe overwrites the texts of messages that have ended: codes and passwords.
-- Parts of a message have one row.
local function wipe(b, from, to)
  local key = P .. 'block:' .. b[B_NAME]
  for i = from, to do
    local _, _, r0 = entry(b, i)
    local _, _, r1 = entry(b, i + 1)
    if not r1 then return end
    local text = call('GETRANGE', key, r0 + 4, r0 + 5)
    local at = #text == 2 and r0 + u16(text, 1)
    if at and at < r1 and r1 - at <= 524288 then call('SETRANGE', key, at, string.rep(' ', r1 - at)) end
  end
end

-- close files blocks into history when all of them has ended, and anew those
-- whose receipts may be due sooner than all else of them.
local function close()
  local gone, history, clocks, octets, written = {}, {}, {}, 0, {}
  local at = string.format('%.0f', now) -- once: as a number it is written for each
  for k = 1, #opened do
    local b = opened[k]
    if b[B_CLOSING] and over(b) then
      local n = #history
      gone[#gone + 1], history[n + 1], history[n + 2] = b[B_NAME], at, b[B_NAME]
      octets = octets + keeps(b)
      b[B_CLOCK] = false
    end
    local c = b[B_CLOCK]
    if c then
      local n = #clocks
      written[c] = written[c] or string.format('%.0f', c)
      clocks[n + 1], clocks[n + 2] = written[c], b[B_NAME]
    end
  end
  if #gone > 0 then
    count('bytes', octets)
    call('ZREM', P .. 'expiry', unpack(gone))
    call('ZADD', P .. 'history', unpack(history))
  end
  if #clocks > 0 then call('ZADD', P .. 'expiry', 'LT', unpack(clocks)) end
end

-- note adds a line to the rest of a message's timeline, at most 1 KiB of it.
local notes = {}
local function note(b, first, line)
  notes[#notes + 1] = { b[B_NAME], first, line }
end

local function saveAll()
  save()
  saveEvents()
  for _, n in ipairs(notes) do
    local key = P .. 'notes:' .. n[1]
    local old = call('HGET', key, n[2]) or ''
    if #old + #n[3] < 1024 then call('HSET', key, n[2], old .. now .. ' ' .. n[3] .. '\n') end
  end
  for _, w in ipairs(wiped) do wipe(w[1], w[2], w[3]) end
  close()
  saveCounts()
end
