-- Looks at a slice of all names for what the published scripts may have left.
--
-- KEYS: the index of spans, for its place. ARGV: cursor, how many names, what goes before every name.
-- Answers the next cursor; event types, each with the number of its logs and their first and last score, by which
-- a change is seen; and the ids of spans that are not counted and have what a span must have.
local prefix = ARGV[3]
local slice = redis.call('SCAN', ARGV[1], 'COUNT', ARGV[2])
local logs, spans = {}, {}

local function starts(text, with) return string.sub(text, 1, #with) == with end

for _, key in ipairs(slice[2]) do
  if starts(key, prefix .. 'span:') then
    if redis.pcall('HGET', key, 'counted') == false then
      local held = redis.call('HMGET', key, 'span_id', 'trace_id', 'start_time')
      if held[1] and held[2] and held[3] then
        spans[#spans + 1] = string.sub(key, #prefix + 6)
      end
    end
  elseif starts(key, prefix .. 'logs:') then
    local count = redis.pcall('ZCARD', key)
    if type(count) == 'number' and count > 0 then
      local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
      local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
      logs[#logs + 1] = string.sub(key, #prefix + 6)
      logs[#logs + 1] = table.concat({count, first[2], last[2]}, ' ')
    end
  end
end
return {slice[1], logs, spans}
