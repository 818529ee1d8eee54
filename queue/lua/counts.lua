-- counts: parts that wait. In counts: q:<route>:<priority> in lanes,
-- r:<route>:<priority> waiting for a retry, s scheduled, h held. In tallies, of
-- all of these: a:<account> and c:<account>:<campaign>. Written once a call.
local delta = {}

local function count(field, n)
  delta[field] = (delta[field] or 0) + n
end

local function saveCounts()
  for field, n in pairs(delta) do
    local kind = sub(field, 1, 2)
    local key = P .. ((kind == 'a:' or kind == 'c:') and 'tallies' or 'counts')
    if n ~= 0 and call('HINCRBY', key, field, n) == 0 then call('HDEL', key, field) end
  end
end
