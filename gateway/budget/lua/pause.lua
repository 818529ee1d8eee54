#!lua flags=allow-oom
-- pause: pauses a carrier, or lets it go on.
-- KEYS 1 state (hash)
-- ARGV 1 '1' pause, '0' go on  2 how often it was changed when the caller
--      looked  3 a word of the caller's own for this change
-- Answers 1 if it is done, 0 if somebody was faster: look again.
-- Twice: the last change is known by its word; a late one comes after others
-- and changes nothing.
local seen = redis.call('HMGET', KEYS[1], 'pauses', 'pause_by')
if seen[2] == ARGV[3] then return 1 end
if (seen[1] or '0') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'paused', ARGV[1], 'pauses', string.format('%.0f', tonumber(ARGV[2]) + 1), 'pause_by', ARGV[3])
return 1
