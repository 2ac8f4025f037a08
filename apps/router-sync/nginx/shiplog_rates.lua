-- Rates: how many requests each client of an app may send.

-- `<app> <address>` and `<app> =<value of a header>`: when the next request of this client is due in its rate.
-- `<app>`: how many values of a header were counted for the first time of late.
local rates = ngx.shared.shiplog_rates

local PERIODS = { second = 1, minute = 60 }
-- A client writes what it likes into a header. The memory is that of all apps: who is counted last pushes out others.
local VALUES_MAX = 4000

local M = {}

-- Of IPv6 as much as one client has for itself.
function M.by_address(app, address)
  return app .. " " .. (#address == 32 and address:sub(1, 16) or address)
end

-- By the value of a header; by its address where it has none, or where `seconds` brought too many new ones.
local function key_of(policy, app, address, headers, seconds)
  local own = policy.by ~= nil and headers[policy.by] or nil
  if type(own) == "table" then own = own[#own] end
  if own == nil or own == "" then return M.by_address(app, address) end
  local key = app .. " =" .. own:sub(1, 64)
  if rates:get(key) ~= nil then return key end
  local seen = rates:get(app) or 0
  if seen >= VALUES_MAX then return M.by_address(app, address) end
  rates:incr(app, 1, 0, seconds)
  return key
end

-- Seconds until it may come again; nil: it may now, and is counted.
function M.seconds_above(policy, app, address, headers)
  local now, each = ngx.now(), PERIODS[policy.rate] / policy.requests
  -- As long as a client is remembered that sent as much as it may.
  local kept = each * (policy.peak + 1) + 1
  local key = key_of(policy, app, address, headers, kept)
  local due = math.max(rates:get(key) or 0, now) + each
  local wait = due - now - each * policy.peak
  if wait > 0.0005 then return math.max(1, math.ceil(wait)) end
  rates:set(key, due, due - now + 1)
  return nil
end

return M
