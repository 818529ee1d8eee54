#!lua flags=allow-oom
-- forget: removes ids whose part has its final.
-- KEYS 1 state
-- ARGV 1 n; then n ids; then for each the part (22 + 4) that it named
-- Answers how many were removed. An id that names another part by now stays.
-- Twice: the second time there is nothing.
local prefix = string.sub(KEYS[1], 1, -6)
local n, gone = tonumber(ARGV[1]), 0
if n == 0 then return 0 end
for e in string.gmatch(redis.call('HGET', KEYS[1], 'epochs') or '', '(%d+):') do
  local key = prefix .. 'ids:' .. e
  local values, remove = redis.call('HMGET', key, unpack(ARGV, 2, n + 1)), {}
  for i = 1, n do
    local v = values[i]
    if v and string.find(v, ARGV[n + 1 + i], 1, true) == 1 then remove[#remove + 1] = ARGV[i + 1] end
  end
  if #remove > 0 then gone = gone + redis.call('HDEL', key, unpack(remove)) end
  if gone >= n then break end
end
return gone
