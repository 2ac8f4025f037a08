-- Requests that certain instances get whatever their part: those of a canary, by a header or a cookie.

local routes = ngx.shared.shiplog_routes

local M = {}

local function is_wanted(value, wanted) return wanted == "" or value == wanted end

-- Where the text from `from` to `to` ends without the space after it.
local function without_space(text, from, to)
  while to >= from and (text:byte(to) == 32 or text:byte(to) == 9) do to = to - 1 end
  return to
end

-- Is this cookie among those of a client? No byte is looked at more than a few times, whatever the client wrote.
local function has_cookie(text, name, wanted)
  local from, start = 1, name .. "="
  while from <= #text do
    local ends = text:find(";", from, true) or #text + 1
    local first = text:find("[^ \t]", from) or ends
    local value = first + #start
    if text:sub(first, value - 1) == start then
      if is_wanted(text:sub(value, without_space(text, value, ends - 1)), wanted) then return true end
    end
    from = ends + 1
  end
  return false
end

-- Has a request the header or the cookie of this rule?
local function is_matched(rule, headers)
  local kind, name, wanted = rule:match("^(%a+):([^=]+)=?(.*)$")
  local values = headers[kind == "header" and name or "cookie"]
  for _, value in ipairs(type(values) == "table" and values or { values }) do
    if kind == "header" then
      if is_wanted(value, wanted) then return true end
    elseif has_cookie(value, name, wanted) then
      return true
    end
  end
  return false
end

-- The instances that take this request whatever their part, if there are such.
function M.only_for(app, headers)
  local rule, ids = (routes:get("m:" .. app) or ""):match("^(%S+) (%S+)$")
  if rule == nil or not is_matched(rule, headers) then return nil end
  local only = {}
  for id in ids:gmatch("[^,]+") do only[id] = true end
  return only
end

return M
