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

-- Adds where a double may not be exact. A sum that 64 bits don't hold is the largest that they do.
local function add_long(key, name, count)
  if type(redis.pcall('HINCRBY', key, name, count)) ~= 'number' then
    local largest = string.sub(count, 1, 1) == '-' and '-9223372036854775808' or '9223372036854775807'
    redis.call('HSET', key, name, largest)
  end
end

-- seconds [field count]…: adds to the counts of a hash, each field once. A count of 0 is none. A hash that has not had
-- the first field is kept for so long from now on.
function own.TALLY(key, seconds, ...)
  local arguments, names, sums, zeros = {...}, {}, {}, {}
  for index = 1, #arguments, 2 do names[#names + 1] = arguments[index] end
  local held = redis.call('HMGET', key, unpack(names))
  for index, name in ipairs(names) do
    local count, before = arguments[2 * index], tonumber(held[index] or '0')
    local sum = before + tonumber(count)
    if math.max(math.abs(before), math.abs(sum)) >= 2 ^ 52 then
      add_long(key, name, count)
    elseif sum == 0 then
      zeros[#zeros + 1] = name
    else
      sums[#sums + 1] = name
      sums[#sums + 1] = string.format('%.0f', sum)
    end
  end
  if #sums > 0 then redis.call('HSET', key, unpack(sums)) end
  if #zeros > 0 then redis.call('HDEL', key, unpack(zeros)) end
  if not held[1] then redis.call('EXPIRE', key, seconds) end
end

-- field: deletes a hash that has no such field.
function own.SPENT(key, name)
  if redis.call('HEXISTS', key, name) == 0 then redis.call('DEL', key) end
end

-- seconds minute time value bucket: adds a point to its minute in a hash, which is kept for so long from the minute on.
function own.SAMPLE(key, seconds, minute, time, value, bucket)
  local count, last, in_bucket = minute .. ':count', minute .. ':time', minute .. ':b' .. bucket
  local held = redis.call('HMGET', key, count, last, in_bucket)
  local fields = {count, (held[1] or 0) + 1}
  local function set(name, to)
    fields[#fields + 1] = name
    fields[#fields + 1] = to
  end
  if not held[2] or tonumber(held[2]) <= tonumber(time) then
    set(last, time)
    set(minute .. ':last', value)
  end
  if bucket ~= '' then set(in_bucket, (held[3] or 0) + 1) end
  redis.call('HSET', key, unpack(fields))
  redis.call('HINCRBYFLOAT', key, minute .. ':sum', value)
  if not held[1] then redis.call('EXPIRE', key, seconds) end
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
