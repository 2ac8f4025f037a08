-- Instances that refused a connection: asked until they answer.

-- By instance: where it is.
local down = ngx.shared.shiplog_down

local CONNECT_SECONDS = 0.25
local CHECK_EVERY_SECONDS = 0.25
-- Who is not asked after is asked by a request again after this time.
local DOWN_SECONDS = 60

local M = { CONNECT_SECONDS = CONNECT_SECONDS }

-- Of an instance that refused a connection at `place`.
function M.refused(id, place) down:set(id, place, DOWN_SECONDS) end

-- An HTTP answer brings an instance back, any answer: a proxy before it may accept while it does not.
local function ask(id, place)
  local address, port = place:match("^(%S+) (%d+)$")
  local socket = ngx.socket.tcp()
  socket:settimeouts(CONNECT_SECONDS * 1000, 1000, 5000)
  if socket:connect(address, tonumber(port)) then
    socket:send("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: shiplog-router\r\nConnection: close\r\n\r\n")
    local line = socket:receive()
    if line and line:find("^HTTP/1") then down:delete(id) end
  end
  socket:close()
end

local being_asked = {}
local function ask_all(premature)
  if premature then return end
  for _, id in ipairs(down:get_keys(0)) do
    local place = down:get(id)
    if place and not being_asked[id] then
      being_asked[id] = true
      ngx.thread.spawn(function()
        pcall(ask, id, place)
        being_asked[id] = nil
      end)
    end
  end
end

function M.start() ngx.timer.every(CHECK_EVERY_SECONDS, ask_all) end

return M
