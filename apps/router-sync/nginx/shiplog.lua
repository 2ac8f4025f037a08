-- What nginx does with a request of an app, and how router-sync changes it while nginx serves.
-- Routes live in memory that all workers share, those of an earlier configuration on their way out too:
-- a change holds for every next request as soon as it was written, and no worker is replaced for it.

local balancer = require "ngx.balancer"
local ffi = require "ffi"
local access = require "shiplog_access"
local pages = require "shiplog_pages"

ffi.cdef [[
  int kill(int pid, int signal);
  int getpeername(int fd, void *address, unsigned int *length);
  int shutdown(int fd, int how);
]]

-- `h:<domain>` is an app and what is done with requests, `a:<app>` its instances, one a line, `m:<app>` whose requests go
-- to which of them, `n:<app>` what its clients are told, `p:<app>` what its policy does with its requests.
local routes = ngx.shared.shiplog_routes
-- `<instance> <worker>`: requests and tunnels under way. A key is changed by its own worker only.
local active = ngx.shared.shiplog_active
-- What instances answered, and whose turn it is.
local counts = ngx.shared.shiplog_counts
-- Instances that refused a connection, and where they are.
local down = ngx.shared.shiplog_down
local cuts = ngx.shared.shiplog_cuts
local workers = ngx.shared.shiplog_workers
-- `<app> <client>`: when its next request is due in its rate. `<app> <worker>`: requests that wait for room.
local rates = ngx.shared.shiplog_rates
local waiting = ngx.shared.shiplog_waiting

local CONNECT_SECONDS, REQUEST_SECONDS, TUNNEL_SECONDS = 0.25, 60, 3600
local ATTEMPTS_MAX = 4
-- Who is not asked after is asked by a request again after this time.
local DOWN_SECONDS = 60
local CHECK_EVERY_SECONDS = 0.25
local CUT_EVERY_SECONDS, CUT_KEPT_SECONDS = 0.1, 1
local LATENCY_WINDOW = 1024
local NO_SUCH_PROCESS = 3
local AF_INET, SHUT_RDWR = 2, 2

local M = { platform = "", configuration = "" }

-- Grammar -------------------------------------------------------------------------------------------

local function is_id(text) return #text <= 64 and text:find("^[%w_-]+$") ~= nil end

-- As `parseDomain` of libs/events has it.
local PATH_PARTS_MAX, WILDCARD_LABELS_MAX = 8, 8
local HOST_MAX, PATH_MAX = 253, 128
local function is_host(text) return #text <= HOST_MAX and text:find("^[a-z0-9][a-z0-9.-]*$") ~= nil end

local function is_domain(text)
  local host, path = text:match("^([^/]*)(.*)$")
  local base = host:match("^%*%.(.+)$") or host
  if not is_host(base) or #path > PATH_MAX then return false end
  for part in path:gmatch("/([^/]*)") do
    if not part:find("^[%w_~-][%w._~-]*$") then return false end
  end
  return true
end
local REDIRECTS = { ["301"] = 301, ["302"] = 302, ["307"] = 307, ["308"] = 308 }

-- `<app>`, `<app> strip` or `<app> 308:<host>`.
local function is_bound(text)
  local app, use = text:match("^(%S+) ?(.*)$")
  if app == nil or not is_id(app) then return false end
  if use == "" or use == "strip" then return true end
  local status, to = use:match("^(%d+):(.+)$")
  return status ~= nil and REDIRECTS[status] ~= nil and is_host(to)
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
  return id ~= nil and is_id(id) and is_address(address) and is_number(port, 1, 65535)
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
    if not is_id(id) then return false end
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
  app = function(a, b) return is_id(a) and is_number(b, 0, 100000) end,
  noapp = function(a) return is_id(a) end,
  match = function(a, b) return is_id(a) and is_match(b) end,
  nomatch = function(a) return is_id(a) end,
  policy = function(a, b) return is_id(a) and is_policy(b) end,
  nopolicy = function(a) return is_id(a) end,
  notice = function(a, b) return is_id(a) and pages.is_notice(b) end,
  nonotice = function(a) return is_id(a) end,
  forget = function(a) return is_id(a) end,
  cut = function(a, b) return is_id(a) and b:find("^%S+ %d+$") ~= nil end,
}

