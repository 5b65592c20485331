-- ---- streams ----

-- The longest piece of a message that is kept until its rest comes, and the most that is kept of what came early.
local MAX_PENDING = 1048576

-- What is remembered of a connection: who the client is, its streams, what they say about each other, and the
-- state with which each piece of each packet was read first, to read it the same way again.
local connections = {}
function moq.init() connections = {} end

local function last(extractor)
  local list = { extractor() }
  return list[#list], #list
end

local function copy(side)
  local out = {}
  for k, v in pairs(side) do out[k] = v end
  out.early = {}
  for i, piece in ipairs(side.early) do out.early[i] = piece end
  return out
end

-- known is what the messages so far on a stream said, by name. What one said first another does not change: whether
-- objects have properties stands in the header, and the properties of an object have the same name.
local function known(before, node)
  local out = {}
  for k, v in pairs(before) do out[k] = v end
  for k, v in pairs(node.values) do
    if not out[k] or out[k].from == node.name then out[k] = { hi = v.hi, lo = v.lo, n = v.n, from = node.name } end
  end
  return out
end

-- decode reads one thing at pos: a message, the type of a stream (which has no values), or the text of what is wrong.
local function decode(version, r, c)
  local side = c.side
  if not side.stream then
    local name, node = find_stream(version, r, c.kind, c.role)
    if not name then return "a stream that this version does not have" end
    side.stream, c.stream.name = name, name
    if node then return node end
  end
  local m = next_message(version, r, side, c.role)
  if not m then return "a message that may not stand here" end
  side.values.First = small(side.before == m.name and 0 or 1)
  side.values.Cluster = c.conn.hops.opener and c.conn.hops.acceptor and small(1)
  side.before = m.name
  return message(r, m)
end

-- step shows one thing at pos and gives where it ends; nil when it takes more bytes than there are.
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
  local ok, result = pcall(decode, version, r, c)
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
  if not result.values then
    tree:add(range(tvb, result), result.name)
    return r.pos
  end
  learn(c, result)
  locate(side, result)
  show_message(version, tvb, pinfo, tree, result, c.id, c.role)
  side.dead = result.broken
  side.left = r.left or 0
  side.values = known(old.values, result)
  return r.pos
end

local function connection()
  local number = quic_connection()
  local key = number and tostring(number.value) or "?"
  local conn = connections[key]
  if not conn then
    conn = { streams = {}, seen = {}, hops = {}, descending = {} }
    connections[key] = conn
  end
  return conn
end

-- place finds out whose bytes these are.
local function place(conn, pinfo, id)
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
  if not stream.sides[role] then stream.sides[role] = { step = 1, left = 0, values = {}, next = 0, early = {} } end
  return { conn = conn, stream = stream, role = role, kind = id.lo % 4 >= 2 and "uni" or "bidi", id = id, name = name }
end

-- position is where on its stream a frame starts: the field behind the stream id, which may be left out.
local function position(id)
  local offset = last(quic_offset)
  if not offset or offset.offset ~= id.offset + id.len then return 0 end
  return number(offset.value:higher(), offset.value:lower()).n
end

-- arrive puts the bytes of a stream in order: it gives those that can be read now, or nil and why there are none.
-- What is missing within a payload does not hold up what is behind it.
local function arrive(side, tvb, at, fin)
  local n = tvb:len()
  if fin then side.stop = at + n end
  if at + n <= side.next and n > 0 then return nil, "Bytes of this stream that are not needed any more" end
  if at > side.next and at <= side.next + side.left then
    side.left, side.next = side.left - (at - side.next), at
  end
  if at > side.next then
    side.kept = (side.kept or 0) + n
    if side.kept > MAX_PENDING then
      side.dead = true
    else
      side.early[#side.early + 1] = { at = at, bytes = tvb:bytes() }
    end
    return nil, "Bytes of this stream in front of these are missing, or in another packet"
  end
  if at < side.next then tvb = tvb(side.next - at):tvb() end
  side.next = at + n
  local i, joined = 1, nil
  while i <= #side.early do
    local piece = side.early[i]
    if piece.at <= side.next then
      table.remove(side.early, i)
      local known, size = side.next - piece.at, piece.bytes:len()
      side.kept = side.kept - size
      if known < size then
        joined = (joined or tvb:bytes()) .. piece.bytes:subset(known, size - known)
        side.next = piece.at + size
      end
      i = 1
    else
      i = i + 1
    end
  end
  return joined and joined:tvb("Stream data in order") or tvb
end

-- read_all shows what the bytes of a stream are, and keeps those of a message that is not whole.
local function read_all(version, tvb, pinfo, tree, c)
  -- Pieces are put together here: Wireshark 4.0 does not come back with what it put together.
  if c.side.pending then
    tvb = (c.side.pending .. tvb:bytes()):tvb("Reassembled stream data")
    c.side.pending = nil
  end
  c.fin = c.side.stop and c.side.next >= c.side.stop
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

local function dissect_stream(version, tvb, pinfo, tree, info, count)
  local id = number(info.value:higher(), info.value:lower())
  local fin = last(quic_fin)
  local conn = connection()
  conn.version = conn.version or version
  local c = place(conn, pinfo, id)
  local key = string.format("%d %d %d %s", pinfo.number, count, tvb:len(), c.name)
  local seen = conn.seen[key]
  if seen then
    c.side, c.role, version = copy(seen.side), seen.role, seen.version
  else
    version = conn.version
    c.side = c.stream.sides[c.role]
    if not c.side.stream and c.role == "acceptor" then c.side.stream = c.stream.name end
    conn.seen[key] = { side = copy(c.side), role = c.role, version = version }
  end
  local ready, why = arrive(c.side, tvb, position(info), fin and fin.value)
  if not ready then
    tree:add(f_data, tvb()):append_text(" (" .. why .. ")")
  elseif ready:len() > 0 then
    read_all(version, ready, pinfo, tree, c)
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

-- A postdissector asks for all fields, so that Wireshark, which leaves out those that nobody seems to need, works
-- out the ids of streams in every tree that it makes. It also shows the datagrams, which Wireshark 4.0 gives nobody.
function moq.dissector(_, pinfo, tree)
  local list = { quic_datagram() }
  if #list == 0 then return end
  local version = connection().version
  if not version then return end
  pinfo.cols.protocol = "MoQ"
  for _, info in ipairs(list) do
    local tvb = info.range:tvb()
    if tvb:len() > 0 then
      dissect_datagram(version, tvb, pinfo, tree:add(moq, tvb(), "Media over QUIC, " .. version.name))
    end
  end
end
register_postdissector(moq, true)

local by_alpn = DissectorTable.get("quic.proto")
for _, version in ipairs(VERSIONS) do
  local proto = Proto(version.name:gsub("[^%w]", "_"), "Media over QUIC, " .. version.name)
  local shown = by_name[version.name]
  function proto.dissector(tvb, pinfo, tree)
    if tvb:len() == 0 then return 0 end
    local info, count = last(quic_stream)
    local datagram = last(quic_datagram)
    if not info or datagram and datagram.offset > info.offset then
      connection().version = connection().version or shown
      return tvb:len() -- the postdissector shows it
    end
    pinfo.cols.protocol = "MoQ"
    dissect_stream(shown, tvb, pinfo, tree:add(moq, tvb(), "Media over QUIC, " .. version.name), info, count)
    return tvb:len()
  end
  if version.alpn then by_alpn:add(version.alpn, proto) end
end
