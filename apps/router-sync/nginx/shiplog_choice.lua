-- Which instance of an app takes a request.

local workers = require "shiplog_workers"

local routes = ngx.shared.shiplog_routes
local counts = ngx.shared.shiplog_counts
local down = ngx.shared.shiplog_down

local M = {}

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
function M.instances_of(app)
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
function M.session_of(id) return ngx.md5("session " .. id) end

-- The instance that answered this client first, while that takes requests.
local function home_of(app, request)
  if request.session == nil then return nil end
  for _, one in ipairs(app.order) do
    one.session = one.session or M.session_of(one.id)
    if one.session == request.session then return next_of({ one }, 0, request) end
  end
  return nil
end

-- Those whose requests these are come first, whatever their part; where none takes them, it is as any other.
local function choose(request)
  local app, only = M.instances_of(request.app), request.only
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
function M.claim(request)
  while true do
    local one = choose(request)
    if one == nil or not workers.enter(one.id) then return nil end
    if request.limit ~= nil and workers.in_hand(one.id) > request.limit then
      workers.leave(one.id)
      request.full = request.full or {}
      request.full[one.id] = true
    else
      for _, now in ipairs(M.instances_of(request.app).serving) do
        if now.id == one.id then return now end
      end
      workers.leave(one.id)
    end
  end
end

return M
