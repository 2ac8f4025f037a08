-- A line for every request that ended, kept until router-sync takes it. The form is that of
-- `access/parse-line.ts`: fields with one space between them, none with a space or a control character.

local lines = ngx.shared.shiplog_access

local LINES_MAX, TAKEN_MAX, PATH_MAX, METHOD_MAX = 20000, 5000, 1000, 32
local M = {}

local function field(text)
  if text == nil or text == "" then return "-" end
  return (text:gsub('[^\33\36-\126]', function(byte) return string.format("#%02X", byte:byte()) end))
end

local function ms(seconds) return math.floor((tonumber(seconds) or 0) * 1000 + 0.5) end

local function termination(status)
  if status == 499 then return "C-" end
  return ngx.var.shiplog_status ~= "" and "S-" or "--"
end

function M.write()
  local var = ngx.var
  local status = tonumber(var.status) or 0
  local _, retries = (var.upstream_addr or ""):gsub(",", "")
  lines:incr("answered", 1, 0)
  local line = table.concat({
    string.format("%.3f", ngx.req.start_time()),
    field(var.shiplog_app), field(var.shiplog_instance), field(var.shiplog_request),
    field((var.request_method or ""):sub(1, METHOD_MAX)), field(var.host and var.host:sub(1, 253)), status,
    var.request_length or 0, var.bytes_sent or 0, ms(var.request_time), 0, retries,
    termination(status), field((var.request_uri or ""):match("^[^?]*"):sub(1, PATH_MAX)),
  }, " ")
  -- A reader that is slow, or away, loses lines; no request waits for it.
  if (lines:llen("lines") or 0) >= LINES_MAX or not lines:lpush("lines", line) then
    lines:incr("lost", 1, 0)
  end
end

-- POST: `answered <n> lost <n>`, then the oldest lines, which are then gone from here. GET: `answered <n>`.
function M.administer()
  local answered = "answered " .. (lines:get("answered") or 0)
  if ngx.req.get_method() ~= "POST" then return ngx.print(answered, "\n") end
  local lost = lines:get("lost") or 0
  if lost > 0 then lines:incr("lost", -lost) end
  local taken = { answered .. " lost " .. lost }
  for i = 2, TAKEN_MAX + 1 do
    local line = lines:rpop("lines")
    if line == nil then break end
    taken[i] = line
  end
  ngx.print(table.concat(taken, "\n"), "\n")
end

return M
