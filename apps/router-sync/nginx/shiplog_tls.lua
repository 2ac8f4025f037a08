-- HTTPS: which certificate a handshake gets, and which hosts are served over https alone.
-- Certificates and keys are in memory that all workers share; they change while nginx serves.

local ssl = require "ngx.ssl"
local domains = require "shiplog_domains"
local grammar = require "shiplog_grammar"

-- `c:<domain>`: SHA-1 of the certificate and PEM of it, its chain and its key. `r:<domain>`: plain requests are
-- sent on to https. `s:<domain>`: for how many seconds browsers are told to use https alone.
local tls = ngx.shared.shiplog_tls

-- `suffix`: `:<port>` where https is not at its usual port; nil: there is no https.
local M = { suffix = nil }

-- Changes -------------------------------------------------------------------------------------------------

local function is_name(text) return grammar.is_host(text:match("^%*%.(.+)$") or text) and #text <= grammar.HOST_MAX end

-- Of its first certificate, as OpenSSL tells it.
local function sha1_of(pem)
  local body = pem:match("%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-(.-)%-%-%-%-%-END CERTIFICATE%-%-%-%-%-")
  local der = body and ngx.decode_base64((body:gsub("%s", "")))
  return der and ngx.sha1_bin(der):gsub(".", function(byte) return string.format("%02X", byte:byte()) end)
end

local function parsed(pem)
  local certificate, problem = ssl.parse_pem_cert(pem)
  if certificate == nil then return nil, problem end
  local key, no_key = ssl.parse_pem_priv_key(pem)
  if key == nil then return nil, no_key end
  return { pem = pem, certificate = certificate, key = key }
end

local function install(domain, pem)
  local sha1 = sha1_of(pem)
  local pair, problem = parsed(pem)
  if sha1 == nil or pair == nil then return "no certificate with its key: " .. (problem or "no PEM") end
  local ok, full = tls:safe_set("c:" .. domain, sha1 .. " " .. pem)
  return not ok and full or nil
end

-- By verb: is it one, and what it does; answers what is wrong. No answer has a key in it.
local VERBS = {
  certificate = { is_name, function(domain, text)
    local pem = ngx.decode_base64(text)
    if pem == nil then return "no base64" end
    return install(domain, pem)
  end },
  nocertificate = { is_name, function(domain) tls:delete("c:" .. domain) end },
  redirect = { is_name, function(host) local ok, full = tls:safe_set("r:" .. host, true) return not ok and full or nil end },
  noredirect = { is_name, function(host) tls:delete("r:" .. host) end },
  hsts = { is_name, function(host, seconds)
    if not seconds:find("^%d+$") then return "no number of seconds" end
    local ok, full = tls:safe_set("s:" .. host, tonumber(seconds))
    return not ok and full or nil
  end },
  nohsts = { is_name, function(host) tls:delete("s:" .. host) end },
}

-- In order, up to the first that is refused; answers which, and why.
local function change(text)
  for line in text:gmatch("([^\n]*)\n") do
    local verb, name, value = line:match("^(%l+) (%S+) ?(.*)$")
    local known = VERBS[verb]
    if known == nil then return "no such change" end
    if not known[1](name) then return verb .. ": no name" end
    local problem = known[2](name, value)
    if problem ~= nil then return verb .. " " .. name .. ": " .. problem end
  end
end

local TELL = {
  c = function(name, value) return "certificate " .. name .. " " .. value:match("^%x+") end,
  r = function(name) return "redirect " .. name end,
  s = function(name, value) return "hsts " .. name .. " " .. value end,
}

-- GET: what is served. POST: changes, one a line.
function M.administer(body)
  if ngx.req.get_method() == "POST" then
    local problem = change(body())
    if problem == nil then return ngx.print("done\n") end
    ngx.status = 422
    return ngx.print(problem)
  end
  ngx.say("tls")
  for _, key in ipairs(tls:get_keys(0)) do
    local kind, name = key:match("^(%l):(.*)$")
    local value = kind and tls:get(key)
    if value ~= nil then ngx.say(TELL[kind](name, value)) end
  end
end

local function text_of(path)
  local file = io.open(path, "r")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

-- What was served before, once: after a reload it is there already. `list`: a file and its domain a line.
function M.load(list, policies)
  if not tls:add("loaded", true) then return end
  for path, domain in text_of(list):gmatch("(%S+) (%S+)\n") do
    local problem = is_name(domain) and install(domain, text_of(path)) or nil
    if problem then ngx.log(ngx.CRIT, "left out of the certificates: ", domain, ": ", problem) end
  end
  local problem = change(text_of(policies))
  if problem then ngx.log(ngx.CRIT, "left out of the policies of https: ", problem) end
end

-- Handshakes ----------------------------------------------------------------------------------------------

-- By domain, as it was when it was asked for last.
local known, known_count, KNOWN_MAX = {}, 0, 10000

local function pair_of(domain)
  local text = tls:get("c:" .. domain)
  if text == nil then return nil end
  local pem = text:match("^%x+ (.*)$")
  if known[domain] ~= nil and known[domain].pem == pem then return known[domain] end
  if known[domain] == nil then
    if known_count >= KNOWN_MAX then known, known_count = {}, 0 end
    known_count = known_count + 1
  end
  known[domain] = parsed(pem)
  return known[domain]
end

-- The certificate of the host itself, else that of a wildcard (which stands for one label); else there is no
-- handshake: nobody gets that of somebody else.
function M.certify()
  local host = (ssl.server_name() or ""):lower()
  local above = host:match("^[^.]+%.(.+)$")
  local pair = pair_of(host) or above and pair_of("*." .. above)
  if not pair then return ngx.exit(ngx.ERROR) end
  if not ssl.set_cert(pair.certificate) or not ssl.set_priv_key(pair.key) then return ngx.exit(ngx.ERROR) end
end

-- Requests ------------------------------------------------------------------------------------------------

-- Whose policy of https a request has: its host's, or the wildcard's that serves it (which stands for one label) where a
-- wildcard domain brought it.
local function secured(host, is_below)
  return is_below and "*." .. (host:match("^[^.]+%.(.+)$") or "") or host
end

-- Where a plain request of this host is sent on to, without its path; nil: it is served.
function M.secure_origin(var, is_below)
  if M.suffix == nil or var.https == "on" or not tls:get("r:" .. secured(var.host, is_below)) then return nil end
  return "https://" .. var.host .. M.suffix
end

-- Before any answer goes out over https.
function M.answer()
  local var = ngx.var
  if var.https ~= "on" then return end
  local own, above = tls:get("s:" .. var.host), tls:get("s:" .. secured(var.host, true))
  if own == nil and above == nil then return end
  local _, _, is_below = domains.bound_to(var.host, domains.written_uri(var):match("^[^?]*"))
  local seconds = is_below and above or not is_below and own or nil
  if seconds ~= nil then ngx.header["Strict-Transport-Security"] = "max-age=" .. seconds end
end

return M
