#!lua flags=allow-oom
-- retire: removes the epochs whose last id has outlived its receipt clock by an
-- epoch.
-- KEYS 1 state
-- ARGV 1 receipt clock, ms
-- Answers how many were removed.
-- Twice: the second time there is nothing.
local EPOCH = 28800000
local ms = redis.call('TIME')[1] * 1000
local prefix = string.sub(KEYS[1], 1, -6)
local keep, gone = {}, {}
for e, c in string.gmatch(redis.call('HGET', KEYS[1], 'epochs') or '', '(%d+):(%d+)') do
  local clock = math.max(tonumber(c), tonumber(ARGV[1]))
  if (tonumber(e) + 2) * EPOCH + clock <= ms then gone[#gone + 1] = prefix .. 'ids:' .. e
  else keep[#keep + 1] = e .. ':' .. c end
end
if #gone > 0 then
  redis.call('UNLINK', unpack(gone))
  redis.call('HSET', KEYS[1], 'epochs', table.concat(keep, ' '))
end
return #gone
