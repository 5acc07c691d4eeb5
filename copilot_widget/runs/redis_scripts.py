"""The log's methods as Lua: Redis runs each as one step, all of it or nothing.

A script whose flags do not say otherwise is refused as a whole where Redis has no room left. Those that must work all
the same (a lease, a Stop) write a few bytes and say allow-oom. Every reply is an array that begins with "ok" or with
the word for what went wrong. The only clock is Redis's.
"""

from __future__ import annotations

import hashlib

_COMMON = """
local base = KEYS[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local TERMINAL = {completed = true, failed = true, stopped = true}
local INFO = {'thread', 'owner', 'status', 'prompt', 'created', 'updated', 'worker', 'fence', 'last_seq'}

local function key(kind, id) return base .. kind .. ':' .. id end
local function pair(a, b) return #a .. ':' .. a .. ':' .. b end
local function seconds(value) return string.format('%.6f', value) end
local function whole(value) return string.format('%d', value) end
local function fields(run, ...) return unpack(redis.call('HMGET', key('run', run), ...)) end

local function missing(run)
  return {redis.call('EXISTS', key('gone', run)) == 1 and 'expired' or 'unknown-run'}
end

-- The run of a thread whose turn it is. One whose hash somebody deleted holds up nobody.
local function head(line)
  while true do
    local run = redis.call('LINDEX', key('thread', line), 0)
    if not run or redis.call('EXISTS', key('run', run)) == 1 then return run end
    redis.call('LPOP', key('thread', line))
  end
end

-- Note when a sweep should look at a run.
local function schedule(run)
  local status, line, lease, due, come, stop = fields(run, 'status', 'line', 'lease', 'due', 'come', 'stop')
  local at = nil
  if status and head(line) == run then
    if status == 'queued' then at = now + 1
    elseif status == 'running' then at = tonumber(lease)
    elseif status == 'waiting' then at = (come or stop) and now or (due and tonumber(due))
    end
  end
  if at then redis.call('ZADD', base .. 'due', seconds(at), run) else redis.call('ZREM', base .. 'due', run) end
end

local function has_come(run)
  local status, due, come, stop = fields(run, 'status', 'due', 'come', 'stop')
  return status ~= 'waiting' or come or stop or (due and tonumber(due) <= now)
end

-- Whether the owner may have this run at work beside the others, and `more` that are about to be.
local function has_room(owner, run, limit, more)
  if limit == '' then return true end
  local others = more or 0
  for _, other in ipairs(redis.call('SMEMBERS', key('work', owner))) do
    if fields(other, 'status') ~= 'running' then redis.call('SREM', key('work', owner), other)
    elseif other ~= run then others = others + 1
    end
  end
  return others < tonumber(limit)
end

-- Keep a run that only the owner's limit holds up until one of the others is out of hand.
local function hold(owner, run)
  redis.call('ZADD', key('held', owner), fields(run, 'number'), run)
  redis.call('ZREM', base .. 'due', run)
end

-- Runs that were held up and that the owner has room for now.
local function let_go(owner, limit)
  local free = {}
  for _, run in ipairs(redis.call('ZRANGE', key('held', owner), 0, -1)) do
    local status, line = fields(run, 'status', 'line')
    local able = status and status ~= 'running' and head(line) == run and has_come(run)
    if able and not has_room(owner, run, limit, #free) then break end
    redis.call('ZREM', key('held', owner), run)
    if able then
      schedule(run)
      table.insert(free, run)
    end
  end
  return free
end
"""


class Script:
    """Lua with what all have in common before it; `sha` is what Redis knows it by."""

    def __init__(self, body: str, flags: str = "") -> None:
        self.text = f"#!lua flags={flags}\n{_COMMON}{body}"
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


VERSION = Script(
    """
local known = redis.call('GET', base .. 'version')
if not known then redis.call('SET', base .. 'version', ARGV[1]) end
return {'ok', known or ARGV[1]}
""",
    "allow-oom",
)

