-- Passwords of clients, against what crypt(3) made of them with SHA-512: HAProxy has no words for a hash that is known at
-- run time only. `txn.hash` holds it in base64url; nothing where nobody has the name. `txn.proven` says that it is right.

local DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
local ROUNDS, SHA512_BYTES = 5000, 64
-- As `PASSWORD_BYTES_MAX` of the api has it.
local PASSWORD_MAX = 63
-- A check takes 10 ms of this thread: so many a second, whoever asks.
local CHECKS_A_SECOND = 30
-- Passwords that were right are not checked again; twice so many are remembered, by a digest of this process.
local REMEMBERED_MAX = 5000
local NOBODY = "$6$nobody.has.this.$"

local source = assert(io.open("/dev/urandom", "rb"))
local secret = source:read(32)
source:close()

local function filled(block, length) return (block:rep(length // #block + 1)):sub(1, length) end

-- The hash of SHA-crypt, without what stands before it (Drepper, "Unix crypt using SHA-256 and SHA-512").
local function crypt(sha512, password, salt)
  local length = #password
  local b = sha512(password .. salt .. password)
  local parts, bits = { password, salt, filled(b, length) }, length
  while bits > 0 do
    parts[#parts + 1] = bits & 1 == 1 and b or password
    bits = bits >> 1
  end
  local digest = sha512(table.concat(parts))
  local p = filled(sha512(password:rep(length)), length)
  local s = filled(sha512(salt:rep(16 + digest:byte(1))), #salt)
  for round = 0, ROUNDS - 1 do
    local is_odd = round & 1 == 1
    digest = sha512((is_odd and p or digest) .. (round % 3 ~= 0 and s or "") .. (round % 7 ~= 0 and p or "")
      .. (is_odd and digest or p))
  end
  local text = {}
  local function put(value, count)
    for _ = 1, count do
      text[#text + 1] = DIGITS:sub((value & 63) + 1, (value & 63) + 1)
      value = value >> 6
    end
  end
  -- Bytes in threes, from each third of the digest one, in turn.
  for i = 0, SHA512_BYTES // 3 - 1 do
    local a, b2, c = i, i + 21, i + 42
    if i % 3 == 1 then a, b2, c = b2, c, a elseif i % 3 == 2 then a, b2, c = c, a, b2 end
    put(digest:byte(a + 1) << 16 | digest:byte(b2 + 1) << 8 | digest:byte(c + 1), 4)
  end
  put(digest:byte(SHA512_BYTES), 2)
  return table.concat(text)
end

-- Takes as long wherever they differ.
local function is_same(a, b)
  if #a ~= #b then return false end
  local difference = 0
  for i = 1, #a do difference = difference | (a:byte(i) ~ b:byte(i)) end
  return difference == 0
end

local remembered, earlier, count = {}, {}, 0
local function remember(digest)
  if count >= REMEMBERED_MAX then remembered, earlier, count = {}, remembered, 0 end
  if remembered[digest] == nil then count = count + 1 end
  remembered[digest] = true
end

-- HAProxy's own word for it would stop at a NUL.
local function password_of(txn)
  local encoded = (txn.f:req_fhdr("authorization", 1) or ""):match("^%a+ +([%w+/]+=*)$")
  local text = encoded ~= nil and txn.c:b64dec(encoded) or ""
  return text:match("^[^:]*:(.*)$") or ""
end

-- What a client claims: the hash that its name has, the password, and what stands for both in memory.
local function claim_of(txn)
  local hash = txn:get_var("txn.hash")
  local stored = hash ~= nil and txn.c:ub64dec(hash) or NOBODY
  local password = password_of(txn)
  return stored, password, txn.c:sha2(secret .. stored .. password, 256)
end

core.register_action("recall_password", { "http-req" }, function(txn)
  local stored, _, digest = claim_of(txn)
  if not (remembered[digest] or earlier[digest]) then return end
  remember(digest)
  if stored ~= NOBODY then txn:set_var("txn.proven", 1) end
end, 0)

local second, checks = 0, 0
-- `txn.unchecked`: too many others are being checked.
core.register_action("check_password", { "http-req" }, function(txn)
  local now = core.now().sec
  if now ~= second then second, checks = now, 0 end
  checks = checks + 1
  if checks > CHECKS_A_SECOND then return txn:set_var("txn.unchecked", 1) end
  local stored, password, digest = claim_of(txn)
  if #password > PASSWORD_MAX then return end
  local salt, hash = stored:match("^%$6%$([^$]+)%$(.*)$")
  local function sha512(text) return txn.c:sha2(text, 512) end
  -- A name that nobody has takes as long as any.
  if not is_same(crypt(sha512, password, salt), hash) then return end
  remember(digest)
  txn:set_var("txn.proven", 1)
end, 0)
