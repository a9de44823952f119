-- Marks a session as ended, whether or not it has a state, and as settled.
-- KEYS[1] the session, KEYS[2] the unsettled ones of its partition. ARGV[1] sid, [2] TTL in ms.
redis.call('HSET', KEYS[1], 'e', '1')
if redis.call('PEXPIRE', KEYS[1], ARGV[2], 'NX') == 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
end
return redis.call('SREM', KEYS[2], ARGV[1])
