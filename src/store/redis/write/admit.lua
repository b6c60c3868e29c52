-- Admits one series of a metric, or finds that there is no room for it.
--
-- KEYS: the metric's kind, the metric's series, the project's series
-- ARGV: series, kind, '1' if the kind was given, now, forget before, ttl, limit per metric, limit per project
-- Answers the metric's kind, and 'admitted', 'overflow' or 'conflict'.
local series, kind, now = ARGV[1], redis.call('GET', KEYS[1]), ARGV[4]
if kind and kind ~= ARGV[2] and ARGV[3] == '1' then return {kind, 'conflict'} end
if not kind then
  kind = ARGV[2]
  redis.call('SET', KEYS[1], kind)
end
redis.call('EXPIRE', KEYS[1], ARGV[6])

if not redis.call('ZSCORE', KEYS[2], series) then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[5])
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. ARGV[5])
  if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[7]) or redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[8]) then
    return {kind, 'overflow'}
  end
end
for index = 2, 3 do
  redis.call('ZADD', KEYS[index], 'GT', now, series)
  redis.call('EXPIRE', KEYS[index], ARGV[6])
end
return {kind, 'admitted'}
