-- lanes: descriptors "block/from/n/campaign/since" and the rings of accounts.
-- An account is in its ring exactly when its lane has something in it.
local joining = {} -- by ring: accounts whose lanes were empty

-- push puts descriptors, in their order, at the head or the tail of a lane.
local function push(ra, account, descriptors, atHead)
  local n = #descriptors
  local key, length = P .. 'queue:' .. ra .. ':' .. account, 0
  if not atHead and n < 1000 then
    length = call('RPUSH', key, unpack(descriptors))
  else
    for k = 1, n do length = call(atHead and 'LPUSH' or 'RPUSH', key, descriptors[atHead and n + 1 - k or k]) end
  end
  if length == n then
    local list = joining[ra] or {}
    joining[ra], list[#list + 1] = list, account
  end
end

-- join puts accounts into their rings; it answers the rings that were empty.
local function join()
  local empty = {}
  for ra, list in pairs(joining) do
    if call('RPUSH', P .. 'ring:' .. ra, unpack(list)) == #list then empty[#empty + 1] = ra end
  end
  return empty
end

-- ring the doorbell for what was empty and is no more.
local function ringBells()
  for _, ra in ipairs(join()) do call('PUBLISH', P .. 'bell', ra) end
end
