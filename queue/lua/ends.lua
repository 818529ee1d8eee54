-- ends: how a part's state ends or becomes submitted: the one place where a
-- final is decided. A slot that holds a final never changes its state again.
local tick4 = p32(ticks)

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
  b.closing = true
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
  if not b.clock or c < b.clock then b.clock = c end
  for q = first, last do
    local st = part(b, q)[STATE]
    if st < SUBMITTED or st == UNCERTAIN then return end
  end
  if not has(part(b, first), OUT) then tell(b, first, last, SUBMITTED, x) end
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

-- allEnded looks at the slots that were read.
local function allEnded(b)
  local raw, parts, fresh, first = b.raw, b.parts, b.fresh, b.first
  for o = 1, #raw, 20 do
    local i = first + (o - 1) / 20
    local x = parts[i]
    if (x and x[STATE] or fresh[i] and byte(fresh[i]) or byte(raw, o)) < DELIVERED then return false end
  end
  return true
end

-- wipe overwrites the texts of an urgent block that is over: codes and passwords.
local function wipe(b)
  if not has(part(b, 0), URGENT) or not entry(b, b.n) then return end
  local key, i = P .. 'block:' .. b.name, 0
  while i < b.n do
    local _, last = message(b, i)
    if not last then return end
    local _, _, r0 = entry(b, i)
    local _, _, r1 = entry(b, last + 1)
    local text = call('GETRANGE', key, r0 + 4, r0 + 5)
    local at = #text == 2 and r0 + u16(text, 1)
    if at and at < r1 and r1 - at <= 524288 then call('SETRANGE', key, at, string.rep(' ', r1 - at)) end
    i = last + 1
  end
end

-- close files blocks into history when all of them has ended, and anew those
-- whose receipts may be due sooner than all else of them. A block of history
-- costs about its body and 390 octets a part: its slot, and two events.
local function close()
  local gone, history, clocks = {}, {}, {}
  for k = 1, #opened do
    local b = opened[k]
    if b.closing then
      if allEnded(b) and (b.n or whole(b) or allEnded(b)) then
        wipe(b)
        gone[#gone + 1] = b.name
        history[#history + 1] = now
        history[#history + 1] = b.name
        count('bytes', 450 + call('STRLEN', P .. 'block:' .. b.name) + b.n * 390)
        b.clock = false
      end
    end
    if b.clock then
      clocks[#clocks + 1] = b.clock
      clocks[#clocks + 1] = b.name
    end
  end
  if #gone > 0 then
    call('ZREM', P .. 'expiry', unpack(gone))
    call('ZADD', P .. 'history', unpack(history))
  end
  if #clocks > 0 then call('ZADD', P .. 'expiry', 'LT', unpack(clocks)) end
end

-- note adds a line to the rest of a message's timeline, at most 1 KiB of it.
local notes = {}
local function note(b, first, line)
  notes[#notes + 1] = { b.name, first, line }
end

local function saveAll()
  save()
  saveEvents()
  for _, n in ipairs(notes) do
    local key = P .. 'notes:' .. n[1]
    local old = call('HGET', key, n[2]) or ''
    if #old + #n[3] < 1024 then call('HSET', key, n[2], old .. now .. ' ' .. n[3] .. '\n') end
  end
  close()
  saveCounts()
end
