-- What instances answered: how many, with what, how fast.

local routes = ngx.shared.shiplog_routes
-- By instance: `n:` requests, `e:` errors, `t:` milliseconds of the latest ones.
local counts = ngx.shared.shiplog_counts

local LATENCY_WINDOW = 1024

local M = {}

function M.count(id, is_error, ms)
  counts:incr("n:" .. id, 1, 0)
  if is_error then counts:incr("e:" .. id, 1, 0) end
  if ms == nil then return end
  local sum = counts:get("t:" .. id) or 0
  counts:set("t:" .. id, sum - math.ceil(sum / LATENCY_WINDOW) + ms)
end

function M.forget(id)
  for _, kind in ipairs { "n:", "e:", "t:" } do counts:delete(kind .. id) end
end

-- Of the instances of one app, a line each.
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
