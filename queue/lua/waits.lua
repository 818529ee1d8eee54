-- waits: in which lane a part waits, and counting it.
local names = {} -- of routes, by their numbers

local function routeOf(b, x)
  local name = names[x[ENDED_AT]]
  if not name then
    name = call('HGET', P .. 'routes', u32(x[ENDED_AT], 1)) or (wordsOf(b))
    names[x[ENDED_AT]] = name
  end
  return name
end

-- countWaiting counts part x of b, which waits, n times in or out.
local function countWaiting(b, x, campaign, n)
  local account = accountOf(b)
  if account == '' then return end
  if x[STATE] == QUEUED or x[STATE] == RETRY then
    local _, priority = wordsOf(b)
    count((x[STATE] == QUEUED and 'q:' or 'r:') .. routeOf(b, x) .. ':' .. priority, n)
  else
    count(x[STATE] == SCHEDULED and 's' or 'h', n)
  end
  count('a:' .. account, n)
  if campaign ~= '' then count('c:' .. account .. ':' .. campaign, n) end
end
