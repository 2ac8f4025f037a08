-- What nginx does with a request of an app. Routes live in memory that all workers share, those of an earlier
-- configuration on their way out too: a change holds for every next request as soon as it was written, and no worker is
-- replaced for it. `shiplog_table` holds them, `shiplog_admin` is how router-sync changes them.

local balancer = require "ngx.balancer"
local access = require "shiplog_access"
local choice = require "shiplog_choice"
local domains = require "shiplog_domains"
local figures = require "shiplog_figures"
local grammar = require "shiplog_grammar"
local health = require "shiplog_health"
local match = require "shiplog_match"
local pages = require "shiplog_pages"
local policies = require "shiplog_policy"
local tls = require "shiplog_tls"
local workers = require "shiplog_workers"

local routes = ngx.shared.shiplog_routes

local REQUEST_SECONDS, TUNNEL_SECONDS = 60, 3600
local ATTEMPTS_MAX = 4

local M = {}

-- As many as HAProxy takes: some of what is done is done for each header of a request.
local HEADERS_MAX = 100
local CLAIMS = { ["forwarded"] = true, ["x-real-ip"] = true, ["x-request-id"] = true }

-- What a client claims about itself goes; what we see is put there by the configuration.
local function drop_claims(headers)
  for name in pairs(headers) do
    local plain = name:lower():gsub("_", "-")
    if CLAIMS[plain] or plain:sub(1, 11) == "x-forwarded" then
      ngx.req.clear_header(name)
      headers[name] = nil
    end
  end
end

