-- May one more wait for an instance? In HAProxy's own words a rule can ask that of a backend that it names only: there
-- would be one in each of ten thousand backends, and reading it is a fifth of what a start takes.
-- `txn.queue`: so many may wait.
core.register_fetches("is_full", function(txn)
  local backend = txn:get_var("txn.backend")
  return txn.f:be_conn_free(backend) <= 0
    and txn.f:queue(backend) >= tonumber(txn:get_var("txn.queue"))
    -- Where there is no instance at all, it is said that there is none.
    and txn.f:nbsrv(backend) > 0
end)
