#!lua flags=allow-oom
-- finish writes results without a lease: receipts and late responses.
-- KEYS 1 the shard's counts
-- ARGV 1 carriers, 2 their receipt clocks (as settle's), 3 number of errors,
--      then their JSON; then for each block its name; the first and the last
--      part concerned, 2 octets each, and records: part 2 octets, state 1 (0: an
--      intermediate receipt), late response 1, carrier 2, error number 2, error
--      1; and its account and the parts' lines, if the caller knows them
-- Answers {octets, now}: for each record, in order, 1 new, 2 a repeat, 3 a
--      contradiction, told now, 4 the block is gone
-- Safe to run twice: a slot that has a final keeps it, a contradiction is told
-- once (a flag says so), an intermediate receipt is noted once.
local NEW, REPEAT, CONTRADICTION, GONE = '\1', '\2', '\3', '\4'

local function lateResponse(b, x, i, first, last, st, carrier, err, e)
  local was = x[STATE]
  if st == SUBMITTED then
    if was >= SUBMITTED and was ~= UNCERTAIN then return REPEAT end
    x[CARRIER] = carrier
    submitted(b, i, x, first, last)
    return NEW
  end
  local leased = was == LEASED or was == WRITING
  if was ~= UNCERTAIN and not (leased and has(x, HOLD)) then return REPEAT end
  x[CARRIER], x[ERROR] = carrier, err
  final(b, i, x, first, last, REJECTED, e)
  refuseRest(b, first, last, REJECTED, e, err)
  return NEW
end

local function intermediate(b, x, i, first, carrier, err)
  if x[STATE] >= DELIVERED then return REPEAT end
  local line = 'enroute ' .. i .. ' ' .. u16(carrier, 1) .. ' ' .. u16(err, 1)
  local old = call('HGET', P .. 'notes:' .. b.name, first)
  if old and string.find(old, ' ' .. line .. '\n', 1, true) then return REPEAT end
  for _, n in ipairs(notes) do
    if n[1] == b.name and n[2] == first and n[3] == line then return REPEAT end
  end
  note(b, first, line)
  return NEW
end

local function receipt(b, x, i, first, last, st, carrier, err, e)
  if x[STATE] < DELIVERED then
    x[CARRIER], x[ERROR] = carrier, err
    final(b, i, x, first, last, st, e)
    return NEW
  end
  if x[STATE] == st or x[STATE] == SURPLUS or has(x, TOLD) then return REPEAT end
  set(x, TOLD)
  change(b, i, x)
  if has(part(b, first), OUT) then
    local says = { [CARRIER] = carrier, [ERROR] = err, [TRIES] = x[TRIES], [FLAGS] = x[FLAGS] }
    tell(b, first, last, st, says, e, true)
  end -- else its message goes on: nothing to contradict in the stream yet
  note(b, first, 'late-' .. wordOf(st) .. ' ' .. i .. ' ' .. u16(carrier, 1) .. ' ' .. u16(err, 1))
  return CONTRADICTION
end

local function one(b, records, o, errors)
  local i = u16(records, o)
  local first, last = message(b, i)
  if not first then return GONE end
  local x, st, late, e = part(b, i), byte(records, o + 2), byte(records, o + 3), errors[byte(records, o + 8)]
  local carrier, err = sub(records, o + 4, o + 5), sub(records, o + 6, o + 7)
  if st == 0 then return intermediate(b, x, i, first, carrier, err) end
  if late == 1 then return lateResponse(b, x, i, first, last, st, carrier, err, e) end
  return receipt(b, x, i, first, last, st, carrier, err, e)
end

-- plain is the most of all: the first final of a message of one part that was
-- submitted once; false when it is another case.
local function plain(b, records, o, errors)
  local i1, i2, st, late, c1, c2, e1, e2, e = byte(records, o, o + 8)
  local i = i1 * 256 + i2
  local raw, at = b.raw, (i - b.first) * 20
  local was, fl, tries, position = byte(raw, at + 1, at + 4)
  if was ~= SUBMITTED or fl ~= LAST + TAKEN and fl ~= LAST + TAKEN + URGENT or tries ~= 1 or position ~= 0
    or st == 0 or late == 1 or b.parts[i] or b.fresh[i] then
    return false
  end
  b.fresh[i] = char(st, fl + OUT, 1, 0, c1, c2, e1, e2) .. sub(raw, at + 9, at + 16) .. tick4
  b.changed[#b.changed + 1] = i
  b.closing = true
  local s = streamOf(b)
  local p = s.pieces
  local n = #p
  local err = errors[e]
  if not err and e1 + e2 > 0 then err = errorOf(char(e1, e2)) end
  say(st, char(c1, c2), err)
  s.lines = s.lines + 1
  p[n + 1], p[n + 2], p[n + 3] = b.opening, b.lines and b.lines[i] or constant(b, i) or unread(i), plainTail
  return true
end

readCarriers(ARGV[1], ARGV[2])
local n, errors, answers = tonumber(ARGV[3]), {}, {}
for k = 1, n do errors[k] = ARGV[3 + k] end
for a = 4 + n, #ARGV, 3 do
  local records = ARGV[a + 1]
  local b = openAbout(ARGV[a], records, ARGV[a + 2], 9)
  for o = 5, #records, 9 do
    answers[#answers + 1] = not b and GONE or plain(b, records, o, errors) and NEW or one(b, records, o, errors)
  end
end
saveAll()
return { table.concat(answers), now }
