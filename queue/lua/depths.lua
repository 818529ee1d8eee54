#!lua flags=allow-oom
-- depths tells what waits, by route and priority.
-- KEYS 1 the shard's counts
-- Answers {now, scheduled, held, route, priority, in lanes, waiting for a retry,
--      second since when the oldest waits (-1: none in a lane), when the route
--      was last named (ms, 0: never), …}
-- Safe to run twice: it writes nothing.
local sums, order = {}, {}
local all = call('HGETALL', KEYS[1])
local scheduled, held = 0, 0
for k = 1, #all, 2 do
  local kind, ra = string.match(all[k], '^([qr]):(.+)$')
  local n = tonumber(all[k + 1]) or 0
  if kind then
    if not sums[ra] then
      sums[ra] = { q = 0, r = 0 }
      order[#order + 1] = ra
    end
    sums[ra][kind] = n
  elseif all[k] == 's' then
    scheduled = n
  elseif all[k] == 'h' then
    held = n
  end
end
local answer = { now, scheduled, held }
for _, ra in ipairs(order) do
  local oldest = -1
  for _, account in ipairs(call('LRANGE', P .. 'ring:' .. ra, 0, 255)) do
    local d = call('LINDEX', P .. 'queue:' .. ra .. ':' .. account, 0)
    local since = d and tonumber(string.match(d, '/(%d+)$'))
    if since and (oldest < 0 or since < oldest) then oldest = since end
  end
  local route, priority = string.match(ra, '^(.+):(%a+)$')
  answer[#answer + 1] = route or ra
  answer[#answer + 1] = priority or ''
  answer[#answer + 1] = sums[ra].q
  answer[#answer + 1] = sums[ra].r
  answer[#answer + 1] = oldest
  answer[#answer + 1] = tonumber(call('HGET', P .. 'named', route or ra) or 0)
end
return answer
