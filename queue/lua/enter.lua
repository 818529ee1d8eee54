#!lua flags=allow-oom
-- enter registers an owner.
-- KEYS 1 the shard's counts
-- ARGV 1 owner (new and random), 2 lease in ms, 3 highest block format it reads
-- Answers {ordinal, now}: the ordinal is the upper 10 bits of its lease numbers
-- Safe to run twice: a row that is there stays as it is. A late second run
-- after leave makes a row that owes nothing and goes by reclaim.
local owner = ARGV[1]
local r = row(owner)
if not r then
  r = {
    deadline = now + tonumber(ARGV[2]), since = now, lease = tonumber(ARGV[2]), lapsed = false, format = ARGV[3],
    ordinal = call('HINCRBY', P .. 'owners', '#', 1) % 1024,
  }
  saveRow(owner, r)
end
return { r.ordinal, now }
