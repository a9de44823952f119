-- session.Decide, case by case and in its order. What is written is written at the end, at once.
-- KEYS[1] the session, KEYS[2] the unsettled ones of its partition.
-- ARGV: [1] generation presented, [2] who, [3] scope asked, [4] audience asked, [5] key id, [6] idle, [7] window, [8] now; times in ms.
-- Returns a letter (the outcome), 0 or 1 (ended), and the fields d x w s a l u p, a line each.
local v = redis.call('HMGET', KEYS[1], 'd', 'x', 'w', 's', 'a', 'l', 'u', 'p', 'e')
local d, x, w, ended = v[1], v[2], v[3], v[9]
if not d then
  return ended and $OVER .. '1' or $UNKNOWN .. '0'
end
local g, k, n, t, streak, counted, late = string.match(d, '^(%d+) (%d+) (%-?%d+) (%-?%d+) (%d+) (%d) (%d+)$')
g = tonumber(g)
local p, now, absolute = tonumber(ARGV[1]), tonumber(ARGV[8]), tonumber(x)

-- Whether everything asked was granted; both end each element with a space.
local function within(asked, granted)
  granted = ' ' .. granted
  for one in string.gmatch(asked, '[^ ]* ') do
    if not string.find(granted, ' ' .. one, 1, true) then
      return false
    end
  end
  return true
end

local outcome
if ended or now >= absolute or now >= tonumber(n) then
  outcome = $OVER
elseif w ~= ARGV[2] then
  outcome = string.match(w, '^[^ ]*') ~= string.match(ARGV[2], '^[^ ]*') and $CLIENT or $KEY
elseif ARGV[3] ~= '' and not within(ARGV[3], v[4]) then
  outcome = $SCOPE
elseif ARGV[4] ~= '' and not within(ARGV[4], v[5]) then
  outcome = $AUDIENCE
elseif p >= g then
  outcome = $ROTATED
  if p > g then
    outcome, g, counted = $ADOPTED, p, '0'
  end
  -- advance: the next generation is current
  if counted == '0' then
    streak = '0'
  end
  local ends = now + tonumber(ARGV[6])
  if ends > absolute then
    ends = absolute
  end
  d = string.format('%.0f %s %.0f %s %s 0 %s', (g + 1) % 4294967296, ARGV[5], ends, ARGV[8], streak, late)
  redis.call('HSET', KEYS[1], 'd', d)
  redis.call('PEXPIRE', KEYS[1], ends - now + $GRACE)
else
  -- retry: of the token before the current one; an older one is reuse
  local since = now - tonumber(t)
  outcome = $REPLAYED
  if p ~= g - 1 then
    outcome = $REUSED
  elseif since <= $FREE then
  elseif since <= tonumber(ARGV[7]) then
    if counted == '0' then
      streak, counted = tonumber(streak) + 1, '1'
      if streak >= $STREAK then
        outcome = $REUSED
      end
    end
  elseif late == '0' or (g - tonumber(late)) % 4294967296 >= $EVERY then
    late = g
  else
    outcome = $REUSED
  end
  if outcome == $REPLAYED then
    d = string.format('%.0f %s %s %s %s %s %s', g, k, n, ARGV[8], streak, counted, late)
    redis.call('HSET', KEYS[1], 'd', d)
  else
    -- The mark must stay as long as anybody could begin this session again.
    local rest = absolute - now + $GRACE
    ended = 'u'
    redis.call('HSET', KEYS[1], 'e', ended)
    redis.call('PEXPIRE', KEYS[1], rest)
    local sid = string.sub(KEYS[1], #KEYS[2] - #'unsettled' + 1) -- the keys differ after the partition
    redis.call('SADD', KEYS[2], sid)
    if redis.call('PEXPIRE', KEYS[2], rest, 'NX') == 0 then
      redis.call('PEXPIRE', KEYS[2], rest, 'GT')
    end
  end
end
return outcome .. (ended and '1' or '0') .. d .. '\n' .. x .. '\n' .. w .. '\n' .. v[4] .. '\n' .. v[5] .. '\n' .. v[6] .. '\n' .. v[7] .. '\n' .. v[8]
