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
if f ~= first or not entry(b, b[B_N]) then
  return { now, tonumber(call('HGET', P .. 'counts', 'forgotten') or 0) }
end
return piecesOf(b, first, last, { now, sub(b[B_RAW], first * 20 + 1, last * 20 + 20), call('HGET', P .. 'notes:' .. b[B_NAME], first) or '' })