-- All changes, or the first line that is none. `on_bad` makes it go on: what is bad is left out.
local function parse(text, on_bad)
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

local function forget(instance)
  for _, kind in ipairs { "n:", "e:", "t:" } do counts:delete(kind .. instance) end
  down:delete(instance)
end

local DO = {
  host = function(a, b) return routes:safe_set("h:" .. a, b) end,
  nohost = function(a) return routes:delete("h:" .. a) end,
  app = function(a, b) return routes:safe_set("a:" .. a, b) end,
  noapp = function(a)
    counts:delete("r:" .. a)
    routes:delete("m:" .. a)
    routes:delete("p:" .. a)
    routes:delete("n:" .. a)
    return routes:delete("a:" .. a)
  end,
  match = function(a, b) return routes:safe_set("m:" .. a, b) end,
  nomatch = function(a) return routes:delete("m:" .. a) end,
  policy = function(a, b) return routes:safe_set("p:" .. a, b) end,
  nopolicy = function(a) return routes:delete("p:" .. a) end,
  notice = function(a, b) return routes:safe_set("n:" .. a, b) end,
  nonotice = function(a) return routes:delete("n:" .. a) end,
  forget = function(a) forget(a) return true end,
  cut = function(_, b) return cuts:safe_set(b, true, CUT_KEPT_SECONDS) end,
}

local KINDS = {
  host = "h:", nohost = "h:", app = "a:", noapp = "a:", match = "m:", nomatch = "m:",
  notice = "n:", nonotice = "n:", policy = "p:", nopolicy = "p:",
}
local PARTS_OF_APP = { "a:", "m:", "p:", "n:" }

-- What is there at the keys that these changes touch; false: nothing.
local function before_of(changes)
  local before = {}
  local function keep(key)
    if before[key] == nil then before[key] = routes:get(key) or false end
  end
  for _, change in ipairs(changes) do
    local verb, name = change[1], change[2]
    if verb == "noapp" then
      for _, kind in ipairs(PARTS_OF_APP) do keep(kind .. name) end
    elseif KINDS[verb] ~= nil then
      keep(KINDS[verb] .. name)
    end
  end
  return before
end

-- False where not all of it found its place again.
local function put_back(before)
  for key, value in pairs(before) do
    if routes:get(key) ~= (value or nil) then routes:delete(key) end
  end
  local is_whole = true
  for key, value in pairs(before) do
    if value and routes:get(key) == nil and not routes:safe_set(key, value) then is_whole = false end
  end
  return is_whole
end

-- First what may find no place; figures and connections, which nothing brings back, when all of it did.
local function carry_out_all(changes)
  for _, is_route in ipairs { true, false } do
    for _, change in ipairs(changes) do
      if (KINDS[change[1]] ~= nil) == is_route then
        local ok, problem = DO[change[1]](change[2], change[3])
        if not ok and problem ~= nil then return problem end
      end
    end
  end
end

-- All changes, or none and what was wrong. Nothing is put out of the table for something else: a route that
-- has no place is refused. (What a bigger value was to replace is gone when it finds no place: it comes back, too.)
local function carry_out(changes)
  local before = before_of(changes)
  local problem = carry_out_all(changes)
  -- A table that could not be put back is another one: whoever keeps a copy of it reads it again.
  if problem == nil or not put_back(before) then routes:incr("generation", 1, 0) end
  return problem
end

local function generation()
  return routes:get("epoch") .. "." .. routes:get("generation")
end

