#!lua flags=allow-oom
-- move takes named descriptors off one lane and pushes them to another route's.
-- KEYS 1 the shard's counts
-- ARGV 1 route, 2 priority, 3 account, 4 the new route ('': that of each
--      block), 5… descriptors
-- Answers {moved, now}
-- Safe to run twice: it moves what is still in the lane it names.
local ra, account = ARGV[1] .. ':' .. ARGV[2], ARGV[3]
local key = P .. 'queue:' .. ra .. ':' .. account
local plans = {}

-- hash is the number of a route: FNV-1a of 32 bits, as queue.routeNumber.
local function hash(route)
  local h = 2166136261
  for k = 1, #route do
    local low, c, x, bit = h % 256, byte(route, k), 0, 1
    for _ = 1, 8 do
      if low % 2 ~= c % 2 then x = x + bit end
      low, c, bit = floor(low / 2), floor(c / 2), bit * 2
    end
    h = h - h % 256 + x
    -- times 16777619 = 2^24 + 403, modulo 2^32, within 53 bits
    h = (h % 256 * 16777216 + h * 403) % 4294967296
  end
  return math.max(h, 1)
end

for a = 5, #ARGV do
  local d = ARGV[a]
  local name, from, n, campaign = string.match(d, '^(%w+)/(%d+)/(%d+)/(%w*)/%d+$')
  local b = name and open(name)
  if b and accountOf(b) ~= '' and from + n <= b[B_N] then
    plans[#plans + 1] = { d = d, b = b, from = tonumber(from), n = tonumber(n), campaign = campaign,
      to = ARGV[4] ~= '' and ARGV[4] or (wordsOf(b)) }
  end
end
local moved = 0
for _, p in ipairs(plans) do
  if p.to ~= ARGV[1] and call('LREM', key, 1, p.d) == 1 then
    moved = moved + 1
    local number = hash(p.to)
    call('HSETNX', P .. 'routes', number, p.to)
    names[p32(number)] = p.to
    for i = p.from, p.from + p.n - 1 do
      local x = part(p.b, i)
      if x[STATE] <= RETRY then
        countWaiting(p.b, x, p.campaign, -1)
        x[ENDED_AT] = p32(number)
        countWaiting(p.b, x, p.campaign, 1)
        change(p.b, i, x)
      end
    end
    push(p.to .. ':' .. ARGV[2], account, { p.d })
  end
end
if moved > 0 then
  if call('EXISTS', key) == 0 then call('LREM', P .. 'ring:' .. ra, 0, account) end
  save()
  saveCounts()
  ringBells()
end
return { moved, now }
