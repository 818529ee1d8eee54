-- waiting: where parts that are not owed any more go on waiting: at the head of
-- a lane or in due.
local back, dues = {}, {}

local function isOpen(y) return has(y, TAKEN) or y[STATE] >= LEASED and y[STATE] <= UNCERTAIN end

-- laneFor is where a part goes back to: by its carrier when others of its
-- message are with it or wait for it, else the lane it came from.
local function laneFor(b, i, x, first, last)
  local own = routes[x[CARRIER]]
  for q = first, last do
    local y = part(b, q)
    if own and q ~= i and (isOpen(y) or y[STATE] <= RETRY and y[ENDED_AT] == own) then
      x[ENDED_AT], names[own] = own, '@' .. carriers[x[CARRIER]]
      call('HSETNX', P .. 'routes', u32(own, 1), names[own])
      break
    end
  end
  return routeOf(b, x)
end

-- refile has the sweep look at what is past its validity and not owed any more:
-- while it was leased its block may have been filed for later.
local function refile(b, i)
  local deadline = entry(b, i)
  if deadline and (ticks - deadline) % 4294967296 < 2147483648 then b[B_CLOCK] = now end
end

-- wait puts part i into a lane or due, in runs of one lane, campaign and time.
local function wait(b, i, x, first, last, delay)
  local _, priority = wordsOf(b)
  local ra = laneFor(b, i, x, first, last) .. ':' .. priority
  local _, campaign = constant(b, last)
  local due = delay > 0 and now + delay or 0
  x[STATE] = due > 0 and RETRY or QUEUED
  refile(b, i)
  countWaiting(b, x, campaign, 1)
  local list = due > 0 and dues or back
  local r = list[#list]
  if r and r.b == b and r.stop == i and r.ra == ra and r.campaign == campaign and r.due == due then
    r.stop = i + 1
  else
    list[#list + 1] = { b = b, from = i, stop = i + 1, ra = ra, campaign = campaign, due = due }
  end
end

local function descriptor(r)
  local _, _, since = wordsOf(r.b)
  return r.b[B_NAME] .. '/' .. r.from .. '/' .. r.stop - r.from .. '/' .. r.campaign .. '/' .. since
end

-- saveWaiting pushes what goes back, the first of the call at the very head.
local function saveWaiting()
  local lanes, byKey = {}, {}
  for _, r in ipairs(back) do
    local key = r.ra .. ':' .. r.b[B_ACCOUNT]
    local L = byKey[key]
    if not L then
      L = { ra = r.ra, account = r.b[B_ACCOUNT] }
      byKey[key], lanes[#lanes + 1] = L, L
    end
    L[#L + 1] = descriptor(r)
  end
  for _, L in ipairs(lanes) do push(L.ra, L.account, L, true) end
  for _, r in ipairs(dues) do
    call('ZADD', P .. 'due', r.due, 'r ' .. r.ra .. ':' .. r.b[B_ACCOUNT] .. ' ' .. descriptor(r))
  end
  ringBells()
end
