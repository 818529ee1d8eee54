#!lua flags=allow-oom
-- correlate: makes the ids of a batch of submit_sm_resp known, where the
-- transaction that does so as a rule (home_epoch.go) does not do: the first call
-- of an epoch, a full Redis, an answer that was lost.
-- KEYS 1 state  2 early
-- ARGV 1 receipt clock, ms; then for each response
--      its id in normal form, and its part (22 + 4) with the destination's last digits
-- Answers 1 if receipts are parked at all, else 0: the caller then asks for
-- those that lie under its ids. An id that is known already names the newer
-- part from now on.
-- Twice: writes the same fields again.
local EPOCH = 28800
local seconds = tonumber(redis.call('TIME')[1])
local clock = tonumber(ARGV[1])
local epoch = math.floor(seconds / EPOCH)
local name = string.format('%.0f', epoch)
local ids = string.sub(KEYS[1], 1, -6) .. 'ids:' .. name

-- The living epochs, newest first, each with the longest receipt clock that
-- somebody had when he wrote to it.
local listed, entry = {}, nil
for e, c in string.gmatch(redis.call('HGET', KEYS[1], 'epochs') or '', '(%d+):(%d+)') do
  listed[#listed + 1] = {tonumber(e), tonumber(c)}
  if e == name then entry = listed[#listed] end
end
if #ARGV < 3 then return redis.call('EXISTS', KEYS[2]) end

redis.call('HSET', ids, unpack(ARGV, 2))
if not entry or entry[2] < clock then
  if entry then entry[2] = clock else listed[#listed + 1] = {epoch, clock} end
  table.sort(listed, function(a, b) return a[1] > b[1] end)
  local out = {}
  for i, l in ipairs(listed) do out[i] = string.format('%.0f:%.0f', l[1], l[2]) end
  redis.call('HSET', KEYS[1], 'epochs', table.concat(out, ' '))
  redis.call('PEXPIREAT', ids, string.format('%.0f', (epoch + 4) * EPOCH * 1000 + clock))
end
return redis.call('EXISTS', KEYS[2])
