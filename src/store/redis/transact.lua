-- Writes one record: checks its guards, then runs its commands; nothing runs in between.
--
-- ARGV: the number of guards, the guards, the commands. A key is an index into KEYS.
-- guard:   'absent' key | 'field' key name held
-- command: number of arguments, name, key, arguments
--
-- Answers 'written', 'done' if the record's marker is there, or 'changed' if a field is not what it was.
-- NEWER is a command of our own: `NEWER key name time [field value]…` sets the fields of a hash, and its time
-- under name, unless the hash holds a later time.
local at = 1
local function take()
  at = at + 1
  return ARGV[at - 1]
end

for _ = 1, tonumber(take()) do
  local guard, key = take(), KEYS[tonumber(take())]
  if guard == 'absent' then
    if redis.call('EXISTS', key) == 1 then return 'done' end
  else
    local name, held = take(), take()
    if (redis.call('HGET', key, name) or '') ~= held then return 'changed' end
  end
end

while at <= #ARGV do
  local count, name, key = tonumber(take()), take(), KEYS[tonumber(take())]
  local arguments = {}
  for index = 1, count do arguments[index] = take() end
  if name == 'NEWER' then
    local held = redis.call('HGET', key, arguments[1])
    if not held or tonumber(held) <= tonumber(arguments[2]) then
      redis.call('HSET', key, unpack(arguments))
    end
  else
    redis.call(name, key, unpack(arguments))
  end
end
return 'written'
