-- ends: how a part's state ends or becomes submitted: the one place where a
-- final is decided. A slot that holds a final never changes its state again.
local function ended(st) return st >= DELIVERED end

-- final ends part i as st and, with the last part of its message, tells the
-- message's one final: delivered when all are, else what the first part that
-- was not says. Surplus parts end without deciding it.
local function final(b, i, x, first, last, st, errorJSON)
  if waits(x.st) then countWaiting(b, x, (constant(b, first, last)), -1) end
  x.st, x.ended, x.errorJSON = st, p32(ticks), errorJSON
  change(b, i, x)
  b.closing = true
  local decides
  for q = first, last do
    local y = part(b, q)
    if not ended(y.st) then return end
    if y.st ~= SURPLUS and (not decides or decides.st == DELIVERED and y.st ~= DELIVERED) then decides = y end
  end
  local f = part(b, first)
  if not decides or has(f, OUT) then return end
  set(f, OUT)
  change(b, first, f)
  tell(b, first, last, decides.st, decides, decides.errorJSON)
end

-- submitted sets part i, and tells it with the last of its message.
local function submitted(b, i, x, first, last)
  if waits(x.st) then countWaiting(b, x, (constant(b, first, last)), -1) end
  x.st, x.submitted, x.err = SUBMITTED, p32(ticks), '\0\0'
  set(x, TAKEN)
  change(b, i, x)
  for q = first, last do
    local st = part(b, q).st
    if st ~= SUBMITTED and not ended(st) then return end
  end
  if has(part(b, first), OUT) then return end
  tell(b, first, last, SUBMITTED, x)
end

-- tellSubmitted tells a message whose last open part turned out surplus.
local function tellSubmitted(b, first, last)
  local taken
  for q = first, last do
    local y = part(b, q)
    if y.st ~= SUBMITTED and not ended(y.st) then return end
    if y.st == SUBMITTED then taken = y end
  end
  if taken and not has(part(b, first), OUT) then tell(b, first, last, SUBMITTED, taken) end
end

-- refuseRest ends what still waits of a message that was refused for good.
local function refuseRest(b, first, last, st, errorJSON, err)
  for q = first, last do
    local y = part(b, q)
    if waits(y.st) then
      y.err = err
      final(b, q, y, first, last, st, errorJSON)
    end
  end
end

-- size is about what a block of history costs Redis, octets: its keys, and two
-- events a part in the stream.
local function size(b)
  return 450 + call('STRLEN', P .. 'block:' .. b.name) + b.n * 390
end

-- close files blocks into history when all of them has ended; clock files a
-- block anew whose receipts may be due sooner than all else of it.
local function close()
  for _, b in ipairs(opened) do
    if b.closing then
      local all = true
      for i = 0, b.n - 1 do
        local x = b.parts[i]
        if (x and x.st or byte(b.raw, i * 20 + 1)) < DELIVERED then
          all = false
          break
        end
      end
      if all then
        call('ZREM', P .. 'expiry', b.name)
        call('ZADD', P .. 'history', now, b.name)
        count('bytes', size(b))
        b.clock = nil
      end
    end
    if b.clock then call('ZADD', P .. 'expiry', 'LT', b.clock, b.name) end
  end
end

-- note adds a line to the rest of a message's timeline, at most 1 KiB of it.
local notes = {}
local function note(b, first, line)
  notes[#notes + 1] = { b.name, first, line }
end

local function saveNotes()
  for _, n in ipairs(notes) do
    local key = P .. 'notes:' .. n[1]
    local old = call('HGET', key, n[2]) or ''
    if #old + #n[3] < 1024 then call('HSET', key, n[2], old .. now .. ' ' .. n[3] .. '\n') end
  end
end

local function saveAll()
  save()
  saveEvents()
  saveNotes()
  close()
  saveCounts()
end
