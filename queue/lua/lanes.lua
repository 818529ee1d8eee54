-- lanes: descriptors "block/from/n/campaign/since" and the rings of accounts.
-- An account is in its ring exactly when its lane has something in it.
local bells = {}

-- push puts descriptors, in their order, at the head or the tail of a lane.
local function push(ra, account, descriptors, atHead)
  local n = #descriptors
  local key, length = P .. 'queue:' .. ra .. ':' .. account, 0
  if not atHead and n < 1000 then
    length = call('RPUSH', key, unpack(descriptors))
  else
    for k = 1, n do length = call(atHead and 'LPUSH' or 'RPUSH', key, descriptors[atHead and n + 1 - k or k]) end
  end
  if length == n and call('RPUSH', P .. 'ring:' .. ra, account) == 1 then bells[ra] = true end
end

-- ring the doorbell for what was empty and is no more.
local function ringBells()
  for ra in pairs(bells) do call('PUBLISH', P .. 'bell', ra) end
end
