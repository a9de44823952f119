-- GCRA as limit.Store defines it. Times in µs, below 2^53; redis.call writes all their digits, which .. would not.
-- KEYS[1] the limit. ARGV: [1] now, [2] interval T, [3] count, [4] cost.
-- Returns -1 when allowed, else in how many µs one would be.
local now, interval, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + math.max(cost, 1) * interval
local over = tat - now - tonumber(ARGV[3]) * interval
if over > 0 then
  return over
end
if cost > 0 then
  redis.call('SET', KEYS[1], tat, 'PX', math.ceil((tat - now) / 1000) + $SLACK)
end
return -1
