-- Takes, renews or gives up a lease. KEYS: the lease. ARGV: holder, milliseconds, 0 to give it up. Answers 1 unless
-- another holds it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