CREATE = Script("""
local run, owner, thread, idempotency, request, prompt = unpack(ARGV)
local name = key('key', pair(owner, idempotency))
local known = redis.call('GET', name)
if known then return {'ok', known} end
if redis.call('EXISTS', key('run', run)) == 1 then return {'ok', run} end
local number = redis.call('INCR', base .. 'number')
local line = pair(owner, thread)
redis.call('SET', name, run)
redis.call('DEL', key('gone', run), key('log', run))
redis.call('HSET', key('run', run), 'request', request, 'owner', owner, 'thread', thread, 'line', line, 'key', name,
  'number', number, 'prompt', prompt, 'status', 'queued', 'worker', '', 'created', seconds(now),
  'updated', seconds(now), 'fence', 0, 'tries', 0, 'lease', 0, 'step', 0, 'state_seq', 0, 'last_seq', 0)
redis.call('RPUSH', key('thread', line), run)
for _, old in ipairs(redis.call('ZRANGE', key('owner', owner), 0, 1)) do
  if redis.call('EXISTS', key('run', old)) == 0 then redis.call('ZREM', key('owner', owner), old) end
end
redis.call('ZADD', key('owner', owner), number, run)
schedule(run)
return {'ok', run}
""")

CLAIM = Script("""
local run, worker, lease, takeover, ending, limit, gone = unpack(ARGV)
local status, owner, line, held_until, due, stop, last, state_seq =
  fields(run, 'status', 'owner', 'line', 'lease', 'due', 'stop', 'last_seq', 'state_seq')
if not status then return missing(run) end
if TERMINAL[status] then return {'ok'} end
if status == 'running' and tonumber(held_until) > now and takeover == '' then return {'ok'} end
if ending == '' then
  if head(line) ~= run or not has_come(run) then return {'ok'} end
  if not has_room(owner, run, limit) then
    hold(owner, run)
    return {'ok'}
  end
end
if tonumber(last) > tonumber(state_seq) then
  -- Only its beginning is looked at: a thousand entries take a script ten times as long as they take Redis itself.
  local tail = redis.call('XRANGE', key('log', run), whole(state_seq + 1) .. '-0', '+', 'COUNT', 1)
  if #tail == 0 or tonumber(tail[1][2][2]) ~= state_seq + 1 then
    -- Nobody can go on from a log that lost its end: bury it, so that its thread is not held up for ever.
    redis.call('SET', key('gone', run), 1, 'PX', gone)
    redis.call('DEL', key('run', run), key('log', run))
    redis.call('LREM', key('thread', line), 1, run)
    redis.call('SREM', key('work', owner), run)
    redis.call('ZREM', key('owner', owner), run)
    redis.call('ZREM', base .. 'due', run)
    local following = head(line)
    if following then schedule(following) end
    let_go(owner, limit)
    return {'expired'}
  end
end
local overdue = status == 'waiting' and due and tonumber(due) <= now
local fence = redis.call('HINCRBY', key('run', run), 'fence', 1)
local tries = redis.call('HINCRBY', key('run', run), 'tries', 1)
redis.call('HSET', key('run', run), 'status', 'running', 'worker', worker, 'lease', seconds(now + tonumber(lease)),
  'updated', seconds(now))
redis.call('SADD', key('work', owner), run)
redis.call('ZREM', key('held', owner), run)
schedule(run)
local replies, all = {}, redis.call('HGETALL', key('run', run))
for at = 1, #all, 2 do
  if string.sub(all[at], 1, 6) == 'reply:' then
    table.insert(replies, string.sub(all[at], 7))
    table.insert(replies, all[at + 1])
  end
end
local request, state = fields(run, 'request', 'state')
return {'ok', whole(fence), whole(tries), state_seq, last, request, state, stop, overdue and '1' or '', replies}
""")

