-- row: an owner's row in owners: "deadline since lease lapsed ordinal format",
-- times in ms; the ordinal makes the numbers of its leases differ from others'.
local function row(owner)
  local r = call('HGET', P .. 'owners', owner)
  if not r then return nil end
  local deadline, since, lease, lapsed, ordinal, format = string.match(r, '^(%d+) (%d+) (%d+) (%d) (%d+) (%d+)$')
  if not deadline then return nil end
  return {
    deadline = tonumber(deadline), since = tonumber(since), lease = tonumber(lease),
    lapsed = lapsed == '1', ordinal = tonumber(ordinal), format = format,
  }
end

local function saveRow(owner, r)
  call('HSET', P .. 'owners', owner, string.format('%.0f %.0f %.0f %s %.0f %s',
    r.deadline, r.since, r.lease, r.lapsed and '1' or '0', r.ordinal, r.format))
end
