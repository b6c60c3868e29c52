-- Notes a key's use. KEYS: the keys, their uses. ARGV: id, time. Does nothing where the id is not held, or a later
-- use is noted.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local noted = redis.call('HGET', KEYS[2], ARGV[1])
if noted and tonumber(noted) >= tonumber(ARGV[2]) then return 0 end
return redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
