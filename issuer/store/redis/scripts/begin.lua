-- Begins a session's state, unless there is one or an end mark.
-- KEYS[1] the session. ARGV[1] TTL in ms; [2] its e field or ''; then the other fields and values.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'e', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
