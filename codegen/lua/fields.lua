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
    yes = v.n ~= 0 or v.present == true
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
kinds["tail-u8"] = function(r, _, node)
  if r.pos == r.stop and not r.open then
    node.absent = true
    return nil
  end
  local v = fixed(r, 1)
  v.present = true
  return v
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
  local count = not f.filling and vi(r).n
  node.kids = {}
  while count and #node.kids < count or not count and r.pos < r.stop do
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
  if r.open then r.left = math.huge end
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
    node.expert, node.note = e_unknown, "not a type of this version"
    node.name = "Unknown type " .. tostring(uint(id))
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
