-- The ledger knows of the end of a session.
-- KEYS[1] the session, KEYS[2] the unsettled ones of its partition. ARGV[1] sid.
local v = redis.call('GET', KEYS[1])
if v and string.sub(v, 1, 1) == 'u' then
  redis.call('SET', KEYS[1], '1' .. string.sub(v, 2), 'KEEPTTL')
end
return redis.call('SREM', KEYS[2], ARGV[1])
