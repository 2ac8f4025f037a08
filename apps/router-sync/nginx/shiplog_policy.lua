-- What the policy of an app does with its requests and answers.

local choice = require "shiplog_choice"
local passwords = require "shiplog_passwords"
local rates = require "shiplog_rates"
local workers = require "shiplog_workers"

local routes = ngx.shared.shiplog_routes

local QUEUE_SECONDS, QUEUE_POLL_SECONDS = 5, 0.02
local KNOWN_MAX = 20000

local M = {}

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
function M.policy_of(app)
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
  policy.users = passwords.users_in(policy.users)
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

local SAFE = { GET = true, HEAD = true, OPTIONS = true }

-- In HTTP/2 a body needs nothing that announces it. Where a method seldom has one, it does not get through.
local function says_no_length(var)
  if var.http_transfer_encoding ~= nil then return true end
  if var.http2 == "" or var.content_length ~= nil then return false end
  if not SAFE[var.request_method] then return true end
  ngx.req.discard_body()
  return false
end

-- What keeps a request from the app: a page, and after how many seconds it may be tried again.
function M.refusal_of(policy, app, headers)
  local var = ngx.var
  local address = hex_of(var.binary_remote_addr)
  if policy.deny ~= nil and is_in(policy.deny, address) then return "address-denied" end
  if policy.allow ~= nil and not is_in(policy.allow, address) then return "address-denied" end
  if policy.rate ~= nil then
    local seconds = rates.seconds_above(policy, app, address, headers)
    if seconds ~= nil then return "rate-limited", seconds end
  end
  if policy.auth ~= nil then
    local page, seconds = passwords.refusal_of(policy, rates.by_address(app, address))
    if page ~= nil then return page, seconds end
  end
  if policy.body ~= nil then
    if (tonumber(var.content_length) or 0) > policy.body then return "body-too-large" end
    if says_no_length(var) then return "length-required" end
  end
  return nil
end

-- Claims an instance that has room, as soon as there is one. False: too many wait, or it took too long.
function M.has_room(request, policy)
  request.limit = policy.concurrency
  request.claimed = choice.claim(request)
  if request.claimed ~= nil then return true end
  if workers.waiting(request.app) >= policy.queue then return false end
  local ends = ngx.now() + QUEUE_SECONDS
  workers.wait(request.app, function()
    repeat
      ngx.sleep(QUEUE_POLL_SECONDS)
      request.full = nil
      request.claimed = choice.claim(request)
    until request.claimed ~= nil or ngx.now() >= ends
  end)
  return request.claimed ~= nil
end

function M.change_request(changes)
  for _, change in ipairs(changes) do
    if change.value == nil then
      ngx.req.clear_header(change.name)
    else
      ngx.req.set_header(change.name, change.value)
    end
  end
end

-- Of an answer that instance `id` gave: its headers, and the cookie of a client that has another one, or none.
function M.change_answer(policy, request, id)
  if policy.sticky ~= nil and request.session ~= choice.session_of(id) then
    local cookies = ngx.header["Set-Cookie"]
    cookies = type(cookies) == "table" and cookies or { cookies }
    local secure = ngx.var.https == "on" and "; Secure" or ""
    cookies[#cookies + 1] = "shiplog_session=" .. choice.session_of(id) .. "; Path=/; HttpOnly; SameSite=Lax" .. secure
    ngx.header["Set-Cookie"] = cookies
  end
  for _, change in ipairs(policy.answer or {}) do
    -- That is the word of the router about its own pages.
    if change.name ~= "x-shiplog-router" then
      -- What is not there nginx would say of itself: its name, the date.
      ngx.header[change.name] = change.value or "-"
      ngx.header[change.name] = change.value
    end
  end
end

M.introduce = passwords.introduce

return M
