#!lua flags=allow-oom
-- owed tells the parts that one of an owner's leases still owes.
-- KEYS 1 the shard's counts
-- ARGV 1 owner, 2 number of the lease
-- Answers block, part, block, part, …
-- Safe to run twice: it writes nothing.
local list, num4 = {}, p32(tonumber(ARGV[2]))
for name, from, n in string.gmatch(call('HGET', P .. 'lease:' .. ARGV[1], ARGV[2] .. '.d') or '', '(%w+)/(%d+)/(%d+)') do
  local b, f = open(name), tonumber(from)
  for i = f, b and math.min(f + n, b[B_N]) - 1 or -1 do
    if part(b, i)[LEASE] == num4 then
      list[#list + 1] = name
      list[#list + 1] = i
    end
  end
end
return list