-- Start of nginx and of its workers -----------------------------------------------------------------

-- Today's routes, once: after a reload they are there already.
function M.load(path)
  if routes:get("epoch") ~= nil then return end
  local file = io.open(path, "r")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  local changes = parse(text, function(line) ngx.log(ngx.CRIT, "left out of the routes: ", line) end)
  -- Each for itself: one without a place is no reason to begin without all others.
  for _, change in ipairs(changes) do
    local problem = carry_out({ change })
    if problem then ngx.log(ngx.CRIT, "no place for a route: ", change[1], " ", change[2], ": ", problem) end
  end
  routes:incr("generation", 1, 0)
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
  routes:set("epoch", string.format("%x-%x", ngx.now() * 1000, math.random(0, 0x7fffffff)))
end

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

function M.start_worker()
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
  if ngx.worker.id() == 0 then ngx.timer.every(CHECK_EVERY_SECONDS, ask_all) end
end

-- Choosing an instance ------------------------------------------------------------------------------

local function gcd(a, b)
  while b ~= 0 do a, b = b, a % b end
  return a
end

-- Smooth weighted round robin, written down: each in its part, and evenly spread over the turns.
local function order_of(instances)
  local divisor, total = 0, 0
  for _, one in ipairs(instances) do divisor = gcd(one.weight, divisor) end
  for _, one in ipairs(instances) do
    one.part = one.weight / divisor
    one.credit = 0
    total = total + one.part
  end
  if total == #instances then return instances end
  local order = {}
  for turn = 1, total do
    local best
    for _, one in ipairs(instances) do
      one.credit = one.credit + one.part
      if best == nil or one.credit > best.credit then best = one end
    end
    best.credit = best.credit - total
    order[turn] = best
  end
  return order
end

