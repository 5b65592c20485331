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
local f_group = ProtoField.uint64("moq.object.group", "Group")
local f_subgroup = ProtoField.uint64("moq.object.subgroup", "Subgroup")
local f_object = ProtoField.uint64("moq.object.object", "Object")
local f_priority = ProtoField.uint64("moq.object.priority", "Priority")
for _, f in ipairs({
  f_message, f_version, f_stream, f_opener, f_type, f_length, f_part, f_data, f_group, f_subgroup, f_object, f_priority,
}) do all[#all + 1] = f end
moq.fields = all

local e_short = ProtoExpert.new("moq.truncated", "Truncated", expert.group.MALFORMED, expert.severity.ERROR)
local e_bad = ProtoExpert.new("moq.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
local e_extra = ProtoExpert.new("moq.extra", "Bytes left over", expert.group.MALFORMED, expert.severity.WARN)
local e_unknown = ProtoExpert.new("moq.unknown", "Unknown type", expert.group.UNDECODED, expert.severity.WARN)
moq.experts = { e_short, e_bad, e_extra, e_unknown }

local quic_stream = Field.new("quic.stream.stream_id")
local quic_offset = Field.new("quic.stream.offset")
local quic_fin = Field.new("quic.stream.fin")
local quic_datagram = Field.new("quic.dg")
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

local function minus(a, b, more)
  local lo = a.lo - b.lo - more
  local hi = a.hi - b.hi
  if lo < 0 then
    lo = lo + TWO32
    hi = hi - 1
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
