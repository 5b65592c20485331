-- ---- what messages say about others ----

-- The versions by name, with what they share, and by the code that stands for them in SETUP messages.
local by_name, by_code = {}, {}
for _, version in ipairs(VERSIONS) do by_name[version.name] = version end
for _, version in ipairs(VERSIONS) do
  if version.same then setmetatable(version, { __index = by_name[version.same] }) end
  if version.code then by_code[version.code] = version end
end

local function unknown(tvb, tree, at, what)
  local it = tree:add(f_data, tvb(at, tvb:len() - at))
  it:add_proto_expert_info(e_unknown, what)
end

-- find is the first part of a message with one of two names, at any depth.
local function find(node, name, other)
  for _, kid in ipairs(node.kids or {}) do
    if kid.name == name or other and kid.name == other then return kid end
    local below = find(kid, name, other)
    if below then return below end
  end
end

-- choose makes a connection one of the version that its SERVER_SETUP has. The stream of the exchange goes on as what
-- that version has in its place.
local function choose(c, node)
  local version = by_code[string.format("%.0f", node.number.n)]
  if not version then return end
  c.conn.version = version
  if version.places[c.side.stream .. ":opener"] then return end
  local name = (version.untyped.bidi or {})[1]
  c.stream.name = name
  for _, side in pairs(c.stream.sides) do side.stream = name end
  c.side.stream = name
end

-- learn notes what other streams of the connection need: the version, the order of groups of a request, and
-- whether both ends are relays.
local function learn(c, node)
  local chosen = node.name == "SERVER_SETUP" and find(node, "Version", "Selected Version")
  if chosen then choose(c, chosen) end
  if node.name == "SETUP" and find(node, "RELAY_HOPS") then
    c.conn.hops[c.id.lo % 2 == 0 and "opener" or "acceptor"] = true
  end
  local id = node.values["Request ID"]
  if id and not c.stream.request then c.stream.request = id end
  id = id or c.stream.request
  if not id then return end
  local key = tostring(uint(id))
  if node.name == "FETCH_HEADER" then
    c.side.descending = c.conn.descending[key]
  elseif c.conn.descending[key] == nil then
    local order = find(node, "GROUP_ORDER", "Group Order") or find(node, "DEFAULT_PUBLISHER_GROUP_ORDER")
    if order and order.number and order.number.n > 0 then c.conn.descending[key] = order.number.n == 2 end
  end
end

-- fetched works out the place of an object on a fetch stream, where numbers may be left out or be differences.
local function fetched(side, v)
  local prior = side.prior
  local function has(name) return not v.Flags or v[name] and v[name].n == 1 end
  local group, object = v["Group ID"], v["Object ID"]
  if not prior and not (has("Has Group") and has("Has Object")) then return end
  if not has("Has Group") then
    group = prior.group
  elseif v["Group ID Delta"] then
    group = v["Group ID Delta"]
    if prior and side.descending then group = minus(prior.group, group, 1) elseif prior then group = plus(prior.group, group, 1) end
  end
  if not has("Has Object") then
    object = plus(prior.object, small(0), 1)
  elseif v["Object ID Delta"] then
    object = v["Object ID Delta"]
    if not has("Has Group") then object = plus(prior.object, object, 0) end
  end
  side.prior = { group = group, object = object }
  if v.Range and v.Range.n > 0 then return group, nil, object end
  local mode = v["Subgroup Mode"] and v["Subgroup Mode"].n or 3
  local subgroup = v["Subgroup ID"]
  if mode == 0 or mode > 3 then subgroup = small(0) end
  if mode == 1 then subgroup = side.subgroup end
  if mode == 2 then subgroup = side.subgroup and plus(side.subgroup, small(0), 1) end
  side.subgroup = subgroup
  side.priority = v["Publisher Priority"] or side.priority
  if mode > 3 then subgroup = nil end
  return group, subgroup, object, side.priority
end

-- locate adds to an object where it belongs.
local function locate(side, node)
  local v = node.values
  local group, subgroup, object, priority
  if node.name == "SUBGROUP_HEADER" then
    side.group, side.subgroup = v["Group ID"], v["Subgroup ID"]
    if v["Subgroup Mode"] and v["Subgroup Mode"].n == 0 then side.subgroup = small(0) end
  elseif node.name == "SUBGROUP_OBJECT" then
    side.subgroup = side.subgroup or v["Object ID"]
    group, subgroup, object = side.group, side.subgroup, v["Object ID"]
  elseif node.name == "FETCH_OBJECT" and not node.broken then
    group, subgroup, object, priority = fetched(side, v)
  end
  local function add(field, value)
    if value then node.kids[#node.kids + 1] = { name = "", field = field, at = node.at, len = 0, value = uint(value), made = true } end
  end
  add(f_group, group)
  add(f_subgroup, subgroup)
  add(f_object, object)
  add(f_priority, priority)
end
