#!lua flags=allow-oom
-- cancel ends all parts of one message, or none.
-- KEYS 1 the shard's counts
-- ARGV 1 block, 2 number of the message's first part, 3 account
-- Answers {'canceled', now} (also when it was before) | {'sent', now} when a part
--      is leased, was maybe sent, or has ended | {'absent', now, forgotten}
-- Safe to run twice: a canceled message is answered as done.
local b, first = open(ARGV[1]), tonumber(ARGV[2])
local f, last
if b then f, last = message(b, first) end
if f ~= first or accountOf(b) ~= ARGV[3] then
  return { 'absent', now, b and 0 or tonumber(call('HGET', P .. 'counts', 'forgotten') or 0) }
end
if part(b, first)[STATE] == CANCELED then return { 'canceled', now } end
for i = first, last do
  local x = part(b, i)
  if x[STATE] > RETRY or has(x, MAYBE) or has(x, TAKEN) then return { 'sent', now } end
end
for i = first, last do
  local x = part(b, i)
  x[CARRIER], x[ERROR] = '\0\0', '\0\0'
  final(b, i, x, first, last, CANCELED)
end
saveAll()
return { 'canceled', now }
