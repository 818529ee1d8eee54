#!lua flags=allow-oom
-- finish writes results without a lease: receipts and late responses.
-- KEYS 1 the shard's counts
-- ARGV 1 carriers, 2 their receipt clocks, 3 the caller's time (as settle's), 4
--      number of errors, then their JSON; number of entries, then for each its
--      account and events; then for each block its name; the first and the last
--      part concerned, 2 octets each, and records (15 octets) in the order of
--      parts: part 2, state 1 (0: an intermediate receipt), late response 1,
--      carrier 2, error number 2, error 1, and its events 6 (openAbout)
-- Answers {octets, now}: for each part, in the order of records, 1 new, 2 a
--      repeat, 3 a contradiction, told now, 4 the block is gone
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
  local old = call('HGET', P .. 'notes:' .. b[B_NAME], first)
  if old and find(old, ' ' .. line .. '\n', 1, true) then return REPEAT end
  for _, n in ipairs(notes) do
    if n[1] == b[B_NAME] and n[2] == first and n[3] == line then return REPEAT end
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

local function one(b, i, records, o, errors)
  local first, last = message(b, i)
  if not first then return GONE end
  local x, st, late, e = part(b, i), byte(records, o + 2), byte(records, o + 3), errors[byte(records, o + 8)]
  local carrier, err = sub(records, o + 4, o + 5), sub(records, o + 6, o + 7)
  if st == 0 then return intermediate(b, x, i, first, carrier, err) end
  if late == 1 then return lateResponse(b, x, i, first, last, st, carrier, err, e) end
  return receipt(b, x, i, first, last, st, carrier, err, e)
end

local kinds = {} -- of plain records, by their octets from the state on; false: not plain

local function plainKind(says, errors)
  local st, late, _, _, e1, e2, e = byte(says, 1, 7)
  if st == 0 or late == 1 then return false end
  local errorJSON = errors[e] or e1 + e2 > 0 and errorOf(sub(says, 5, 6)) or nil
  local become = char(st) .. replacement(sub(says, 3, 6)) .. '%1' .. replacement(tick4)
  return kindOf(char(SUBMITTED) .. '....(........)....', become, LAST + TAKEN, OUT, st, sub(says, 3, 4), errorJSON)
end

-- finishBlock answers for a block's records. First come those that are plain: the
-- first finals of messages of one part that were submitted once; they need not be
-- decoded. What is said of a part behind what is not plain keeps its place.
local function finishBlock(b, records, errors, answers)
  local begin, odd = #answers, -1 -- odd: the last part that is not plain
  local n = begin
  for o = 5, #records, 15 do
    local says = sub(records, o + 2, o + 8)
    local kind = kinds[says]
    if kind == nil then
      kind = plainKind(says, errors)
      kinds[says] = kind
    end
    local i1, i2 = byte(records, o, o + 1)
    local more, e1, e2 = byte(records, o + 9, o + 11)
    local i, e = i1 * 256 + i2, e1 * 256 + e2
    n = n + 1
    if kind and i > odd and plainRun(b, i, i + more % 128, kind, more >= 128 and e or 0) then
      answers[n], b[B_CLOSING] = more % 128 == 0 and NEW or string.rep(NEW, more % 128 + 1), true
    else
      answers[n], odd, spoiled[e] = '', math.max(odd, i + more % 128), true
    end
  end
  n = begin
  for o = 5, odd >= 0 and #records or 0, 15 do
    n = n + 1
    if answers[n] == '' then
      local i, list = u16(records, o), {}
      for k = 0, byte(records, o + 9) % 128 do list[k + 1] = one(b, i + k, records, o, errors) end
      answers[n] = table.concat(list)
    end
  end
end

readCarriers(ARGV[1], ARGV[2], tonumber(ARGV[3]))
local n, errors, answers = tonumber(ARGV[4]), {}, {}
for k = 1, n do errors[k] = ARGV[4 + k] end
local begin = readEntries(5 + n)
fetchAbout(begin)
for a = begin, #ARGV, 2 do
  local records = ARGV[a + 1]
  local b = openAbout(ARGV[a], records, 15)
  if b then
    finishBlock(b, records, errors, answers)
  else
    for o = 5, #records, 15 do
      spoiled[u16(records, o + 10)] = true
      answers[#answers + 1] = string.rep(GONE, byte(records, o + 9) % 128 + 1)
    end
  end
end
saveAll()
return { table.concat(answers), now }
