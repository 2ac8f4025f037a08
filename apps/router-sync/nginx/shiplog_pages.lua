-- What the router says itself, and whom it says so: apps that start or are being maintained.

local M = { texts = {} }

local MEDIA = {
  html = "text/html; charset=utf-8",
  json = "application/problem+json",
  text = "text/plain; charset=utf-8",
}
local STATUS = {
  ["unknown-host"] = 404, ["no-instance"] = 503, ["starting"] = 503, ["maintenance"] = 503,
  ["address-denied"] = 403, ["length-required"] = 411, ["body-too-large"] = 413, ["busy"] = 503,
  ["password-required"] = 401, ["rate-limited"] = 429, ["instance-failed"] = 502, ["instance-silent"] = 504,
}
local RETRY_AFTER = {
  ["no-instance"] = "5", ["starting"] = "5", ["maintenance"] = "60", ["rate-limited"] = "1",
  ["instance-failed"] = "1", ["busy"] = "1",
}
-- As `AUTHENTICATE` of pages.ts has it.
local AUTHENTICATE = 'Basic realm="app", charset="UTF-8"'
local BY_STATUS = { [404] = "unknown-host", [502] = "instance-failed", [503] = "no-instance", [504] = "instance-silent" }

-- `<name>/<form> <page>` a line.
function M.load(path)
  local file = io.open(path, "r")
  if file == nil then return end
  for line in file:lines() do
    local key, text = line:match("^(%S+) (.+)$")
    if key ~= nil then M.texts[key] = text end
  end
  file:close()
end

local function form_of(accept)
  if accept == nil then return "text" end
  if accept:find("text/html", 1, true) then return "html" end
  return accept:find("json", 1, true) and "json" or "text"
end

-- As `notice.ts` of router-sync has it.
local function is_prefix(text)
  local digits = text:match("^8:([%dA-F]*)$")
  if digits ~= nil then return #digits <= 8 end
  digits = text:match("^32:([%dA-F]*)$")
  return digits ~= nil and #digits <= 32
end

-- `starting`, or `maintenance <page or -> <addresses or ->`.
function M.is_notice(text)
  if text == "starting" then return true end
  local page, allowed = text:match("^maintenance (%S+) (%S+)$")
  if page == nil or not (page == "-" or page:find("^[%w+/]+=?=?$")) then return false end
  if allowed == "-" then return true end
  for one in (allowed .. ","):gmatch("([^,]*),") do
    if not is_prefix(one) then return false end
  end
  return true
end

local function client()
  local address = ngx.var.binary_remote_addr
  return #address * 2 .. ":" .. address:gsub(".", function(byte)
    return string.format("%02X", byte:byte())
  end)
end

-- The page that stands between a client and an app in maintenance, if one does.
function M.barred(notice)
  local page, allowed = (notice or ""):match("^maintenance (%S+) (%S+)$")
  if page == nil then return nil end
  local own = client()
  for one in allowed:gmatch("[^,-]+") do
    if own:sub(1, #one) == one then return nil end
  end
  return page
end

-- `name`: of a page, or a status that stands for one. `own`: base64 of HTML that an app has for it. `retry`: after
-- how many seconds it may be tried again, where it depends.
function M.say(name, status, own, retry)
  name = STATUS[name] ~= nil and name or BY_STATUS[status] or "instance-failed"
  local form = form_of(ngx.var.http_accept)
  ngx.status = STATUS[name]
  ngx.header.content_type = MEDIA[form]
  ngx.header.retry_after = retry ~= "" and retry or RETRY_AFTER[name]
  ngx.header.cache_control = "no-store"
  ngx.header["X-Shiplog-Router"] = name
  if name == "password-required" then ngx.header["WWW-Authenticate"] = AUTHENTICATE end
  local text = form == "html" and own ~= nil and own ~= "-" and ngx.decode_base64(own)
  ngx.say(text or M.texts[name .. "/" .. form] or name)
end

return M
