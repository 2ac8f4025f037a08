-- What router-sync may ask for: changes, one a line. `table.ts` writes them; nothing else gets into the memory.

local pages = require "shiplog_pages"

local M = {}

function M.is_id(text) return #text <= 64 and text:find("^[%w_-]+$") ~= nil end

-- As `parseDomain` of libs/events has it.
M.PATH_PARTS_MAX, M.WILDCARD_LABELS_MAX = 8, 8
M.HOST_MAX, M.PATH_MAX = 253, 128
function M.is_host(text) return #text <= M.HOST_MAX and text:find("^[a-z0-9][a-z0-9.-]*$") ~= nil end

local function is_domain(text)
  local host, path = text:match("^([^/]*)(.*)$")
  local base = host:match("^%*%.(.+)$") or host
  if not M.is_host(base) or #path > M.PATH_MAX then return false end
  for part in path:gmatch("/([^/]*)") do
    if not part:find("^[%w_~-][%w._~-]*$") then return false end
  end
  return true
end
M.REDIRECTS = { ["301"] = 301, ["302"] = 302, ["307"] = 307, ["308"] = 308 }

-- `<app>`, `<app> strip` or `<app> 308:<host>`.
local function is_bound(text)
  local app, use = text:match("^(%S+) ?(.*)$")
  if app == nil or not M.is_id(app) then return false end
  if use == "" or use == "strip" then return true end
  local status, to = use:match("^(%d+):(.+)$")
  return status ~= nil and M.REDIRECTS[status] ~= nil and M.is_host(to)
end

local function is_number(text, least, most)
  local n = text:find("^%d+$") and tonumber(text)
  return n ~= nil and n and n >= least and n <= most
end
local function is_address(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a == nil then return text:find("^%[[%x:.]+%]$") ~= nil end
  return is_number(a, 0, 255) and is_number(b, 0, 255) and is_number(c, 0, 255) and is_number(d, 0, 255)
end
local STATES = { serving = true, draining = true, out = true }

local function is_instance(line)
  local id, address, port, weight, state = line:match("^(%S+) (%S+) (%S+) (%S+) (%S+)$")
  return id ~= nil and M.is_id(id) and is_address(address) and is_number(port, 1, 65535)
    and is_number(weight, 0, 256) and STATES[state] ~= nil
end

-- As `CANARY_MATCH_PATTERN` of libs/events has it.
local function is_rule(text)
  local name, value = text:match("^header:([a-z0-9][a-z0-9-]*)(.*)$")
  if name == nil then name, value = text:match("^cookie:([%w][%w_-]*)(.*)$") end
  return name ~= nil and #text <= 256 and (value == "" or value:find("^=[%w._-]+$") ~= nil)
end

local function is_match(text)
  local rule, ids = text:match("^(%S+) (%S+)$")
  if rule == nil or not is_rule(rule) then return false end
  if ("," .. ids .. ","):find(",,", 1, true) then return false end
  for id in ids:gmatch("[^,]+") do
    if not M.is_id(id) then return false end
  end
  return true
end

-- `<name of the policy> <part>=<value>&…`, as `traffic-rules.ts` writes it.
local function is_policy(text)
  local name, parts = text:match("^(%S+) (%S+)$")
  if name == nil or name:find("^%x+$") == nil then return false end
  for pair in parts:gmatch("[^&]+") do
    if pair:find("^%l+=[%w:,_-]+$") == nil then return false end
  end
  return true
end

-- Changes, one a line; `app <id> <n>` is followed by the n lines of its instances.
local VERBS = {
  host = function(a, b) return is_domain(a) and is_bound(b) end,
  nohost = function(a) return is_domain(a) end,
  app = function(a, b) return M.is_id(a) and is_number(b, 0, 100000) end,
  noapp = function(a) return M.is_id(a) end,
  match = function(a, b) return M.is_id(a) and is_match(b) end,
  nomatch = function(a) return M.is_id(a) end,
  policy = function(a, b) return M.is_id(a) and is_policy(b) end,
  nopolicy = function(a) return M.is_id(a) end,
  notice = function(a, b) return M.is_id(a) and pages.is_notice(b) end,
  nonotice = function(a) return M.is_id(a) end,
  forget = function(a) return M.is_id(a) end,
  cut = function(a, b) return M.is_id(a) and b:find("^%S+ %d+$") ~= nil end,
}

-- All changes, or the first line that is none. `on_bad` makes it go on: what is bad is left out.
function M.parse(text, on_bad)
  local changes, next_line = {}, text:gmatch("([^\n]*)\n")
  local line = next_line()
  while line ~= nil do
    local verb, a, b = line:match("^(%l+) (%S+) ?(.*)$")
    local is_right = verb ~= nil and VERBS[verb] ~= nil and VERBS[verb](a, b)
    local bad = not is_right and line or nil
    if is_right and verb == "app" then
      local instances = {}
      for i = 1, tonumber(b) do
        instances[i] = next_line() or ""
        if bad == nil and not is_instance(instances[i]) then bad = instances[i] end
      end
      b = table.concat(instances, "\n")
    end
    if bad == nil then
      changes[#changes + 1] = { verb, a, b }
    elseif on_bad == nil then
      return nil, bad
    else
      on_bad(bad)
    end
    line = next_line()
  end
  return changes
end

return M
