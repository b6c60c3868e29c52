-- Writes one record: checks its guards, then runs its commands; nothing runs in between.
--
-- ARGV: the number of guards, the guards, the commands. A key is an index into KEYS.
-- guard:   'absent' key | 'unlisted' key member | 'field' key name held
-- command: number of arguments, name, key, arguments
--
-- Answers 'written', 'done' if the record's marker or member is there, or 'changed' if a field is not what it was.
-- Besides the server's commands there are some of our own, each below with its arguments, which lie in ARGV from `first`
-- to `last`: to copy them would take longer than what is done with them.
local at, call = 1, redis.call
local function take()
  at = at + 1
  return ARGV[at - 1]
end

local own = {}

-- name time [field value]…: sets the fields of a hash, and its time under name, unless the hash holds a later time.
function own.NEWER(key, first, last)
  local held = call('HGET', key, ARGV[first])
  if not held or tonumber(held) <= tonumber(ARGV[first + 1]) then call('HSET', key, unpack(ARGV, first, last)) end
end

-- [name time id text]…: sets each field of a hash to its time, id and text, unless it holds an earlier time, or an
-- earlier id of the same time.
function own.EARLIER(key, first, last)
  for index = first, last, 4 do
    local name, time, id = ARGV[index], ARGV[index + 1], ARGV[index + 2]
    local held_time, held_id = string.match(call('HGET', key, name) or '', '^(-?%d+)|([^|]*)|')
    local is_first = not held_time or tonumber(time) < tonumber(held_time)
    if is_first or time == held_time and id <= held_id then
      call('HSET', key, name, table.concat({time, id, ARGV[index + 3]}, '|'))
    end
  end
end

-- seconds [field count]…: adds to the counts of a hash. A count of 0 is none, and one that would be too large for 64 bits
-- is the largest. A hash that has not had the first field is kept for so long from now on.
function own.TALLY(key, first, last)
  for index = first + 1, last, 2 do
    local name, count = ARGV[index], ARGV[index + 1]
    local sum = redis.pcall('HINCRBY', key, name, count)
    if sum == 0 then
      call('HDEL', key, name)
    elseif type(sum) ~= 'number' then
      call('HSET', key, name, string.sub(count, 1, 1) == '-' and '-9223372036854775808' or '9223372036854775807')
    elseif index == first + 1 and sum == tonumber(count) then
      call('EXPIRE', key, ARGV[first])
    end
  end
end

-- field: deletes a hash that has no such field.
function own.SPENT(key, first)
  if call('HEXISTS', key, ARGV[first]) == 0 then call('DEL', key) end
end

-- seconds minute time value bucket: adds a point to its minute in a hash, which is kept for so long from the minute on.
function own.SAMPLE(key, first)
  local seconds, minute, time, value, bucket = unpack(ARGV, first, first + 4)
  if call('HINCRBY', key, minute .. ':count', 1) == 1 then call('EXPIRE', key, seconds) end
  call('HINCRBYFLOAT', key, minute .. ':sum', value)
  local held = call('HGET', key, minute .. ':time')
  if not held or tonumber(held) <= tonumber(time) then
    call('HSET', key, minute .. ':time', time, minute .. ':last', value)
  end
  if bucket ~= '' then call('HINCRBY', key, minute .. ':b' .. bucket, 1) end
end

for _ = 1, tonumber(take()) do
  local guard, key = take(), KEYS[tonumber(take())]
  if guard == 'absent' then
    if call('EXISTS', key) == 1 then return 'done' end
  elseif guard == 'unlisted' then
    if call('ZSCORE', key, take()) then return 'done' end
  else
    local name, held = take(), take()
    if (call('HGET', key, name) or '') ~= held then return 'changed' end
  end
end

while at <= #ARGV do
  local count, name, key = tonumber(take()), take(), KEYS[tonumber(take())]
  local first, last = at, at + count - 1
  if own[name] then
    own[name](key, first, last)
  else
    call(name, key, unpack(ARGV, first, last))
  end
  at = last + 1
end
return 'written'
