#!lua flags=allow-oom
-- renew prolongs an owner's row.
-- KEYS 1 the shard's counts
-- ARGV 1 owner, 2 lease in ms, 3… routes that it knows
-- Answers {0, now} when the row is gone or lapsed, else {1, now, what it owes}:
--      number, parts still owed, …
-- Safe to run twice: a late renewal moves the deadline to a lease after it runs,
-- and the owner counts its own from when the call was sent, which is earlier.
local owner, lease = ARGV[1], tonumber(ARGV[2])
local r = row(owner)
if not r or r.lapsed then return { 0, now } end
-- Who was away for more than half a lease starts its unbroken succession of
-- renewals anew, so that two gateways do not reclaim each other after Redis
-- was away; a since ahead of now means that Redis time stepped back.
if r.deadline - now < r.lease / 2 or r.since > now then r.since = now end
r.deadline, r.lease = now + lease, lease
saveRow(owner, r)
for a = 3, #ARGV do call('HSET', P .. 'named', ARGV[a], now) end
local owes, all = {}, call('HGETALL', P .. 'lease:' .. owner)
for k = 1, #all, 2 do
  if find(all[k], '^%d+$') then
    owes[#owes + 1] = all[k]
    owes[#owes + 1] = all[k + 1]
  end
end
return { 1, now, owes }