APPEND = Script("""
local run, fence, first, count, chunks, limit, keep, gone = unpack(ARGV, 1, 8)
local place = 8
local function take() place = place + 1; return ARGV[place] end

local status, held_by, last, owner, line, stop, name =
  fields(run, 'status', 'fence', 'last_seq', 'owner', 'line', 'stop', 'key')
if not status then return missing(run) end
if fence ~= held_by then return {'stale'} end
if TERMINAL[status] then return {'ended'} end
if status ~= 'running' then return {'stale'} end
first, count, last = tonumber(first), tonumber(count), tonumber(last)
if first > last + 1 then return {'gap', whole(last)} end
if count > 0 and first <= last then
  if first + count - 1 > last then return {'part', whole(last)} end
  count = 0
end
local log = key('log', run)
if count > 0 then
  last = first + count - 1
  redis.call('XADD', log, whole(last) .. '-0', 'first', whole(first), 'attempt', fence, 'ts', seconds(now),
    'chunks', chunks)
end
redis.call('HSET', key('run', run), 'last_seq', whole(last), 'updated', seconds(now))
for _ = 1, tonumber(take()) do redis.call('HSET', key('run', run), 'opened:' .. take(), take()) end

local function tell(ended)
  if count == 0 and ended == '' then return end
  local about = table.concat({whole(last - count + 1), fence, seconds(now), ended}, ' ')
  redis.pcall('PUBLISH', log, about .. '\\n' .. (count > 0 and chunks or '[]'))
end

status = take()
if status == '' then
  tell('')
  return {'ok', stop, {}, {}}
end

local state, due, awaited, replies = take(), take(), {}, {}
local step = redis.call('HINCRBY', key('run', run), 'step', 1)
for _ = 1, tonumber(take()) do
  local id = take()
  local reply = fields(run, 'reply:' .. id)
  redis.call('HSET', key('run', run), 'awaits:' .. id, step)
  if reply then
    table.insert(replies, id)
    table.insert(replies, reply)
  end
end
redis.call('HDEL', key('run', run), 'come', 'due', 'state')
redis.call('HSET', key('run', run), 'tries', 0, 'state_seq', whole(last))
if state ~= '' then redis.call('HSET', key('run', run), 'state', state) end
if due ~= '' then redis.call('HSET', key('run', run), 'due', due) end
if status == 'running' or (status == 'waiting' and (#replies > 0 or stop)) then
  redis.call('HSET', key('run', run), 'tries', 1) -- this attempt goes on with the next step
  tell('')
  return {'ok', stop, replies, {}}
end

redis.call('HSET', key('run', run), 'status', status, 'lease', 0)
redis.call('SREM', key('work', owner), run)
local following = nil
if TERMINAL[status] then
  redis.call('LREM', key('thread', line), 1, run)
  redis.call('ZREM', key('held', owner), run)
  redis.call('HDEL', key('run', run), 'state')
  redis.call('SET', key('gone', run), 1, 'PX', gone)
  for _, each in ipairs({key('run', run), log, name}) do redis.call('PEXPIRE', each, keep) end
  following = head(line)
  if following then schedule(following) end
end
schedule(run)
tell(TERMINAL[status] and status or '')

if following and fields(following, 'status') ~= 'running' and has_come(following) then
  if limit == '' then return {'ok', stop, {}, {following}} end
  hold(owner, following)
end
return {'ok', stop, {}, let_go(owner, limit)}
""")

RENEW = Script(
    """
local kept = {'ok'}
for at = 2, #ARGV, 2 do
  local run = ARGV[at]
  local status, fence, stop = fields(run, 'status', 'fence', 'stop')
  if status == 'running' and fence == ARGV[at + 1] then
    redis.call('HSET', key('run', run), 'lease', seconds(now + tonumber(ARGV[1])))
    schedule(run)
    table.insert(kept, run)
    table.insert(kept, stop)
  end
end
return kept
""",
    "allow-oom",
)

