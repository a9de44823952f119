-- session.Decide, case by case and in its order. It reads once and writes once; doc.go draws the value.
-- KEYS[1] the session, KEYS[2] the unsettled ones of its partition.
-- ARGV: [1] generation presented, [2] who, [3] scope asked, [4] audience asked, [5] key id, [6] idle, [7] window, [8] now; times in ms.
-- Returns a letter, the outcome, and the value as it is now; nothing more where there is none.
-- Numbers are converted by + 0 and .. (which print 14 digits): tonumber and string.format take twice the time.
local v = redis.call('GET', KEYS[1])
if not v then
  return $UNKNOWN
end
local ended, g, k, n, t, streak, counted, late, x, w, at =
  string.match(v, '^(.) (%d+) (%d+) (%-?%d+) (%-?%d+) (%d+) (%d) (%d+) (%-?%d+)\n([^\n]*)\n()')
if not g then
  return $OVER .. v -- an end mark
end
g = g + 0
local p, now, absolute = ARGV[1] + 0, ARGV[8] + 0, x + 0

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

if ended ~= '0' or now >= absolute or now >= n + 0 then
  return $OVER .. v
end
if w ~= ARGV[2] then
  local same = string.match(w, '^[^ ]*') == string.match(ARGV[2], '^[^ ]*')
  return (same and $KEY or $CLIENT) .. v
end
if ARGV[3] ~= '' or ARGV[4] ~= '' then
  local scope, audience = string.match(v, '([^\n]*)\n([^\n]*)', at)
  if not within(ARGV[3], scope) then
    return $SCOPE .. v
  end
  if not within(ARGV[4], audience) then
    return $AUDIENCE .. v
  end
end

if p >= g then
  local outcome = $ROTATED
  if p > g then
    outcome, g, counted = $ADOPTED, p, '0'
  end
  -- advance: the next generation is current
  if counted == '0' then
    streak = '0'
  end
  local ends = now + ARGV[6]
  if ends > absolute then
    ends = absolute
  end
  v = '0 ' .. (g + 1) % 4294967296 .. ' ' .. ARGV[5] .. ' ' .. ends .. ' ' .. ARGV[8] .. ' ' .. streak .. ' 0 ' .. late
    .. ' ' .. x .. '\n' .. w .. '\n' .. string.sub(v, at)
  redis.call('SET', KEYS[1], v, 'PX', ends - now + $GRACE)
  return outcome .. v
end

-- retry: of the token before the current one; an older one is reuse
local reused, since = p ~= g - 1, now - t
if reused or since <= $FREE then
  -- nothing is counted
elseif since <= ARGV[7] + 0 then
  if counted == '0' then
    streak, counted = streak + 1, '1'
    reused = streak >= $STREAK
  end
elseif late == '0' or (g - late) % 4294967296 >= $EVERY then
  late = g
else
  reused = true
end
if not reused then
  v = '0 ' .. g .. ' ' .. k .. ' ' .. n .. ' ' .. ARGV[8] .. ' ' .. streak .. ' ' .. counted .. ' ' .. late
    .. ' ' .. x .. '\n' .. w .. '\n' .. string.sub(v, at)
  redis.call('SET', KEYS[1], v, 'KEEPTTL')
  return $REPLAYED .. v
end

-- The mark must stay as long as anybody could begin this session again.
local rest = absolute - now + $GRACE
v = 'u' .. string.sub(v, 2)
redis.call('SET', KEYS[1], v, 'PX', rest)
local sid = string.sub(KEYS[1], #KEYS[2] - #'unsettled' + 1) -- the keys differ after the partition
redis.call('SADD', KEYS[2], sid)
if redis.call('PEXPIRE', KEYS[2], rest, 'NX') == 0 then
  redis.call('PEXPIRE', KEYS[2], rest, 'GT')
end
return $REUSED .. v
