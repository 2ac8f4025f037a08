-- What HAProxy has no words for: changes of headers whose names are known at run time only.
-- `txn.changes` and `txn.changed` hold them, `set <name> <value>` or `remove <name>` a line; see traffic-rules.ts.

core.register_action("change_headers", { "http-req", "http-res" }, function(txn, direction)
  local is_request = direction == "request"
  local http = txn.http
  local text = txn:get_var(is_request and "txn.changes" or "txn.changed") or ""
  for verb, name, value in text:gmatch("(%l+) ([%l%d-]+) ?([^\n]*)") do
    if is_request then
      if verb == "set" then http:req_set_header(name, value) else http:req_del_header(name) end
    else
      if verb == "set" then http:res_set_header(name, value) else http:res_del_header(name) end
    end
  end
end, 1)
