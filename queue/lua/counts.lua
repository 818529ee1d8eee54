-- counts: parts that wait. Fields: q:<route>:<priority> in lanes,
-- r:<route>:<priority> waiting for a retry, s scheduled, h held, and, of all of
-- these, a:<account> and c:<account>:<campaign>. Written once a call.
local delta = {}

local function count(field, n)
  delta[field] = (delta[field] or 0) + n
end

local function saveCounts()
  for field, n in pairs(delta) do
    if n ~= 0 and call('HINCRBY', P .. 'counts', field, n) == 0 then
      call('HDEL', P .. 'counts', field)
    end
  end
end
