#!lua flags=allow-oom
-- get reads one message.
-- KEYS 1 the shard's counts
-- ARGV 1 block, 2 number of the message's first part
-- Answers {now, forgotten} when the block is gone (the latest second of
--      acceptance of what was removed as history), else {now, slots, notes, head,
--      constants, their offset, shared, row, its offset}
-- Safe to run twice: it writes nothing.
local b, first = open(ARGV[1]), tonumber(ARGV[2])
local f, last
if b then f, last = message(b, first) end
local h = f == first and head(b)
if not h or not entry(b, h, b.n) then
  return { now, tonumber(call('HGET', P .. 'counts', 'forgotten') or 0) }
end
local key = P .. 'block:' .. b.name
local function offsets(i)
  local _, c = entry(b, h, i)
  return c, u32(h.raw, h.table + i * 12 + 9)
end
local c0, r0 = offsets(first)
local c1, r1 = offsets(last + 1)
local cEnd, rBegin = offsets(b.n), u32(h.raw, h.table + 9)
return {
  now, sub(b.raw, first * 20 + 1, last * 20 + 20), call('HGET', P .. 'notes:' .. b.name, first) or '',
  call('GETRANGE', key, 0, h.table + (b.n + 1) * 12 - 1),
  call('GETRANGE', key, c0, c1 - 1), c0,
  rBegin > cEnd and call('GETRANGE', key, cEnd, rBegin - 1) or '', call('GETRANGE', key, r0, r1 - 1), r0,
}
