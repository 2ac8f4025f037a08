-- Who may send requests to an app: names, and what crypt(3) made of their passwords.

local bit = require "bit"
local ffi = require "ffi"

ffi.cdef "char *crypt(const char *phrase, const char *setting);"

local rates = ngx.shared.shiplog_rates

-- As `PASSWORD_BYTES_MAX` of the api has it.
local PASSWORD_MAX = 63
-- A check takes 3 ms of this worker: so many a second, whoever asks.
local CHECKS_A_SECOND = 30
local WRONG_MAX, WRONG_SECONDS = 10, 60
-- Passwords that were right are not checked again; twice so many are remembered, by a digest of this process.
local REMEMBERED_MAX = 5000
local NOBODY = "$6$nobody.has.this.$"

local source = assert(io.open("/dev/urandom", "rb"))
local secret = source:read(32)
source:close()

local M = {}

local function from_base64url(text)
  return ngx.decode_base64((text:gsub("-", "+"):gsub("_", "/")) .. ("="):rep(-#text % 4)) or ""
end

-- `<name>:<hash>,…`, both in base64url: hashes by name.
function M.users_in(text)
  local users = {}
  for name, hash in (text or ""):gmatch("([^:,]+):([^:,]+)") do users[from_base64url(name)] = from_base64url(hash) end
  return users
end

-- Name and password that a request was sent with.
local function claim()
  local encoded = (ngx.var.http_authorization or ""):match("^[Bb][Aa][Ss][Ii][Cc] +([%w+/]+=*)$")
  local text = encoded ~= nil and ngx.decode_base64(encoded) or nil
  if text == nil then return nil end
  return text:match("^([^:]*):(.*)$")
end

local function is_same(a, b)
  if #a ~= #b then return false end
  local difference = 0
  for i = 1, #a do difference = bit.bor(difference, bit.bxor(a:byte(i), b:byte(i))) end
  return difference == 0
end

local remembered, earlier, count = {}, {}, 0
local function remember(digest)
  if count >= REMEMBERED_MAX then remembered, earlier, count = {}, remembered, 0 end
  if remembered[digest] == nil then count = count + 1 end
  remembered[digest] = true
end

-- A name that nobody has takes as long as any. crypt(3) would stop at a NUL.
local function is_right(password, stored)
  local hash = ffi.C.crypt(password, stored or NOBODY)
  if hash == nil or stored == nil or password:find("\0", 1, true) then return false end
  return is_same(ffi.string(hash), stored)
end

local second, checks = 0, 0
local function is_busy()
  local now = math.floor(ngx.now())
  if now ~= second then second, checks = now, 0 end
  checks = checks + 1
  return checks > CHECKS_A_SECOND
end

-- What keeps a request from the app: a page, and after how many seconds it may be tried again. `client`: who is counted.
function M.refusal_of(policy, client)
  local name, password = claim()
  if name == nil then return "password-required" end
  local stored = policy.users[name]
  local digest = ngx.hmac_sha1(secret, (stored or "") .. password)
  if stored ~= nil and (remembered[digest] or earlier[digest]) then
    remember(digest)
    return nil
  end
  local key = client .. " wrong"
  if (rates:get(key) or 0) >= WRONG_MAX then return "rate-limited", WRONG_SECONDS end
  if is_busy() then return "rate-limited", 1 end
  if #password <= PASSWORD_MAX and is_right(password, stored) then
    remember(digest)
    return nil
  end
  rates:incr(key, 1, 0, WRONG_SECONDS)
  return "password-required"
end

-- Of a request that came through: the app is told who it is, and sees the password where it is to.
function M.introduce(policy)
  local name = claim()
  ngx.req.set_header("X-Forwarded-User", name)
  if policy.auth == "strip" then ngx.req.clear_header("Authorization") end
end

return M
