#!lua flags=allow-oom
-- known: looks ids up in the newest epoch, for find: most receipts are about
-- what was sent lately and need no more.
-- KEYS 1 state
-- ARGV 1 the rules by which the ids were chosen; then ids, in normal form
-- Answers what each names, nil if nothing; {} if the rules are not these.
-- Twice: reads only.
local state = redis.call('HMGET', KEYS[1], 'epochs', 'rules')
local epoch = string.match(state[1] or '', '^%d+')
if not epoch or (state[2] or '') ~= ARGV[1] then return {} end
return redis.call('HMGET', string.sub(KEYS[1], 1, -6) .. 'ids:' .. epoch, unpack(ARGV, 2))
