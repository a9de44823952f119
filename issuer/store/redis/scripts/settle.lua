-- The ledger knows of the end of a session.
-- KEYS[1] the session, KEYS[2] the unsettled ones of its partition. ARGV[1] sid.
if redis.call('HGET', KEYS[1], 'e') == 'u' then
  redis.call('HSET', KEYS[1], 'e', '1')
end
return redis.call('SREM', KEYS[2], ARGV[1])
