-- Who serves: the workers of this configuration and of earlier ones, and what each has in hand.

local ffi = require "ffi"
local health = require "shiplog_health"

ffi.cdef [[
  int kill(int pid, int signal);
  int getpeername(int fd, void *address, unsigned int *length);
  int shutdown(int fd, int how);
]]

-- `<instance> <worker>`: requests and tunnels under way. A key is changed by its own worker only.
local active = ngx.shared.shiplog_active
-- `<app> <worker>`: requests that wait for room.
local waiting = ngx.shared.shiplog_waiting
local cuts = ngx.shared.shiplog_cuts
local workers = ngx.shared.shiplog_workers

local CUT_EVERY_SECONDS = 0.1
local NO_SUCH_PROCESS = 3
local AF_INET, SHUT_RDWR = 2, 2

local M = { configuration = "", connections = 0 }

local function is_alive(pid)
  return ffi.C.kill(pid, 0) == 0 or ffi.errno() ~= NO_SUCH_PROCESS
end

-- Ends connections to one instance by their other ends; nginx then sees that they were closed.
local function cut(address, port)
  local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a == nil then return end
  local peer, length = ffi.new("uint8_t[128]"), ffi.new("unsigned int[1]")
  for fd = 3, M.connections + 100 do
    length[0] = 128
    if ffi.C.getpeername(fd, peer, length) == 0
      and ffi.cast("uint16_t *", peer)[0] == AF_INET
      and peer[2] * 256 + peer[3] == port
      and peer[4] == tonumber(a) and peer[5] == tonumber(b)
      and peer[6] == tonumber(c) and peer[7] == tonumber(d) then
      ffi.C.shutdown(fd, SHUT_RDWR)
    end
  end
end

local has_cut = {}
local function make_cuts()
  local wanted = cuts:get_keys(0)
  if #wanted == 0 then
    if next(has_cut) then has_cut = {} end
    return
  end
  for _, place in ipairs(wanted) do
    if not has_cut[place] then
      has_cut[place] = true
      local address, port = place:match("^(%S+) (%d+)$")
      cut(address, tonumber(port))
    end
  end
end

function M.enter(id)
  local key = id .. " " .. ngx.worker.pid()
  return active:incr(key, 1) ~= nil or active:safe_add(key, 1)
end

function M.leave(id)
  local key = id .. " " .. ngx.worker.pid()
  local left = active:incr(key, -1)
  if left ~= nil and left <= 0 then active:delete(key) end
end

local function in_all(dictionary, id)
  local sum = 0
  for _, pid in ipairs(workers:get_keys(0)) do
    local own = dictionary:get(id .. " " .. pid)
    if own ~= nil and is_alive(tonumber(pid)) then sum = sum + own end
  end
  return sum
end

-- Of an instance, in all workers that live.
function M.in_hand(id) return in_all(active, id) end

-- Requests of an app that wait for room, in all workers that live.
function M.waiting(app) return in_all(waiting, app) end

-- While `attempt` runs, one more waits.
function M.wait(app, attempt)
  local key = app .. " " .. ngx.worker.pid()
  waiting:incr(key, 1, 0)
  attempt()
  if waiting:incr(key, -1, 0) <= 0 then waiting:delete(key) end
end

function M.sessions()
  local lines = {}
  local alive = {}
  for _, pid in ipairs(workers:get_keys(0)) do
    alive[pid] = is_alive(tonumber(pid))
    if alive[pid] then
      lines[#lines + 1] = "worker " .. pid .. " " .. (workers:get(pid) or "")
    else
      workers:delete(pid)
    end
  end
  for _, key in ipairs(active:get_keys(0)) do
    local id, pid = key:match("^(%S+) (%d+)$")
    -- A worker that was killed took its requests with it.
    if alive[pid] then
      lines[#lines + 1] = "active " .. id .. " " .. (active:get(key) or 0)
    else
      active:delete(key)
    end
  end
  return lines
end

function M.start()
  local own = tostring(ngx.worker.pid())
  -- A number is given again.
  for _, key in ipairs(active:get_keys(0)) do
    if key:match(" (%d+)$") == own then active:delete(key) end
  end
  for _, key in ipairs(waiting:get_keys(0)) do
    if key:match(" (%d+)$") == own then waiting:delete(key) end
  end
  workers:set(own, M.configuration)
  ngx.timer.every(CUT_EVERY_SECONDS, make_cuts)
  if ngx.worker.id() == 0 then health.start() end
end

return M
