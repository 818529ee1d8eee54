-- lanes: descriptors "block/from/n/campaign/since" and the rings of accounts.
-- An account is in its ring exactly when its lane has something in it.
local names = {}

-- routeOf is the name of the route whose number a waiting slot holds.
local function routeOf(b, x)
  local name = names[x.ended]
  if not name then
    name = call('HGET', P .. 'routes', u32(x.ended, 1)) or b.head and b.head.route or ''
    names[x.ended] = name
  end
  return name
end

-- countWaiting counts part x of b, which waits, n times in or out.
local function countWaiting(b, x, campaign, n)
  local h = head(b)
  if not h then return end
  if x.st == QUEUED then
    count('q:' .. routeOf(b, x) .. ':' .. h.priority, n)
  elseif x.st == RETRY then
    count('r:' .. routeOf(b, x) .. ':' .. h.priority, n)
  elseif x.st == SCHEDULED then
    count('s', n)
  else
    count('h', n)
  end
  count('a:' .. h.account, n)
  if campaign ~= '' then count('c:' .. h.account .. ':' .. campaign, n) end
end

local bells = {}

-- push puts descriptors, in their order, at the head or the tail of a lane.
local function push(ra, account, descriptors, atHead)
  local n = #descriptors
  local key, len = P .. 'queue:' .. ra .. ':' .. account, 0
  for k = 1, n do
    if atHead then
      len = call('LPUSH', key, descriptors[n + 1 - k])
    else
      len = call('RPUSH', key, descriptors[k])
    end
  end
  if len == n and call('RPUSH', P .. 'ring:' .. ra, account) == 1 then bells[ra] = true end
end

-- ring the doorbell for what was empty and is no more.
local function ringBells()
  for ra in pairs(bells) do call('PUBLISH', P .. 'bell', ra) end
end
