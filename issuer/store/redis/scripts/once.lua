-- Remembers a name, unless it is remembered. Times in ms.
-- KEYS[1] the name. ARGV: [1] now, [2] until, [3] TTL, [4] what this call is known by: a driver may send it twice.
-- Returns 1 where it was new, else 0.
local v = redis.call('GET', KEYS[1])
if v then
  local ends, call = string.match(v, '^(%-?%d+) (.*)$')
  if call == ARGV[4] then
    return 1
  end
  if ends + 0 > ARGV[1] + 0 then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[4], 'PX', ARGV[3])
return 1
