-- base: what every script begins with. KEYS[1] is the shard's counts; all other
-- keys are made from its prefix and lie in the same hash slot. Integers are
-- big-endian octets: there is no struct or bit library in every Redis. Words in
-- capitals are numbers that the loader puts in (script.go). What costs in a
-- script is Lua's objects: a string 2 ns an octet, since Redis' Lua hashes all
-- of it (so what is large passes through as an argument, uncut, or not at all), a
-- table with named fields 0.2 µs, a closure 0.07; a GET 0.1, a SETRANGE 0.4. A
-- pattern costs 15 ns an octet that it reads: what there are many of is cut at its marks.
local call, byte, char, sub, find, floor = redis.call, string.byte, string.char, string.sub, string.find, math.floor
local P = sub(KEYS[1], 1, -7)
local clock = call('TIME')
local now = clock[1] * 1000 + floor(clock[2] / 1000)

local function u16(s, i)
  local a, b = byte(s, i, i + 1)
  return a * 256 + b
end

local function u32(s, i)
  local a, b, c, d = byte(s, i, i + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function p32(n)
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return char((n - b) / 256 % 256, b, c, d)
end

-- now in ticks of 16 ms, modulo 2^32.
local ticks = floor(now / 16) % 4294967296
