#!lua flags=allow-oom
-- drop: removes parked receipts that were finished or whose clock is over.
-- KEYS 1 early (hash)  2 looks (sorted set)
-- ARGV for each receipt: what was parked, how many ids it lies under, these ids
-- Answers how many lay there.
-- Twice: the second time there is nothing.
local dropped, i = 0, 1
while i < #ARGV do
  local blob, n, found = string.sub(ARGV[i], 8), tonumber(ARGV[i + 1]), false
  for k = i + 2, i + 1 + n do
    local id = ARGV[k]
    local value = redis.call('HGET', KEYS[1], id)
    if value then
      local pos, rest = 1, {}
      while pos + 17 < #value do
        local size = tonumber(string.sub(value, pos + 14, pos + 17))
        if not size then break end
        if string.sub(value, pos + 18 + 7, pos + 17 + size) == blob then found = true
        else rest[#rest + 1] = string.sub(value, pos, pos + 17 + size) end
        pos = pos + 18 + size
      end
      if #rest == 0 then
        redis.call('HDEL', KEYS[1], id)
        redis.call('ZREM', KEYS[2], id)
      else
        redis.call('HSET', KEYS[1], id, table.concat(rest))
      end
    end
  end
  if found then dropped = dropped + 1 end
  i = i + 2 + n
end
return dropped
