-- What router-sync is told and may change, at the unix socket.

local grammar = require "shiplog_grammar"
local routing = require "shiplog_table"
local tls = require "shiplog_tls"
local workers = require "shiplog_workers"

local routes = ngx.shared.shiplog_routes

local M = { platform = "" }

local function head()
  return table.concat({ "shiplog", M.platform, workers.configuration, routing.generation(), ngx.worker.pid() }, " ")
end

local function body()
  ngx.req.read_body()
  local path = ngx.req.get_body_file()
  if path == nil then return ngx.req.get_body_data() or "" end
  local file = assert(io.open(path, "r"))
  local text = file:read("*a")
  file:close()
  return text
end

local function refuse(status, text)
  ngx.status = status
  ngx.print(text)
end

-- GET: everything, or only what moves by itself where the asker knows this generation already.
-- POST: changes, all of them or none; the answer is read back.
function M.administer()
  if ngx.req.get_method() == "POST" then
    local changes, bad = grammar.parse(body())
    if changes == nil then return refuse(422, bad) end
    local problem = routing.carry_out(changes)
    if problem then return refuse(507, problem) end
    local lines, told = { head(), "table" }, {}
    for _, change in ipairs(changes) do
      local key = routing.KINDS[change[1]] and routing.KINDS[change[1]] .. change[2]
      if key and not told[key] then routing.now_at(lines, key) told[key] = true end
    end
    return ngx.print(table.concat(lines, "\n"), "\n")
  end
  local lines = { head() }
  for _, line in ipairs(workers.sessions()) do lines[#lines + 1] = line end
  if ngx.var.arg_known ~= routing.generation() then
    lines[#lines + 1] = "table"
    for _, key in ipairs(routes:get_keys(0)) do routing.now_at(lines, key) end
  end
  ngx.print(table.concat(lines, "\n"), "\n")
end

function M.administer_tls() return tls.administer(body) end

return M
