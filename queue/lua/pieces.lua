-- pieces: what whoever submits or shows messages needs of a body.

-- piecesOf appends to a reply what the body says of the messages of parts from
-- … to: its head, constants and their offset, what is shared, rows and theirs.
local function piecesOf(b, from, to, reply)
  local key = P .. 'block:' .. b[B_NAME]
  local stop = to + 1
  local _, c0, r0 = entry(b, from)
  local _, c1, r1 = entry(b, stop)
  while stop < b[B_N] and c1 == c0 do -- within one message: its end
    stop = stop + 1
    _, c1, r1 = entry(b, stop)
  end
  local _, cEnd = entry(b, b[B_N])
  local _, _, rBegin = entry(b, 0)
  local n = #reply
  reply[n + 1] = call('GETRANGE', key, 0, b[B_AT] + (b[B_N] + 1) * 12 - 1)
  reply[n + 2], reply[n + 3] = call('GETRANGE', key, c0, c1 - 1), c0
  reply[n + 4] = rBegin > cEnd and call('GETRANGE', key, cEnd, rBegin - 1) or ''
  reply[n + 5], reply[n + 6] = call('GETRANGE', key, r0, r1 - 1), r0
  return reply
end
