
-- For tests: packets that are a version, the name of a message, and the message, bare.
local bare = Proto("bare", "A message by itself")
function bare.dissector(tvb, pinfo, tree)
  local at = 0
  local function word()
    local n = tvb(at, 1):uint()
    at = at + 1 + n
    return tvb(at - n, n):string()
  end
  local version = by_name[word()]
  version = by_name[version.same or version.name]
  local m = version.messages[word()]
  local body = tvb(at):tvb()
  local below = tree:add(moq, body(), "bare")
  local r = { tvb = body, pos = 0, stop = body:len(), open = false, vi = version.vi, version = version, stream = {} }
  local ok, node = pcall(message, r, m)
  if not ok then
    if type(node) ~= "table" then error(node, 0) end
    below:add(f_data, body()):add_proto_expert_info(e_short, node.text)
    return
  end
  show_message(version, body, pinfo, below, node)
  if r.pos < r.stop then unknown(body, below, r.pos, "behind the message") end
end
DissectorTable.get("wtap_encap"):add(wtap.USER0, bare)
