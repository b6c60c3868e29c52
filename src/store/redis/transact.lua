-- Writes one record: checks its guards, then runs its commands; nothing runs in between.
--
-- ARGV: the number of guards, the guards, the commands. A key is an index into KEYS.
-- guard:   'absent' key | 'unlisted' key member | 'field' key name held
-- command: number of arguments, name, key, arguments
--
-- Answers 'written', 'done' if the record's marker or member is there, or 'changed' if a field is not what it was.
-- Besides the server's commands there are some of our own, each below with its arguments.
local at = 1
local function take()
  at = at + 1
  return ARGV[at - 1]
end

local own = {}

-- name time [field value]…: sets the fields of a hash, and its time under name, unless the hash holds a later time.
function own.NEWER(key, name, time, ...)
  local held = redis.call('HGET', key, name)
  if not held or tonumber(held) <= tonumber(time) then redis.call('HSET', key, name, time, ...) end
end

-- [name time id text]…: sets each field of a hash to its time, id and text, unless it holds an earlier time, or an
-- earlier id of the same time.
function own.EARLIER(key, ...)
  local arguments = {...}
  for index = 1, #arguments, 4 do
    local name, time, id = arguments[index], arguments[index + 1], arguments[index + 2]
    local held = redis.call('HGET', key, name)
    local held_time, held_id = string.match(held or '', '^(-?%d+)|([^|]*)|')
    local is_first = not held_time or tonumber(time) < tonumber(held_time)
    if is_first or time == held_time and id <= held_id then
      redis.call('HSET', key, name, table.concat({time, id, arguments[index + 3]}, '|'))
    end
  end
end

-- seconds [field count]…: adds to the counts of a hash that is kept for so long. A count of 0 is none, and one that
-- would be too large for 64 bits is the largest.
function own.TALLY(key, seconds, ...)
  local arguments = {...}
  for index = 1, #arguments, 2 do
    local name, count = arguments[index], arguments[index + 1]
    local sum = redis.pcall('HINCRBY', key, name, count)
    if sum == 0 then
      redis.call('HDEL', key, name)
    elseif type(sum) ~= 'number' then
      local largest = string.sub(count, 1, 1) == '-' and '-9223372036854775808' or '9223372036854775807'
      redis.call('HSET', key, name, largest)
    end
  end
  redis.call('EXPIRE', key, seconds)
end

-- field: deletes a hash that has no such field.
function own.SPENT(key, name)
  if redis.call('HEXISTS', key, name) == 0 then redis.call('DEL', key) end
end

-- seconds minute time value bucket: adds a point to its minute in a hash that is kept for so long.
function own.SAMPLE(key, seconds, minute, time, value, bucket)
  redis.call('HINCRBY', key, minute .. ':count', 1)
  redis.call('HINCRBYFLOAT', key, minute .. ':sum', value)
  own.NEWER(key, minute .. ':time', time, minute .. ':last', value)
  if bucket ~= '' then redis.call('HINCRBY', key, minute .. ':b' .. bucket, 1) end
  redis.call('EXPIRE', key, seconds)
end

for _ = 1, tonumber(take()) do
  local guard, key = take(), KEYS[tonumber(take())]
  if guard == 'absent' then
    if redis.call('EXISTS', key) == 1 then return 'done' end
  elseif guard == 'unlisted' then
    if redis.call('ZSCORE', key, take()) then return 'done' end
  else
    local name, held = take(), take()
    if (redis.call('HGET', key, name) or '') ~= held then return 'changed' end
  end
end

while at <= #ARGV do
  local count, name, key = tonumber(take()), take(), KEYS[tonumber(take())]
  local arguments = {}
  for index = 1, count do arguments[index] = take() end
  if own[name] then
    own[name](key, unpack(arguments))
  else
    redis.call(name, key, unpack(arguments))
  end
end
return 'written'
