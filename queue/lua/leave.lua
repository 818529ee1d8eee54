#!lua flags=allow-oom
-- leave removes the row of an owner that exits and owes nothing.
-- KEYS 1 the shard's counts
-- ARGV 1 owner
-- Answers {1, now} when the row is gone, {0, now} when it owes something
-- Safe to run twice: a row that is gone is gone.
local owner = ARGV[1]
local r = row(owner)
if not r then return { 1, now } end
for _, field in ipairs(call('HKEYS', P .. 'lease:' .. owner)) do
  if find(field, '^%d+$') then return { 0, now } end
end
call('DEL', P .. 'lease:' .. owner)
call('HDEL', P .. 'owners', owner)
return { 1, now }
