-- Gives a session what is new of its person; makes no key.
-- KEYS[1] the session. ARGV[1] version, [2] the line of the person.
local v = redis.call('GET', KEYS[1])
local before, old = string.match(v or '', '^(.*\n)(%d+) [^\n]*$')
if not old then
  return 0
end
-- Versions are compared as decimals: a Lua number holds 2^53 at most.
local new = ARGV[1]
if #new < #old or (#new == #old and new <= old) then
  return 0
end
redis.call('SET', KEYS[1], before .. ARGV[2], 'KEEPTTL')
return 1
