-- counts: parts that wait. In counts: q:<route>:<priority> in lanes,
-- r:<route>:<priority> waiting for a retry, s scheduled, h held. In tallies, of
-- all of these: a:<account> and c:<account>:<campaign>. Written once a call.
local delta = {}

local function count(field, n)
  delta[field] = (delta[field] or 0) + n
end

-- add changes fields of a hash: many, as of many accounts, in one reading and one
-- writing (of those from k on; unpack fails near 8,000). What comes to 0 is gone.
local function add(key, fields, k)
  local stop = math.min(#fields, k + 499)
  if stop - k < 3 then
    for j = k, stop do
      if call('HINCRBY', key, fields[j], delta[fields[j]]) == 0 then call('HDEL', key, fields[j]) end
    end
    return
  end
  local values, set, gone = call('HMGET', key, unpack(fields, k, stop)), {}, {}
  for j = k, stop do
    local n = (tonumber(values[j - k + 1]) or 0) + delta[fields[j]]
    if n == 0 then
      gone[#gone + 1] = fields[j]
    else
      set[#set + 1], set[#set + 2] = fields[j], string.format('%.0f', n)
    end
  end
  if #set > 0 then call('HSET', key, unpack(set)) end
  if #gone > 0 then call('HDEL', key, unpack(gone)) end
  if stop < #fields then add(key, fields, stop + 1) end
end

local function saveCounts()
  local counts, tallies = {}, {}
  for field, n in pairs(delta) do
    local kind = sub(field, 1, 2)
    local list = (kind == 'a:' or kind == 'c:') and tallies or counts
    if n ~= 0 then list[#list + 1] = field end
  end
  add(P .. 'counts', counts, 1)
  add(P .. 'tallies', tallies, 1)
end
