-- Marks a session as ended, whether or not it has a state, and as settled.
-- KEYS[1] the session, KEYS[2] the unsettled ones of its partition. ARGV[1] sid, [2] TTL in ms.
local v, left = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], '1' .. string.sub(v or '', 2), 'PX', math.max(left, ARGV[2] + 0))
return redis.call('SREM', KEYS[2], ARGV[1])
