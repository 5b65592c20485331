-- Above: what the versions are. Below: how bytes are read and shown, the same for all of them.
--
-- Reading and showing are apart: a message that is not whole yet leaves nothing in the tree.
-- Integers are kept in two halves of 32 bits, with plain arithmetic, so that Lua 5.2 to 5.4 do.

local moq = Proto("moq", "Media over QUIC")

local makers = { uint = ProtoField.uint64, int = ProtoField.int64, text = ProtoField.string, bytes = ProtoField.bytes }
local F, all = {}, {}
for _, f in ipairs(FIELDS) do
  F[f[1]] = makers[f[3]]("moq." .. f[1], f[2])
  all[#all + 1] = F[f[1]]
end
local f_message = ProtoField.string("moq.message", "Message")
local f_version = ProtoField.string("moq.message.version", "Version")
local f_stream = ProtoField.uint64("moq.message.stream", "Stream")
local f_opener = ProtoField.bool("moq.message.opener", "From the opener of the stream")
local f_type = ProtoField.uint64("moq.message.type", "Type", base.HEX)
local f_length = ProtoField.uint64("moq.message.length", "Length")
local f_part = ProtoField.bytes("moq.message.part", "Further part of the payload")
local f_data = ProtoField.bytes("moq.message.data", "Data")
for _, f in ipairs({ f_message, f_version, f_stream, f_opener, f_type, f_length, f_part, f_data }) do all[#all + 1] = f end
moq.fields = all

local e_short = ProtoExpert.new("moq.truncated", "Truncated", expert.group.MALFORMED, expert.severity.ERROR)
local e_bad = ProtoExpert.new("moq.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
local e_extra = ProtoExpert.new("moq.extra", "Bytes left over", expert.group.MALFORMED, expert.severity.WARN)
local e_unknown = ProtoExpert.new("moq.unknown", "Unknown type", expert.group.UNDECODED, expert.severity.WARN)
moq.experts = { e_short, e_bad, e_extra, e_unknown }

local quic_stream = Field.new("quic.stream.stream_id")
local quic_fin = Field.new("quic.stream.fin")
local quic_connection = Field.new("quic.connection.number")

-- ---- integers ----

local TWO32 = 4294967296

-- n is close enough to compare; v is exact, for the tree.
local function number(hi, lo)
  return { hi = hi, lo = lo, n = hi * 4294967296.0 + lo }
end

local function small(n) return number(0, n) end

local function plus(a, b, more)
  local lo = a.lo + b.lo + more
  local hi = a.hi + b.hi
  if lo >= TWO32 then
    lo = lo - TWO32
    hi = hi + 1
  end
  return number(hi % TWO32, lo)
end

local function minus_one(a)
  if a.lo > 0 then return number(a.hi, a.lo - 1) end
  return number(a.hi - 1, TWO32 - 1)
end

local function uint(a) return UInt64.new(a.lo, a.hi) end

-- unzigzag gives the signed value.
local function unzigzag(a)
  local lo = math.floor(a.lo / 2) + (a.hi % 2) * 2147483648
  local hi = math.floor(a.hi / 2)
  if a.lo % 2 == 1 then
    lo, hi = TWO32 - 1 - lo, TWO32 - 1 - hi
  end
  return Int64.new(lo, hi)
end

-- ---- readers ----

-- A reader is a part of the bytes; one that is open may be followed by more of them.
local function fail(kind, at, text) error({ kind = kind, at = at, text = text }, 0) end

local function need(r, n)
  if r.pos + n > r.stop then
    if r.open then error({ kind = "more" }, 0) end
    fail("short", r.pos, "needs " .. string.format("%.0f", n) .. " bytes, there are " .. string.format("%d", r.stop - r.pos))
  end
end

local function byte(r, i) return r.tvb(r.pos + i, 1):uint() end

local sizes = {
  rfc9000 = function(b)
    if b < 64 then return 1, b elseif b < 128 then return 2, b - 64 elseif b < 192 then return 4, b - 128 end
    return 8, b - 192
  end,
  vi64 = function(b)
    local size, low = 1, 0
    local step = 128
    while size < 9 and b >= low + step do
      low, step, size = low + step, step / 2, size + 1
    end
    if size == 9 or b == 255 then return 9, 0 end
    return size, b - low
  end,
}
sizes["vi64-no7"] = sizes.vi64

local function vi(r)
  need(r, 1)
  local size, first = sizes[r.vi](byte(r, 0))
  if size == 7 and r.vi == "vi64-no7" then fail("bad", r.pos, "a varint of seven bytes, which this version does not have") end
  need(r, size)
  local hi, lo = 0, math.floor(first)
  for i = 1, size - 1 do
    hi = (hi * 256 + math.floor(lo / 16777216)) % TWO32
    lo = (lo % 16777216) * 256 + byte(r, i)
  end
  r.pos = r.pos + size
  return number(hi, lo)
end

local function fixed(r, n)
  need(r, n)
  local v = r.tvb(r.pos, n):uint()
  r.pos = r.pos + n
  return small(v)
end

-- part is the next n bytes as a reader of their own.
local function part(r, n)
  need(r, n)
  n = math.floor(n)
  local sub = { tvb = r.tvb, pos = r.pos, stop = r.pos + n, open = false, vi = r.vi, version = r.version, stream = r.stream }
  r.pos = r.pos + n
  return sub
end

-- text is bytes as they can be shown: as they are, or in hexadecimal when they are no text.
local function text(r, n)
  if n == 0 then return "" end
  local range = r.tvb(r.pos, n)
  for i = 0, n - 1 do
    local b = r.tvb(r.pos + i, 1):uint()
    if b < 32 or b == 127 then return "0x" .. range:bytes():tohex(true) end
  end
  return range:string(ENC_UTF_8)
end

local function take_text(r)
  local n = vi(r).n
  local sub = part(r, n)
  return text(sub, sub.stop - sub.pos)
end

-- ---- fields ----

local fields -- of a message or struct, below

local function holds(cond, values)
  local v = values[cond.field]
  local yes = false
  if v and cond.values then
    for _, l in ipairs(cond.values) do
      if v.n >= l[1] and (not l[2] or v.n <= l[2]) then yes = true end
    end
  elseif v then
    yes = v.n ~= 0
  end
  if cond.no then return not yes end
  return yes
end

local items -- of a key-value list, below

-- Each reads one kind of field into a node; values are what earlier fields had.
local kinds = {}
kinds.vi = function(r) return vi(r) end
kinds.u8 = function(r) return fixed(r, 1) end
kinds.u16 = function(r) return fixed(r, 2) end
kinds.flag = kinds.u8
kinds["tail-vi"] = function(r, _, node)
  if r.pos == r.stop and not r.open then
    node.absent = true
    return nil
  end
  return vi(r)
end
kinds.option = function(r, _, node)
  local v = vi(r)
  if v.n == 0 then
    node.absent = true
    return nil
  end
  return minus_one(v)
end
kinds.zigzag = function(r, _, node)
  local v = vi(r)
  node.value = unzigzag(v)
  return v
end
kinds.tally = function(r, _, node)
  local at, n = r.pos, 0
  while r.pos < r.stop do
    vi(r)
    n = n + 1
  end
  r.pos = at
  node.len = 0
  return small(n)
end
kinds["id-delta"] = function(r, f, _, values)
  local v = vi(r)
  local prior = values[f.ref]
  if prior then return plus(prior, v, 1) end
  return v
end
kinds.string = function(r, _, node) node.value = take_text(r) end
kinds.path = kinds.string
kinds.bytes = kinds.string
kinds.tuple = function(r, _, node)
  local list = {}
  local count = vi(r).n
  while #list < count do list[#list + 1] = take_text(r) end
  node.value = table.concat(list, "/")
end
kinds.list = function(r, f, node)
  local count = vi(r).n
  node.kids = {}
  while #node.kids < count do
    local kid = { name = f.name, key = f.key, at = r.pos }
    if f.ref == "vi" then kid.value = uint(vi(r)) else kid.value = take_text(r) end
    kid.len = r.pos - kid.at
    node.kids[#node.kids + 1] = kid
  end
end
kinds.data = function(r, f, node, values)
  local n = values[f.ref] and values[f.ref].n or 0
  if f.streamed then
    -- What of it is not here yet comes with later packets.
    local have = math.min(n, r.stop - r.pos)
    if not r.open and have < n then fail("short", r.pos, "the payload ends early") end
    r.left = n - have
    n = have
  end
  need(r, n)
  r.pos = r.pos + math.floor(n)
  node.bytes = true
end
kinds.rest = function(r, _, node)
  node.bytes = true
  r.pos = r.stop
end
kinds.tail = kinds.rest
kinds.struct = function(r, f, node)
  node.kids = {}
  fields(r, r.version.structs[f.ref], node.kids, {})
end
kinds.params = function(r, f, node)
  node.kids = {}
  items(r, r.version.lists[f.ref], node.kids)
end

local function leftover(sub, node)
  if sub.pos < sub.stop then
    node.expert, node.note = e_extra, string.format("%d bytes left over", sub.stop - sub.pos)
  end
end

-- extract is the value of some bits of v, which may lie apart.
local function extract(v, runs)
  local x = 0
  for _, run in ipairs(runs) do x = x + math.floor(v.lo / run[1]) % run[2] * run[3] end
  return x
end

local function read_bits(f, v, node, values)
  node.kids = {}
  for _, b in ipairs(f.bits) do
    local x = extract(v, b.runs)
    if b.name then
      values[b.name] = small(x)
      node.kids[#node.kids + 1] = { name = b.name, key = b.key, at = node.at, len = node.len, value = uint(small(x)), number = small(x), enum = b.enum }
    elseif x ~= b.fixed then
      node.expert, node.note = e_bad, "bits that this version does not have"
    end
  end
  if v.hi > 0 or v.lo % f.unused ~= v.lo then node.expert, node.note = e_bad, "bits that this version does not have" end
end

local function within(f, v, node)
  if f.limit and (v.n < f.limit[1] or f.limit[2] and v.n > f.limit[2]) then
    node.expert, node.note = e_bad, "out of bounds"
  end
end

local function read(r, f, out, values)
  local node = { name = f.name, key = f.key, at = r.pos, enum = f.enum }
  out[#out + 1] = node
  r.at = node
  local v
  if f.sized then
    local sub = part(r, vi(r).n)
    v = kinds[f.kind](sub, f, node, values)
    leftover(sub, node)
  else
    v = kinds[f.kind](r, f, node, values)
  end
  node.len = node.len or r.pos - node.at
  values[f.name] = v or (node.kids and small(#node.kids))
  if not v then return end
  node.number = v
  node.value = node.value or uint(v)
  within(f, v, node)
  if f.bits then read_bits(f, v, node, values) end
end

fields = function(r, list, out, values)
  for _, f in ipairs(list) do
    if not f.cond or holds(f.cond, values) then
      if f.given then
        -- "Has X" is a bit of the message that began the stream; "Prior X" a field of the one
        -- before; First tells whether there is none of its name.
        local of = f.name:match("^Has (.*)") or f.name:match("^Prior (.*)")
        values[f.name] = of and r.stream[of] or r.stream[f.name]
      else
        read(r, f, out, values)
      end
    end
  end
end

-- ---- key-value lists ----

local function is_number(list, id)
  return (list.form == "kvp" or list.form == "kvp-delta") and id.lo % 2 == 0
end

local numeric = { vi = true, u8 = true, u16 = true, flag = true }

-- item reads the value of one item, in the way that the form of the list has.
local function item(r, list, id, out)
  local key = string.format("%.0f", id.n)
  local f = list.items[key]
  local node = { name = f and f.name or "Unknown", key = f and f.key or "unknown", at = r.pos, enum = f and f.enum }
  out[#out + 1] = node
  r.at = node
  local values = {}
  if not f then
    node.expert, node.note = e_unknown, "type " .. tostring(uint(id))
    node.name = string.format("Unknown type 0x%x", math.floor(id.n))
    node.key = nil
    if list.form == "typed" then fail("bad", r.pos, "a type that this version does not have, so that nobody knows where it ends") end
    if is_number(list, id) then vi(r) else part(r, vi(r).n) end
  elseif list.form == "typed" or is_number(list, id) and numeric[f.kind] then
    local g = f
    if list.form ~= "typed" then g = { name = f.name, key = f.key, kind = "vi", enum = f.enum, limit = f.limit } end
    out[#out] = nil
    read(r, g, out, values)
    node = out[#out]
  elseif f.kind == "string" or f.kind == "path" or f.kind == "bytes" then
    kinds.bytes(r, f, node)
  else
    local sub = part(r, vi(r).n)
    local g = f
    if numeric[f.kind] then g = { kind = "vi" } end
    local v = kinds[g.kind](sub, f, node, values)
    if v then
      node.number, node.value = v, node.value or uint(v)
      within(f, v, node)
    end
    leftover(sub, node)
  end
  node.len = r.pos - node.at
end

items = function(r, list, out)
  local left
  if list.counted then left = vi(r).n end
  local id = small(0)
  while left and left > 0 or not left and r.pos < r.stop do
    local at = r.pos
    local v = vi(r)
    if list.form == "kvp-delta" or list.form == "typed" then id = plus(id, v, 0) else id = v end
    local before = #out
    item(r, list, id, out)
    local node = out[before + 1]
    if node then node.len, node.at = node.at + node.len - at, at end
    if left then left = left - 1 end
  end
end

-- ---- messages ----

-- message reads one whole message; the error of one that is not whole is "more".
local function message(r, m)
  local node = { name = m.name, at = r.pos, kids = {} }
  local values = {}
  if m.code then
    local at = r.pos
    node.kids[1] = { field = f_type, at = at, value = uint(vi(r)) }
    node.kids[1].len = r.pos - at
  end
  local body = r
  if m.framing ~= "none" then
    local at = r.pos
    local n = m.framing == "u16" and fixed(r, 2) or vi(r)
    node.kids[#node.kids + 1] = { field = f_length, at = at, len = r.pos - at, value = uint(n) }
    body = part(r, n.n)
  end
  local ok, err = pcall(fields, body, m.fields, node.kids, values)
  if ok then
    if body ~= r then leftover(body, node) end
  elseif type(err) ~= "table" or err.kind == "more" then
    error(err, 0)
  else
    local at = body.at or node
    at.len = at.len or body.stop - at.at
    at.expert, at.note = err.kind == "short" and e_short or e_bad, err.text
    if body == r then r.pos = r.stop end
    node.broken = body == r
  end
  node.len = r.pos - node.at
  node.values = values
  return node
end

-- matches tells whether the bytes at r can be the start of m.
local function matches(r, m)
  local at = r.pos
  local v = vi(r)
  r.pos = at
  if m.code then return v.n == m.code end
  local f = m.fields[1]
  if not f or not f.bits then return false end
  for _, b in ipairs(f.bits) do
    if not b.name and extract(v, b.runs) ~= b.fixed then return false end
  end
  return v.hi == 0 and v.lo % f.unused == v.lo
end

-- find_stream says what stream begins at r, and reads its type if it has one.
local function find_stream(version, r, kind, role)
  local at = r.pos
  local typed = version.typed[kind]
  if typed and role == "opener" then
    local v = vi(r)
    local name = typed[string.format("%.0f", v.n)]
    if name then return name, { name = name .. " stream", at = at, len = r.pos - at, kids = {} } end
    r.pos = at
  end
  for _, name in ipairs(version.untyped[kind] or {}) do
    for _, m in ipairs(version.places[name .. ":" .. role] or {}) do
      if matches(r, version.messages[m]) then return name end
    end
  end
end

-- next_message picks what may come now: messages without a code follow each other as in the
-- spec, the last again and again; among those with one, the code decides.
local function next_message(version, r, side, role)
  local list = version.places[side.stream .. ":" .. role] or {}
  local m = version.messages[list[side.step] or ""]
  if not m then return nil end
  if not m.code then
    if side.step < #list then side.step = side.step + 1 end
    return m
  end
  local coded = true
  for i = side.step, #list do coded = coded and version.messages[list[i]].code ~= nil end
  for i = side.step, #list do
    local one = version.messages[list[i]]
    if one.code and matches(r, one) then
      if not coded then side.step = math.min(i + 1, #list) end
      return one
    end
  end
end

-- ---- the tree ----

local function range(tvb, node)
  local at, len = math.floor(node.at), math.floor(node.len or 0)
  if at >= tvb:len() then at, len = tvb:len() - 1, 0 end
  return tvb(at, math.min(len, tvb:len() - at))
end

local function show(version, tvb, tree, node)
  local field = node.field or node.key and F[node.key]
  local it
  if node.absent then
    return
  elseif not field or node.value == nil and not node.bytes then
    it = tree:add(range(tvb, node), node.name)
  elseif node.value ~= nil then
    it = tree:add(field, range(tvb, node), node.value)
    local names = node.enum and version.enums[node.enum]
    local name = names and node.number and names[string.format("%.0f", node.number.n)]
    if name then it:append_text(" (" .. name .. ")") end
  else
    it = tree:add(field, range(tvb, node))
  end
  if node.expert then it:add_proto_expert_info(node.expert, node.name .. ": " .. node.note) end
  for _, kid in ipairs(node.kids or {}) do show(version, tvb, it, kid) end
end

local function show_message(version, tvb, pinfo, tree, node, id, role)
  local it = tree:add(f_message, range(tvb, node), node.name)
  it:add(f_version, version.name):set_generated()
  if id then
    it:add(f_stream, uint(id)):set_generated()
    it:add(f_opener, role == "opener"):set_generated()
  end
  if node.expert then it:add_proto_expert_info(node.expert, node.name .. ": " .. node.note) end
  for _, kid in ipairs(node.kids) do show(version, tvb, it, kid) end
  pinfo.cols.info:append(" " .. node.name)
end

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
