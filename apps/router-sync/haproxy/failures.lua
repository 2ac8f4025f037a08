-- What HAProxy does not say of itself: that an instance hung up on a request which must not be sent again. Where the client
-- has asked something before on its connection, and always over HTTP/2, HAProxy answers nothing then: the connection is
-- closed, or the stream refused, which tells the client that nothing was carried out and that it may send it again.

-- HAProxy's timers and its clock are two: so many milliseconds apart.
local APART = 20

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
  -- It ends what runs here, and would not have it counted: neither as an answer of the instance nor as its failure.
  pcall(txn.done, txn, reply)
  return act.INVALID
end, 4)
