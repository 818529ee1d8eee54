#!lua flags=allow-oom
-- forget: removes ids whose part has its final.
-- KEYS 1 state
-- ARGV for each: the id, the part (22 + 4) that it named
-- Answers how many were removed. An id that names another part by now stays.
-- Twice: the second time there is nothing.
local prefix = string.sub(KEYS[1], 1, -6)
local ids, gone = {}, 0
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
if #ids == 0 then return 0 end
for e in string.gmatch(redis.call('HGET', KEYS[1], 'epochs') or '', '(%d+):') do
  local key = prefix .. 'ids:' .. e
  local values, remove = redis.call('HMGET', key, unpack(ids)), {}
  for i = 1, #ids do
    if values[i] and string.sub(values[i], 1, 26) == ARGV[2 * i] then remove[#remove + 1] = ids[i] end
  end
  if #remove > 0 then gone = gone + redis.call('HDEL', key, unpack(remove)) end
  if gone >= #ids then break end
end
return gone
