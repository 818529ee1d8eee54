#!lua flags=allow-oom
-- reclaim puts back what a lapsed owner still owes, at most about 500 parts.
-- KEYS 1 the shard's counts
-- ARGV 1 caller, 2 owner, 3 carriers, 4 their receipt clocks (as settle's)
-- Answers {'refused', now}: the caller is not alive or its unbroken renewals are
--      not older than a lease | {'alive', now} | {'more', now, parts} |
--      {'gone', now, parts}: the row went with the last entry
-- Safe to run twice: it takes whatever entries are there. The row is lapsed
-- before anything is taken, and renew, lease, settle and mark refuse it then;
-- so any instance may go on when the reclaimer dies.
local caller, owner = ARGV[1], ARGV[2]
local lease = P .. 'lease:' .. owner

-- mayReclaim: after Redis was away two gateways must not reclaim each other.
local function mayReclaim()
  local r = row(caller)
  return r and not r.lapsed and r.deadline >= now and now - r.since > r.lease and r.deadline - now >= r.lease / 2
end

-- entries are the numbers that owe something, the latest first.
local function entriesOf()
  local list, all = {}, call('HGETALL', lease)
  for k = 1, #all, 2 do
    if find(all[k], '^%d+$') then list[#list + 1] = { number = tonumber(all[k]), owed = tonumber(all[k + 1]) } end
  end
  table.sort(list, function(l, r) return l.number > r.number end)
  return list
end

-- give takes part i off the lease; free collects what is to wait again.
local function give(b, i, x, free)
  x[LEASE] = '\0\0\0\0'
  change(b, i, x)
  if x[STATE] ~= LEASED and x[STATE] ~= WRITING then return end
  local first, last = message(b, i)
  if not first then return end
  if accountOf(b) == '' then
    final(b, i, x, first, last, FAILED)
  elseif has(x, HOLD) and x[STATE] == WRITING then
    x[STATE] = UNCERTAIN
    refile(b, i)
    set(x, MAYBE)
  else
    if has(x, HOLD) then x[TRIES] = math.max(x[TRIES] - 1, 0) else set(x, MAYBE) end
    x[STATE] = QUEUED
    free[#free + 1] = { b = b, i = i, x = x, first = first, last = last }
  end
end

local function giveEntry(e, free)
  local num4, parts = p32(e.number), 0
  for name, from, n in string.gmatch(call('HGET', lease, e.number .. '.d') or '', '(%w+)/(%d+)/(%d+)') do
    local b, f = open(name), tonumber(from)
    for i = f, b and math.min(f + n, b[B_N]) - 1 or -1 do
      local x = part(b, i)
      if x[LEASE] == num4 then
        give(b, i, x, free)
        parts = parts + 1
      end
    end
  end
  return parts
end

local function run()
  if caller == owner or not mayReclaim() then return { 'refused', now } end
  local r = row(owner)
  if not r then
    call('DEL', lease)
    call('HDEL', P .. 'owners', owner) -- a row that does not parse
    return { 'gone', now, 0 }
  end
  if not r.lapsed then
    if r.deadline > now + r.lease then -- the clock of Redis stepped back
      r.deadline = now + r.lease
      saveRow(owner, r)
      return { 'alive', now }
    end
    if now < r.deadline + 1000 then return { 'alive', now } end
  end
  readCarriers(ARGV[3], ARGV[4])
  local entries, taken, lists, parts = entriesOf(), 0, {}, 0
  while taken < #entries and (taken == 0 or parts + entries[taken + 1].owed <= 500) do
    taken = taken + 1
    lists[taken] = {}
    parts = parts + giveEntry(entries[taken], lists[taken])
  end
  for k = taken, 1, -1 do -- the earliest lease to the very head
    for _, w in ipairs(lists[k]) do wait(w.b, w.i, w.x, w.first, w.last, 0) end
  end
  r.lapsed = true
  saveRow(owner, r)
  saveAll()
  saveWaiting()
  for k = 1, taken do call('HDEL', lease, entries[k].number, entries[k].number .. '.d') end
  if taken < #entries then return { 'more', now, parts } end
  call('DEL', lease)
  call('HDEL', P .. 'owners', owner)
  return { 'gone', now, parts }
end

return run()
