-- ---- streams ----

-- The longest piece of a message that is kept until its rest comes.
local MAX_PENDING = 1048576

-- What is remembered of a connection: who the client is, its streams, and the state with which
-- each piece of each packet was read first, to read it the same way again.
local connections = {}
function moq.init() connections = {} end

local function last(extractor)
  local list = { extractor() }
  return list[#list], #list
end

local function copy(side)
  local out = {}
  for k, v in pairs(side) do out[k] = v end
  return out
end

local function unknown(tvb, tree, at, what)
  local it = tree:add(f_data, tvb(at, tvb:len() - at))
  it:add_proto_expert_info(e_unknown, what)
end

-- step reads one thing at pos and gives where it ends; nil when it takes more bytes than there are.
local function step(version, tvb, pinfo, tree, pos, c)
  local side = c.side
  if side.left > 0 then
    local n = math.floor(math.min(side.left, tvb:len() - pos))
    tree:add(f_part, tvb(pos, n))
    side.left = side.left - n
    return pos + n
  end
  local r = { tvb = tvb, pos = pos, stop = tvb:len(), open = not c.fin, vi = version.vi, version = version, stream = side.values }
  local old = copy(side)
  local ok, result = pcall(function()
    if not side.stream then
      local name, node = find_stream(version, r, c.kind, c.role)
      if not name then return "a stream that this version does not have" end
      side.stream, c.stream.name = name, name
      if node then return node end
    end
    local m = next_message(version, r, side, c.role)
    if not m then return "a message that may not stand here" end
    side.values.First = small(side.before == m.name and 0 or 1)
    side.before = m.name
    return message(r, m)
  end)
  if not ok then
    if type(result) ~= "table" then error(result, 0) end
    for k in pairs(side) do side[k] = nil end
    for k, v in pairs(old) do side[k] = v end
    if result.kind == "more" then return nil end
    tree:add(f_data, tvb(pos, tvb:len() - pos)):add_proto_expert_info(result.kind == "short" and e_short or e_bad, result.text)
    return tvb:len()
  end
  if type(result) == "string" then
    side.dead = true
    unknown(tvb, tree, pos, result)
    return tvb:len()
  end
  if result.values then
    show_message(version, tvb, pinfo, tree, result, c.id, c.role)
    side.dead = result.broken
    side.left = r.left or 0
    side.values = result.values
    for k, v in pairs(old.values) do
      if side.values[k] == nil then side.values[k] = v end
    end
  else
    tree:add(range(tvb, result), result.name)
  end
  return r.pos
end

-- place finds out whose bytes these are.
local function place(pinfo, id, fin)
  local connection = quic_connection()
  local key = connection and tostring(connection.value) or "?"
  local conn = connections[key]
  if not conn then
    conn = { streams = {}, seen = {} }
    connections[key] = conn
  end
  local from = tostring(pinfo.src) .. " " .. tostring(pinfo.src_port)
  local name = tostring(uint(id))
  local stream = conn.streams[name]
  if not stream then
    stream = { sides = {} }
    conn.streams[name] = stream
    stream.opener = from
    local by_client = id.lo % 2 == 0
    if conn.client then
      if (conn.client == from) ~= by_client then stream.opener = "the other" end
    elseif by_client then
      conn.client = from
    end
  end
  local role = stream.opener == from and "opener" or "acceptor"
  if not stream.sides[role] then stream.sides[role] = { step = 1, left = 0, values = {} } end
  return conn, { stream = stream, role = role, kind = id.lo % 4 >= 2 and "uni" or "bidi", id = id, fin = fin, name = name }
end

local function dissect_stream(version, tvb, pinfo, tree, info, count)
  local id = number(info.value:higher(), info.value:lower())
  local fin = last(quic_fin)
  local conn, c = place(pinfo, id, fin and fin.value)
  local key = string.format("%d %d %d %s", pinfo.number, count, tvb:len(), c.name)
  local seen = conn.seen[key]
  if seen then
    c.side, c.role = copy(seen.side), seen.role
  else
    c.side = c.stream.sides[c.role]
    if not c.side.stream and c.role == "acceptor" then c.side.stream = c.stream.name end
    conn.seen[key] = { side = copy(c.side), role = c.role }
  end
  -- Pieces are put together here: Wireshark 4.0 does not come back with what it put together.
  if c.side.pending then
    tvb = (c.side.pending .. tvb:bytes()):tvb("Reassembled stream data")
    c.side.pending = nil
  end
  local pos = 0
  while pos < tvb:len() do
    if c.side.dead then
      tree:add(f_data, tvb(pos, tvb:len() - pos))
      return
    end
    local stop = step(version, tvb, pinfo, tree, pos, c)
    if not stop and tvb:len() - pos > MAX_PENDING then
      c.side.dead = true
      tree:add(f_data, tvb(pos, tvb:len() - pos)):add_proto_expert_info(e_bad, "a message that is too long to wait for")
      return
    end
    if not stop then
      c.side.pending = tvb(pos, tvb:len() - pos):bytes()
      tree:add(tvb(pos, tvb:len() - pos), "The rest of this message is in another packet")
      return
    end
    pos = stop
  end
end

local function dissect_datagram(version, tvb, pinfo, tree)
  for _, name in ipairs(version.places["datagram:"] or {}) do
    local m = version.messages[name]
    local r = { tvb = tvb, pos = 0, stop = tvb:len(), open = false, vi = version.vi, version = version, stream = {} }
    local ok, fits = pcall(function() return #version.places["datagram:"] == 1 or matches(r, m) end)
    if ok and fits then
      show_message(version, tvb, pinfo, tree, message(r, m))
      return
    end
  end
  unknown(tvb, tree, 0, "a datagram that this version does not have")
end

-- Wireshark leaves out fields that nobody seems to need, of which the stream id is one. With a
-- postdissector that asks for all of them it works them out in every tree that it makes.
function moq.dissector() end
register_postdissector(moq, true)

local by_alpn = DissectorTable.get("quic.proto")
local by_name = {}
for _, version in ipairs(VERSIONS) do by_name[version.name] = version end
for _, version in ipairs(VERSIONS) do
  local proto = Proto(version.name:gsub("[^%w]", "_"), "Media over QUIC, " .. version.name)
  local def = by_name[version.same or version.name]
  local shown = setmetatable({ name = version.name }, { __index = def })
  function proto.dissector(tvb, pinfo, tree)
    if tvb:len() == 0 then return 0 end
    pinfo.cols.protocol = "MoQ"
    local below = tree:add(moq, tvb(), "Media over QUIC, " .. version.name)
    local info, count = last(quic_stream)
    if info then
      dissect_stream(shown, tvb, pinfo, below, info, count)
    else
      dissect_datagram(shown, tvb, pinfo, below)
    end
    return tvb:len()
  end
  if version.alpn then by_alpn:add(version.alpn, proto) end
end
