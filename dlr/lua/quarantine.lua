#!lua flags=allow-oom
-- quarantine: keeps what does not parse for a person to look at.
-- KEYS 1 quarantine (stream)
-- ARGV 1 most entries, about; then the octets of each
-- Answers how many were added. What the newest 64 entries hold is not added
-- again.
-- Twice: the second time all of it is there.
local seen, added = {}, 0
for _, e in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 64)) do seen[e[2][2]] = true end
for i = 2, #ARGV do
  if not seen[ARGV[i]] then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'raw', ARGV[i])
    seen[ARGV[i]], added = true, added + 1
  end
end
return added
