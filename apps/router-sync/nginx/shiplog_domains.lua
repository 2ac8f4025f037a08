-- Whose a request is: by its host and the beginning of its path.

local grammar = require "shiplog_grammar"

local routes = ngx.shared.shiplog_routes

local M = {}

-- The longest path that is there at this host or wildcard.
local function at_host(pattern, paths)
  for i = #paths, 1, -1 do
    local bound = routes:get("h:" .. pattern .. paths[i])
    if bound ~= nil then return bound, paths[i] end
  end
end

-- What is bound for a request, by which beginning of its path, and whether by a wildcard: by the host itself, else by
-- the longest wildcard above it. As many questions as a host has labels and a path has parts, whatever the number of domains.
function M.bound_to(host, path)
  if #host > grammar.HOST_MAX then return nil end
  if not host:find("^[a-z0-9_-][a-z0-9_.-]*$") or host:find("..", 1, true) then return nil end
  local paths, ends = { "" }, 1
  while #paths <= grammar.PATH_PARTS_MAX do
    local from, to = path:find("/[^/]*", ends)
    if from == nil or to > grammar.PATH_MAX then break end
    if to > 1 then paths[#paths + 1] = path:sub(1, to) end
    ends = to + 1
  end
  local bound, prefix = at_host(host, paths)
  if bound ~= nil then return bound, prefix, false end
  local below = host:match("^[^.]*%.(.+)$")
  local _, dots = (below or ""):gsub("%.", "")
  while below ~= nil and dots > 0 do
    if dots < grammar.WILDCARD_LABELS_MAX then
      bound, prefix = at_host("*." .. below, paths)
      if bound ~= nil then return bound, prefix, true end
    end
    below, dots = below:match("^[^.]*%.(.+)$"), dots - 1
  end
end

-- Path and query as the client wrote them.
function M.written_uri(var)
  local uri = var.request_uri
  return uri:sub(1, 1) == "/" and uri or "/"
end

return M
