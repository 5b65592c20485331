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
  if m.code then return v.n == m.code or m.also and m.also[v.n] end
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
  -- A unidirectional stream begins with the first message of the spec: the types of others may be those of
  -- other streams.
  for _, name in ipairs(version.untyped[kind] or {}) do
    for i, m in ipairs(version.places[name .. ":" .. role] or {}) do
      if (i == 1 or kind == "bidi") and matches(r, version.messages[m]) then return name end
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
    if node.made then it:set_generated() end
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