-- Of each app, as its text was when it was asked for last: who serves, and in which order.
local known, known_count, KNOWN_MAX = {}, 0, 20000
local NOBODY = { serving = {}, order = {} }
local function instances_of(app)
  local text = routes:get("a:" .. app)
  if text == nil then return NOBODY end
  local before = known[app]
  if before ~= nil and before.text == text then return before end
  local serving, with_part = {}, {}
  for id, address, port, weight in text:gmatch("(%S+) (%S+) (%d+) (%d+) serving") do
    local one = { id = id, address = address, port = tonumber(port), weight = tonumber(weight) }
    serving[#serving + 1] = one
    if one.weight > 0 then with_part[#with_part + 1] = one end
  end
  if before == nil then
    if known_count >= KNOWN_MAX then known, known_count = {}, 0 end
    known_count = known_count + 1
  end
  known[app] = { text = text, serving = serving, order = order_of(with_part) }
  return known[app]
end

local function enter(id)
  local key = id .. " " .. ngx.worker.pid()
  return active:incr(key, 1) ~= nil or active:safe_add(key, 1)
end

local function leave(id)
  local key = id .. " " .. ngx.worker.pid()
  local left = active:incr(key, -1)
  if left ~= nil and left <= 0 then active:delete(key) end
end

-- The next in turn that was not tried and has room; one that refused, or `again`, only where there is no other.
local function next_of(order, turn, request)
  local refused
  local tried, again, full = request.tried, request.again, request.full
  for i = 0, #order - 1 do
    local one = order[(turn + i) % #order + 1]
    if full ~= nil and full[one.id] then
      -- It has as much in hand as it may.
    elseif one.id == again then
      refused = refused or one
    elseif not tried[one.id] then
      if not down:get(one.id) then return one end
      refused = refused or one
    end
  end
  return refused
end

-- What is in the cookie of a client that comes back: nothing that leads to an instance from outside.
local function session_of(id) return ngx.md5("session " .. id) end

-- The instance that answered this client first, while that takes requests.
local function home_of(app, request)
  if request.session == nil then return nil end
  for _, one in ipairs(app.order) do
    one.session = one.session or session_of(one.id)
    if one.session == request.session then return next_of({ one }, 0, request) end
  end
  return nil
end

-- In all workers that live: requests in hand of an instance, or those of an app that wait.
local function in_all_workers(dictionary, id)
  local sum = 0
  for _, pid in ipairs(workers:get_keys(0)) do
    local own = dictionary:get(id .. " " .. pid)
    if own ~= nil and is_alive(tonumber(pid)) then sum = sum + own end
  end
  return sum
end

-- Those whose requests these are come first, whatever their part; where none takes them, it is as any other.
local function choose(request)
  local app, only = instances_of(request.app), request.only
  if #app.serving == 0 then return nil end
  local turn = counts:incr("r:" .. request.app, 1, -1) or 0
  if only ~= nil then
    local mine = {}
    for _, one in ipairs(app.serving) do
      if only[one.id] then mine[#mine + 1] = one end
    end
    local one = next_of(mine, turn, request)
    if one ~= nil then return one end
  end
  local home = home_of(app, request)
  if home ~= nil then return home end
  return next_of(app.order, turn, request)
end

-- Who is chosen is counted before it is looked at again: whoever takes an instance out and then sees no
-- request at it may be sure that none comes.
local function claim(request)
  while true do
    local one = choose(request)
    if one == nil or not enter(one.id) then return nil end
    if request.limit ~= nil and in_all_workers(active, one.id) > request.limit then
      leave(one.id)
      request.full = request.full or {}
      request.full[one.id] = true
    else
      for _, now in ipairs(instances_of(request.app).serving) do
        if now.id == one.id then return now end
      end
      leave(one.id)
    end
  end
end

-- The policy of an app -------------------------------------------------------------------------------

local QUEUE_SECONDS, QUEUE_POLL_SECONDS = 5, 0.02
local PERIODS = { second = 1, minute = 60 }

-- `8:0A` and the like: what addresses of a network begin with, by how many digits they have.
local function networks_in(text)
  if text == nil then return nil end
  local networks = {}
  for start in text:gmatch("[^,]+") do networks[start] = true end
  return networks
end

-- `set <name> <value>` and `remove <name>`, one a line.
local function changes_in(text)
  if text == nil then return nil end
  local decoded = ngx.decode_base64((text:gsub("-", "+"):gsub("_", "/")) .. ("="):rep(-#text % 4)) or ""
  local changes = {}
  for verb, name, value in decoded:gmatch("(%l+) ([%l%d-]+) ?([^\n]*)") do
    changes[#changes + 1] = { name = name, value = verb == "set" and value or nil }
  end
  return changes
end

local policies, policy_count = {}, 0
local function policy_of(app)
  local text = routes:get("p:" .. app)
  if text == nil then return nil end
  local before = policies[app]
  if before ~= nil and before.text == text then return before end
  local policy = { text = text }
  for part, value in text:gmatch("(%l+)=([^&]+)") do policy[part] = tonumber(value) or value end
  policy.allow = networks_in(policy.allow)
  policy.deny = networks_in(policy.deny)
  policy.request = changes_in(policy.request)
  policy.answer = changes_in(policy.answer)
  if before == nil then
    if policy_count >= KNOWN_MAX then policies, policy_count = {}, 0 end
    policy_count = policy_count + 1
  end
  policies[app] = policy
  return policy
end

local function hex_of(address)
  return (address:gsub(".", function(byte) return string.format("%02X", byte:byte()) end))
end

local function is_in(networks, address)
  local digits = #address
  for length = 0, digits do
    if networks[digits .. ":" .. address:sub(1, length)] then return true end
  end
  return false
end

-- Who is counted: what a header says, or the address, of IPv6 as much as one client has for itself.
local function client_of(policy, address, headers)
  local own = policy.by ~= nil and headers[policy.by] or nil
  if type(own) == "table" then own = own[#own] end
  if own ~= nil and own ~= "" then return own:sub(1, 64) end
  return #address == 32 and address:sub(1, 16) or address
end

-- Seconds until it may come again; nil: it may now, and is counted.
local function seconds_above_rate(policy, app, address, headers)
  local now, key = ngx.now(), app .. " " .. client_of(policy, address, headers)
  local each = PERIODS[policy.rate] / policy.requests
  local due = math.max(rates:get(key) or 0, now) + each
  local wait = due - now - each * policy.peak
  if wait > 0.0005 then return math.max(1, math.ceil(wait)) end
  rates:set(key, due, due - now + 1)
  return nil
end

-- What keeps a request from the app: a page, and after how many seconds it may be tried again.
local function refusal_of(policy, app, headers)
  local var = ngx.var
  local address = hex_of(var.binary_remote_addr)
  if policy.deny ~= nil and is_in(policy.deny, address) then return "address-denied" end
  if policy.allow ~= nil and not is_in(policy.allow, address) then return "address-denied" end
  if policy.rate ~= nil then
    local seconds = seconds_above_rate(policy, app, address, headers)
    if seconds ~= nil then return "rate-limited", seconds end
  end
  if policy.body ~= nil then
    if (tonumber(var.content_length) or 0) > policy.body then return "body-too-large" end
    if var.http_transfer_encoding ~= nil then return "length-required" end
  end
  return nil
end

-- Claims an instance that has room, as soon as there is one. False: too many wait, or it took too long.
local function has_room(request, policy)
  request.limit = policy.concurrency
  request.claimed = claim(request)
  if request.claimed ~= nil then return true end
  if in_all_workers(waiting, request.app) >= policy.queue then return false end
  local key, ends = request.app .. " " .. ngx.worker.pid(), ngx.now() + QUEUE_SECONDS
  waiting:incr(key, 1, 0)
  repeat
    ngx.sleep(QUEUE_POLL_SECONDS)
    request.full = nil
    request.claimed = claim(request)
  until request.claimed ~= nil or ngx.now() >= ends
  if waiting:incr(key, -1, 0) <= 0 then waiting:delete(key) end
  return request.claimed ~= nil
end

local function change_request(changes)
  for _, change in ipairs(changes) do
    if change.value == nil then
      ngx.req.clear_header(change.name)
    else
      ngx.req.set_header(change.name, change.value)
    end
  end
end

-- Of an answer that an instance gave: its headers, and the cookie of a client that has another one, or none.
function M.answer()
  local request = ngx.ctx.shiplog
  local policy = request ~= nil and request.policy or nil
  local id = ngx.var.shiplog_instance
  if policy == nil or id == "" then return end
  if policy.sticky ~= nil and request.session ~= session_of(id) then
    local cookies = ngx.header["Set-Cookie"]
    cookies = type(cookies) == "table" and cookies or { cookies }
    local secure = ngx.var.https == "on" and "; Secure" or ""
    cookies[#cookies + 1] = "shiplog_session=" .. session_of(id) .. "; Path=/; HttpOnly; SameSite=Lax" .. secure
    ngx.header["Set-Cookie"] = cookies
  end
  for _, change in ipairs(policy.answer or {}) do
    -- What is not there nginx would say of itself: its name, the date.
    ngx.header[change.name] = change.value or "-"
    ngx.header[change.name] = change.value
  end
end

-- A request -----------------------------------------------------------------------------------------

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
local function only_for(app, headers)
  local rule, ids = (routes:get("m:" .. app) or ""):match("^(%S+) (%S+)$")
  if rule == nil or not is_matched(rule, headers) then return nil end
  local only = {}
  for id in ids:gmatch("[^,]+") do only[id] = true end
  return only
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

-- Domains ----------------------------------------------------------------------------------------------

-- The longest path that is there at this host or wildcard.
local function at_host(pattern, paths)
  for i = #paths, 1, -1 do
    local bound = routes:get("h:" .. pattern .. paths[i])
    if bound ~= nil then return bound, paths[i] end
  end
end

-- What is bound for a request: by the host itself, else by the longest wildcard above it. As many questions
-- as a host has labels and a path has parts, whatever the number of domains.
local function bound_to(host, path)
  if #host > HOST_MAX then return nil end
  if not host:find("^[a-z0-9_-][a-z0-9_.-]*$") or host:find("..", 1, true) then return nil end
  local paths, ends = { "" }, 1
  while #paths <= PATH_PARTS_MAX do
    local from, to = path:find("/[^/]*", ends)
    if from == nil or to > PATH_MAX then break end
    if to > 1 then paths[#paths + 1] = path:sub(1, to) end
    ends = to + 1
  end
  local bound, prefix = at_host(host, paths)
  if bound ~= nil then return bound, prefix end
  local below = host:match("^[^.]*%.(.+)$")
  local _, dots = (below or ""):gsub("%.", "")
  while below ~= nil and dots > 0 do
    if dots < WILDCARD_LABELS_MAX then
      bound, prefix = at_host("*." .. below, paths)
      if bound ~= nil then return bound, prefix end
    end
    below, dots = below:match("^[^.]*%.(.+)$"), dots - 1
  end
end

-- Path and query as the client wrote them.
local function written_uri(var)
  local uri = var.request_uri
  return uri:sub(1, 1) == "/" and uri or "/"
end

local function redirect(var, status, to)
  local port = (var.http_host or ""):match(":%d+$") or ""
  ngx.header.location = var.scheme .. "://" .. to .. port .. written_uri(var)
  ngx.status = status
  return ngx.exit(status)
end

-- The app of a request, after what its domain does with it; to answer ends it.
local function arrive(var)
  local uri = written_uri(var)
  local bound, prefix = bound_to(var.host, uri:match("^[^?]*"))
  if bound == nil then return fail(404) end
  local app, use = bound:match("^(%S+) ?(.*)$")
  local status, to = use:match("^(%d+):(.+)$")
  if status ~= nil then return redirect(var, REDIRECTS[status], to) end
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
  local policy = policy_of(app)
  if policy ~= nil then
    local page, seconds = refusal_of(policy, app, headers)
    if page ~= nil then
      var.shiplog_retry = seconds or ""
      return fail(page)
    end
  end
  if #instances_of(app).serving == 0 then return fail(nothing_serves(notice)) end
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
    only = only_for(app, headers),
    tried = {},
    attempts = 0,
    is_safe = SAFE[method] == true,
    seconds = (is_stream or is_upgrade) and TUNNEL_SECONDS or REQUEST_SECONDS,
  }
  if policy ~= nil then
    local ms = (is_stream or is_upgrade) and policy.tunnel or not (is_stream or is_upgrade) and policy.response
    if ms then request.seconds = ms / 1000 end
    if policy.sticky ~= nil then request.session = session end
    if policy.request ~= nil then change_request(policy.request) end
    if policy.concurrency ~= nil and not has_room(request, policy) then
      return fail("busy")
    end
    -- Counted from now on; whatever becomes of the request, `finish` counts it out.
    if request.claimed ~= nil then var.shiplog_instance = request.claimed.id end
  end
  ngx.ctx.shiplog = request
end

local function count(id, is_error, ms)
  counts:incr("n:" .. id, 1, 0)
  if is_error then counts:incr("e:" .. id, 1, 0) end
  if ms == nil then return end
  local sum = counts:get("t:" .. id) or 0
  counts:set("t:" .. id, sum - math.ceil(sum / LATENCY_WINDOW) + ms)
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
  leave(id)
  var.shiplog_instance = ""
  if was_sent then
    count(id, true)
    if status == 504 then return 504 end
    -- It may just have closed a connection that was kept: on another one it may answer.
    request.again = id
    return not request.is_safe and 502 or nil
  end
  down:set(id, request.place, DOWN_SECONDS)
  return nil
end

function M.balance()
  local request, var = ngx.ctx.shiplog, ngx.var
  if request.attempts > 0 then
    local status = after_failure(request, var)
    if status then return fail(status) end
  end
  request.attempts = request.attempts + 1
  local one = request.claimed or claim(request)
  request.claimed = nil
  if one == nil then
    return fail(request.again and 502 or nothing_serves(routes:get("n:" .. request.app)))
  end
  request.tried[one.id] = true
  request.place = one.address .. " " .. one.port
  var.shiplog_instance = one.id
  balancer.set_timeouts(CONNECT_SECONDS, REQUEST_SECONDS, request.seconds)
  if request.attempts < ATTEMPTS_MAX then balancer.set_more_tries(1) end
  balancer.set_current_peer(one.address, one.port)
end

function M.finish()
  access.write()
  local var = ngx.var
  local id = var.shiplog_instance
  if id == nil or id == "" then return end
  leave(id)
  local status = tonumber(of_last_attempt(var.upstream_status) or "")
  -- A client that went away is no evidence against an instance.
  if status == nil or status == 499 then return end
  local seconds = tonumber(of_last_attempt(var.upstream_header_time) or "")
  count(id, status >= 500, status ~= 101 and seconds and math.floor(seconds * 1000 + 0.5) or nil)
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

-- Administration ------------------------------------------------------------------------------------

local function sessions()
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

local NONE = { h = "nohost ", a = "noapp ", m = "nomatch ", n = "nonotice ", p = "nopolicy " }
local SOME = { h = "host ", m = "match ", n = "notice ", p = "policy " }

-- What is there now under a key, as the change that would make it so.
local function now_at(lines, key)
  local kind, name = key:match("^(%a):(.*)$")
  if kind == nil then return end
  local value = routes:get(key)
  if value == nil then
    lines[#lines + 1] = NONE[kind] .. name
  elseif kind ~= "a" then
    lines[#lines + 1] = SOME[kind] .. name .. " " .. value
  else
    local _, breaks = value:gsub("\n", "")
    lines[#lines + 1] = "app " .. name .. " " .. (value == "" and 0 or breaks + 1)
    if value ~= "" then lines[#lines + 1] = value end
  end
end

local function head()
  return table.concat({ "shiplog", M.platform, M.configuration, generation(), ngx.worker.pid() }, " ")
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
    local changes, bad = parse(body())
    if changes == nil then return refuse(422, bad) end
    local problem = carry_out(changes)
    if problem then return refuse(507, problem) end
    local lines, told = { head(), "table" }, {}
    for _, change in ipairs(changes) do
      local key = KINDS[change[1]] and KINDS[change[1]] .. change[2]
      if key and not told[key] then now_at(lines, key) told[key] = true end
    end
    return ngx.print(table.concat(lines, "\n"), "\n")
  end
  local lines = { head() }
  for _, line in ipairs(sessions()) do lines[#lines + 1] = line end
  if ngx.var.arg_known ~= generation() then
    lines[#lines + 1] = "table"
    for _, key in ipairs(routes:get_keys(0)) do now_at(lines, key) end
  end
  ngx.print(table.concat(lines, "\n"), "\n")
end

function M.traffic()
  local lines = {}
  for id in (routes:get("a:" .. (ngx.var.arg_app or "")) or ""):gmatch("([^ \n]+) [^\n]*") do
    local requests, sum = counts:get("n:" .. id) or 0, counts:get("t:" .. id) or 0
    local mean = requests == 0 and 0 or math.ceil(sum / math.min(requests, LATENCY_WINDOW))
    lines[#lines + 1] = table.concat({ id, requests, counts:get("e:" .. id) or 0, mean }, " ")
  end
  ngx.print(table.concat(lines, "\n"), "\n")
end

return M
