-- The routes in the memory that all workers share, and how they change: all of what is asked for, or nothing.

local figures = require "shiplog_figures"
local grammar = require "shiplog_grammar"

-- `h:<domain>` is an app and what is done with requests, `a:<app>` its instances, one a line, `m:<app>` whose requests go
-- to which of them, `n:<app>` what its clients are told, `p:<app>` what its policy does with its requests.
local routes = ngx.shared.shiplog_routes
-- `r:<app>`: whose turn it is.
local counts = ngx.shared.shiplog_counts
local down = ngx.shared.shiplog_down
local cuts = ngx.shared.shiplog_cuts

local CUT_KEPT_SECONDS = 1

local M = {}

local function forget(instance)
  figures.forget(instance)
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

M.KINDS = {
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
    elseif M.KINDS[verb] ~= nil then
      keep(M.KINDS[verb] .. name)
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
      if (M.KINDS[change[1]] ~= nil) == is_route then
        local ok, problem = DO[change[1]](change[2], change[3])
        if not ok and problem ~= nil then return problem end
      end
    end
  end
end

-- All changes, or none and what was wrong. Nothing is put out of the table for something else: a route that
-- has no place is refused. (What a bigger value was to replace is gone when it finds no place: it comes back, too.)
function M.carry_out(changes)
  local before = before_of(changes)
  local problem = carry_out_all(changes)
  -- A table that could not be put back is another one: whoever keeps a copy of it reads it again.
  if problem == nil or not put_back(before) then routes:incr("generation", 1, 0) end
  return problem
end

function M.generation()
  return routes:get("epoch") .. "." .. routes:get("generation")
end

-- Today's routes, once: after a reload they are there already.
function M.load(path)
  if routes:get("epoch") ~= nil then return end
  local file = io.open(path, "r")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  local changes = grammar.parse(text, function(line) ngx.log(ngx.CRIT, "left out of the routes: ", line) end)
  -- Each for itself: one without a place is no reason to begin without all others.
  for _, change in ipairs(changes) do
    local problem = M.carry_out({ change })
    if problem then ngx.log(ngx.CRIT, "no place for a route: ", change[1], " ", change[2], ": ", problem) end
  end
  routes:incr("generation", 1, 0)
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
  routes:set("epoch", string.format("%x-%x", ngx.now() * 1000, math.random(0, 0x7fffffff)))
end

local NONE = { h = "nohost ", a = "noapp ", m = "nomatch ", n = "nonotice ", p = "nopolicy " }
local SOME = { h = "host ", m = "match ", n = "notice ", p = "policy " }

-- What is there now under a key, as the change that would make it so.
function M.now_at(lines, key)
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

return M