ANSWER = Script("""
local run, id, reply, shown = unpack(ARGV)
local status, step, opened, given, awaits =
  fields(run, 'status', 'step', 'opened:' .. id, 'reply:' .. id, 'awaits:' .. id)
if not status then return missing(run) end
if TERMINAL[status] or not opened or given then return {'ok', ''} end
if shown ~= '' and opened ~= '1' and opened ~= shown then return {'other-call'} end
redis.call('HSET', key('run', run), 'reply:' .. id, reply)
if status == 'waiting' and awaits == step then
  redis.call('HSET', key('run', run), 'come', 1)
  schedule(run)
end
return {'ok', '1'}
""")

POSTPONE = Script(
    """
local run, later = unpack(ARGV)
local status, due = fields(run, 'status', 'due')
if not status then return missing(run) end
if status == 'waiting' and due and tonumber(later) > tonumber(due) then
  redis.call('HSET', key('run', run), 'due', later)
  schedule(run)
end
return {'ok'}
""",
    "allow-oom",
)

STOP = Script(
    """
local run, reason = unpack(ARGV)
local status = fields(run, 'status')
if not status then return missing(run) end
if TERMINAL[status] then return {'ok', ''} end
redis.call('HSETNX', key('run', run), 'stop', reason)
if status == 'waiting' then schedule(run) end
return {'ok', '1'}
""",
    "allow-oom",
)

DUE = Script(
    """
local most, limit = tonumber(ARGV[1]), ARGV[2]
local found = {'ok'}
for _ = 1, 1000 do
  local run = redis.call('ZRANGEBYSCORE', base .. 'due', '-inf', seconds(now), 'LIMIT', #found - 1, 1)[1]
  if not run or #found > most then break end
  local status, owner, line, lease = fields(run, 'status', 'owner', 'line', 'lease')
  if not status or TERMINAL[status] or head(line) ~= run then redis.call('ZREM', base .. 'due', run)
  elseif (status == 'running' and tonumber(lease) > now) or not has_come(run) then schedule(run)
  elseif not has_room(owner, run, limit) then hold(owner, run)
  else table.insert(found, run)
  end
end
return found
""",
    "allow-oom",
)

INFO = Script(
    """
if redis.call('EXISTS', key('run', ARGV[1])) == 0 then return missing(ARGV[1]) end
return {'ok', {fields(ARGV[1], unpack(INFO))}}
""",
    "no-writes",
)

REQUEST = Script(
    """
local request = fields(ARGV[1], 'request')
if not request then return missing(ARGV[1]) end
return {'ok', request}
""",
    "no-writes",
)

RUNS = Script(
    """
local owner, most, place, found = ARGV[1], tonumber(ARGV[2]), 0, {'ok'}
while #found <= most do
  local run = redis.call('ZREVRANGE', key('owner', owner), place, place)[1]
  if not run then break end
  if redis.call('EXISTS', key('run', run)) == 0 then
    redis.call('ZREM', key('owner', owner), run)
  else
    place = place + 1
    table.insert(found, {run, fields(run, unpack(INFO))})
  end
end
return found
""",
    "allow-oom",
)

PAGE = Script(
    """
local run, after, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local status, last = fields(run, 'status', 'last_seq')
if not status then return missing(run) end
local entries = {}
if after < tonumber(last) then
  -- Ids are numbers of events, so that a range of them bounds the page; a batch larger than that comes alone.
  local log, first = key('log', run), whole(after + 1) .. '-0'
  entries = redis.call('XRANGE', log, first, whole(after + most) .. '-0')
  if #entries == 0 then entries = redis.call('XRANGE', log, first, '+', 'COUNT', 1) end
  if #entries == 0 then return {'expired'} end
end
return {'ok', TERMINAL[status] and '1' or '', last, entries}
""",
    "no-writes",
)
