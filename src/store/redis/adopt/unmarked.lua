-- Reads a chunk of logs, newest first, and keeps to itself those that bear our mark.
--
-- KEYS: the logs. ARGV: upper and lower end, how many to pass over, how many to read, the end of a member of ours.
-- Answers how many it read, how many of them lie above the lowest score, that score, and members with their scores.
local read = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES', 'LIMIT', ARGV[3], ARGV[4])
local mark, lowest, above, unmarked = ARGV[5], read[#read] or '', 0, {}
for at = 1, #read, 2 do
  local member, score = read[at], read[at + 1]
  if score ~= lowest then above = above + 1 end
  if string.sub(member, -#mark) ~= mark then
    unmarked[#unmarked + 1] = member
    unmarked[#unmarked + 1] = score
  end
end
return {#read / 2, above, lowest, unmarked}
