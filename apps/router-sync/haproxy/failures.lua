-- What HAProxy does not say of itself: that an instance hung up on a request which must not be sent again. Where the client
-- has asked something before on its connection, and always over HTTP/2, HAProxy answers nothing then: the connection is
-- closed, or the stream refused, which tells the client that nothing was carried out and that it may send it again.

-- HAProxy's timers and its clock are two: so many milliseconds apart.
local APART = 20

-- HAProxy 3 counts what is said here as an answer of the instance; before, nobody would.
local is_counted
local function counts_itself()
  if is_counted == nil then is_counted = tonumber(core.get_info().Version:match("^%d+")) >= 3 end
  return is_counted
end

-- `txn.once`: when such a request came, in milliseconds. `txn.page`: what is said. `seconds`: for so long it may take; what
-- took longer was not hung up on, and HAProxy says so itself.
core.register_action("say_failed", { "tcp-res" }, function(txn, status, name, retry_after, seconds)
  local took = txn.f:date(0, "ms") - txn:get_var("txn.once")
  local limit = tonumber(txn:get_var("txn.response")) or tonumber(seconds) * 1000
  if took >= limit - APART then return end
  local reply = txn:reply({ status = tonumber(status), body = (txn:get_var("txn.page") or "") .. "\n" })
  reply:add_header("content-type", "text/plain")
  reply:add_header("cache-control", "no-store")
  reply:add_header("retry-after", retry_after)
  reply:add_header("x-shiplog-router", name)
  -- It would end what runs here.
  pcall(txn.done, txn, reply)
  return counts_itself() and act.ABORT or act.INVALID
end, 4)
