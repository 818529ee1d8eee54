#!lua flags=allow-oom
-- carrier gives a carrier's number, once and for ever.
-- KEYS 1 bindery:carriers
-- ARGV 1 carrier's id
-- Answers the number, from 1
-- Safe to run twice: an id that has a number keeps it.
local n = redis.call('HGET', KEYS[1], ARGV[1])
if n then return tonumber(n) end
n = redis.call('HLEN', KEYS[1]) + 1
redis.call('HSET', KEYS[1], ARGV[1], n)
return n
