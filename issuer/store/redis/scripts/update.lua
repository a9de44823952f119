-- Gives a session what is new of its person; makes no key.
-- KEYS[1] the session. ARGV[1] version, [2] the p field.
local p = redis.call('HGET', KEYS[1], 'p')
if not p then
  return 0
end
-- Versions are compared as decimals: a Lua number holds 2^53 at most.
local old, new = string.match(p, '^%d+') or '', ARGV[1]
if #new < #old or (#new == #old and new <= old) then
  return 0
end
redis.call('HSET', KEYS[1], 'p', ARGV[2])
return 1
