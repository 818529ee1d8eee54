#!lua flags=allow-oom
-- due moves descriptors whose time has come to their lanes: scheduled ones to
-- the tail, retried ones to the head.
-- KEYS 1 the shard's counts
-- ARGV 1 most parts
-- Answers {moved descriptors, now, due time in ms of the next, -1: none}
-- Safe to run twice: it moves what is still there.
local most, parts, moved = tonumber(ARGV[1]), 0, 0
local heads, tails, gone, dead = {}, {}, {}, {}

-- release makes the waiting parts of a descriptor queued; how many were there.
local function release(b, from, n, campaign)
  local any = 0
  for i = from, from + n - 1 do
    local x = part(b, i)
    if x[STATE] == SCHEDULED or x[STATE] == RETRY then
      countWaiting(b, x, campaign, -1)
      x[STATE] = QUEUED
      countWaiting(b, x, campaign, 1)
      change(b, i, x)
      any = any + 1
    end
  end
  return any
end

local function move(member)
  local kind, ra, account, d = string.match(member, '^([rs]) ([^ :]+:[^ :]+):([^ :]+) (.+)$')
  local name, from, n, campaign
  if kind then name, from, n, campaign = string.match(d, '^(%w+)/(%d+)/(%d+)/(%w*)/%d+$') end
  local b = name and open(name)
  gone[#gone + 1] = member
  if b == false then return end -- ended and past its history
  if not b or accountOf(b) == '' or from + n > b[B_N] then
    dead[#dead + 1] = member
    return
  end
  parts = parts + n
  if release(b, tonumber(from), tonumber(n), campaign) == 0 then return end
  local list = kind == 'r' and heads or tails
  list[#list + 1] = { ra, account, d }
end

for _, member in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, 100)) do
  if parts < most then move(member) end
end
if #gone > 0 then
  save()
  saveCounts()
  call('ZREM', P .. 'due', unpack(gone))
  for k = #heads, 1, -1 do push(heads[k][1], heads[k][2], { heads[k][3] }, true) end
  for _, t in ipairs(tails) do push(t[1], t[2], { t[3] }) end
  for _, d in ipairs(dead) do call('RPUSH', P .. 'dead', d) end
  ringBells()
end
local first = call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
return { #gone, now, first[2] and tonumber(first[2]) or -1 }
