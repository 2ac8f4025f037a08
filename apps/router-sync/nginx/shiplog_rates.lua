-- Rates: how many requests each client of an app may send.

-- `<app> <client>`: when its next request is due in its rate.
local rates = ngx.shared.shiplog_rates

local PERIODS = { second = 1, minute = 60 }

local M = {}

-- Who is counted: what a header says, or the address, of IPv6 as much as one client has for itself.
local function client_of(policy, address, headers)
  local own = policy.by ~= nil and headers[policy.by] or nil
  if type(own) == "table" then own = own[#own] end
  if own ~= nil and own ~= "" then return own:sub(1, 64) end
  return #address == 32 and address:sub(1, 16) or address
end

-- Seconds until it may come again; nil: it may now, and is counted.
function M.seconds_above(policy, app, address, headers)
  local now, key = ngx.now(), app .. " " .. client_of(policy, address, headers)
  local each = PERIODS[policy.rate] / policy.requests
  local due = math.max(rates:get(key) or 0, now) + each
  local wait = due - now - each * policy.peak
  if wait > 0.0005 then return math.max(1, math.ceil(wait)) end
  rates:set(key, due, due - now + 1)
  return nil
end

return M
