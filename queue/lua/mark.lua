#!lua flags=allow-oom
-- mark notes, before the bytes of hold messages are written, that they may be.
-- KEYS 1 the shard's counts
-- ARGV 1 owner, 2 number of the lease; then for each block its name and the
--      numbers of parts, 2 octets each
-- Answers {'marked', now} | {'lapsed', now}
-- Safe to run twice: only what is leased under that number is marked; what has
-- ended meanwhile stays as it is.
local r = row(ARGV[1])
if not r or r.lapsed then return { 'lapsed', now } end
local num4 = p32(tonumber(ARGV[2]))
for a = 3, #ARGV, 2 do
  local b = open(ARGV[a])
  for o = 1, b and #ARGV[a + 1] or 0, 2 do
    local i = u16(ARGV[a + 1], o)
    local x = part(b, i)
    if x and x[STATE] == LEASED and x[LEASE] == num4 then
      x[STATE] = WRITING
      change(b, i, x)
    end
  end
end
save()
return { 'marked', now }