-- The cookie of a sticky session is between us and the client: no app sees it.
local function take_session(var)
  local session = var.cookie_shiplog_session
  if session == nil then return nil end
  local kept = {}
  for part in (var.http_cookie or ""):gmatch("[^;]+") do
    local cookie = part:sub(part:match("^ *()"))
    if cookie ~= "" and cookie:sub(1, 16) ~= "shiplog_session=" then kept[#kept + 1] = cookie end
  end
  if #kept == 0 then ngx.req.clear_header("Cookie")
  else ngx.req.set_header("Cookie", table.concat(kept, "; ")) end
  return session
end

-- `var.host` is what nginx routes by: of the request line where that names one, else of the header.
local function is_same_host(header, host)
  return header == nil or header:lower():gsub(":%d*$", ""):gsub("%.$", "") == host
end

-- `page`: a name of shiplog_pages.lua, or a status that stands for one.
local function fail(page)
  ngx.var.shiplog_status = page
  return ngx.exit(ngx.HTTP_INTERNAL_SERVER_ERROR)
end

local function redirect(var, status, origin)
  ngx.header.location = origin .. domains.written_uri(var)
  ngx.status = status
  return ngx.exit(status)
end

-- The app of a request, after what its domain does with it; to answer ends it.
local function arrive(var)
  local uri = domains.written_uri(var)
  local bound, prefix, is_below = domains.bound_to(var.host, uri:match("^[^?]*"))
  if bound == nil then return fail(404) end
  local app, use = bound:match("^(%S+) ?(.*)$")
  local status, to = use:match("^(%d+):(.+)$")
  local secure = tls.secure_origin(var, is_below)
  if secure ~= nil then return redirect(var, 308, secure) end
  if status ~= nil then
    local port = (var.http_host or ""):match(":%d+$") or ""
    return redirect(var, grammar.REDIRECTS[status], var.scheme .. "://" .. to .. port)
  end
  var.shiplog_uri = uri
  if use == "strip" then
    local rest = uri:sub(#prefix + 1)
    var.shiplog_uri = rest:sub(1, 1) == "/" and rest or "/" .. rest
    var.shiplog_prefix = prefix
  end
  return app
end

local SAFE = { GET = true, HEAD = true, OPTIONS = true }

-- Why no instance takes a request: `starting`, `maintenance` for who may pass, or nothing is known of it.
local function nothing_serves(notice)
  return notice ~= nil and notice:match("^%S+") or "no-instance"
end

function M.route()
  local var = ngx.var
  local headers, too_many = ngx.req.get_headers(HEADERS_MAX)
  if too_many or not is_same_host(var.http_host, var.host) then return fail(400) end
  local app = arrive(var)
  var.shiplog_app = app
  local notice = routes:get("n:" .. app)
  if notice ~= nil and pages.barred(notice) then return fail("maintenance") end
  local policy = policies.policy_of(app)
  if policy ~= nil then
    local page, seconds = policies.refusal_of(policy, app, headers)
    if page ~= nil then
      var.shiplog_retry = seconds or ""
      return fail(page)
    end
  end
  if #choice.instances_of(app).serving == 0 then return fail(nothing_serves(notice)) end
  drop_claims(headers)
  local session = take_session(var)
  local id = var.request_id
  var.shiplog_request = table.concat(
    { id:sub(1, 8), id:sub(9, 12), "4" .. id:sub(14, 16), "a" .. id:sub(18, 20), id:sub(21) }, "-")

  local upgrade, accept, method = var.http_upgrade, var.http_accept, ngx.req.get_method()
  local is_stream = accept ~= nil and accept:find("text/event-stream", 1, true) ~= nil
  -- An app that changed to HTTP/2 here would get its next requests past these rules.
  local is_upgrade = upgrade ~= nil and not upgrade:lower():find("h2c", 1, true)
    and (var.http_connection or ""):lower():find("upgrade", 1, true) ~= nil
  if is_upgrade then
    var.shiplog_upgrade, var.shiplog_connection = upgrade, "upgrade"
  elseif SAFE[method] then
    var.shiplog_upstream, var.shiplog_connection = "apps_kept", ""
  end
  local request = {
    app = app,
    policy = policy,
    only = match.only_for(app, headers),
    tried = {},
    attempts = 0,
    is_safe = SAFE[method] == true,
    seconds = (is_stream or is_upgrade) and TUNNEL_SECONDS or REQUEST_SECONDS,
  }
  if policy ~= nil then
    local ms = (is_stream or is_upgrade) and policy.tunnel or not (is_stream or is_upgrade) and policy.response
    if ms then request.seconds = ms / 1000 end
    if policy.sticky ~= nil then request.session = session end
    if policy.auth ~= nil then policies.introduce(policy) end
    if policy.request ~= nil then policies.change_request(policy.request) end
    if policy.concurrency ~= nil and not policies.has_room(request, policy) then
      return fail("busy")
    end
    -- Counted from now on; whatever becomes of the request, `finish` counts it out.
    if request.claimed ~= nil then var.shiplog_instance = request.claimed.id end
  end
  ngx.ctx.shiplog = request
end

-- The last of a list such as `0, 53`, or `0 : ` while the next attempt has nobody yet.
local function of_last_attempt(list)
  return (list or ""):match("([^%s,:]+)[%s,:]*$")
end

-- May it go to another instance? Only what no instance can have begun, or what does no harm twice.
local function after_failure(request, var)
  local id = var.shiplog_instance
  local _, status = balancer.get_last_failure()
  local was_sent = of_last_attempt(var.upstream_bytes_sent) ~= "0"
  workers.leave(id)
  var.shiplog_instance = ""
  if was_sent then
    figures.count(id, true)
    if status == 504 then return 504 end
    -- It may just have closed a connection that was kept: on another one it may answer.
    request.again = id
    return not request.is_safe and 502 or nil
  end
  health.refused(id, request.place)
  return nil
end

function M.balance()
  local request, var = ngx.ctx.shiplog, ngx.var
  if request.attempts > 0 then
    local status = after_failure(request, var)
    if status then return fail(status) end
  end
  request.attempts = request.attempts + 1
  local one = request.claimed or choice.claim(request)
  request.claimed = nil
  if one == nil then
    return fail(request.again and 502 or nothing_serves(routes:get("n:" .. request.app)))
  end
  request.tried[one.id] = true
  request.place = one.address .. " " .. one.port
  var.shiplog_instance = one.id
  balancer.set_timeouts(health.CONNECT_SECONDS, REQUEST_SECONDS, request.seconds)
  if request.attempts < ATTEMPTS_MAX then balancer.set_more_tries(1) end
  balancer.set_current_peer(one.address, one.port)
end

function M.finish()
  access.write()
  local var = ngx.var
  local id = var.shiplog_instance
  if id == nil or id == "" then return end
  workers.leave(id)
  local status = tonumber(of_last_attempt(var.upstream_status) or "")
  -- A client that went away is no evidence against an instance.
  if status == nil or status == 499 then return end
  local seconds = tonumber(of_last_attempt(var.upstream_header_time) or "")
  figures.count(id, status >= 500, status ~= 101 and seconds and math.floor(seconds * 1000 + 0.5) or nil)
end

-- A status that nginx had by itself stands for a page, too.
function M.page()
  local var = ngx.var
  if tonumber(var.shiplog_status) == 400 then
    ngx.status = 400
    ngx.header.content_type = "text/plain"
    return ngx.say("This request is malformed.")
  end
  local notice = var.shiplog_app ~= "" and routes:get("n:" .. var.shiplog_app) or ""
  local own = notice:match("^maintenance (%S+)")
  local is_barred = var.shiplog_status == "maintenance"
  pages.say(var.shiplog_status, tonumber(var.shiplog_status) or ngx.status, is_barred and own or nil,
    var.shiplog_retry)
end

-- A request of the platform itself, or of the authority that asks whether a host is ours.
function M.to_platform() drop_claims((ngx.req.get_headers(HEADERS_MAX))) end

-- Before an answer goes out.
function M.answer()
  tls.answer()
  local request, id = ngx.ctx.shiplog, ngx.var.shiplog_instance
  if request == nil or request.policy == nil or id == "" then return end
  policies.change_answer(request.policy, request, id)
end

return M
