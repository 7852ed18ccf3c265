-- Letter case and spellings: when two names or two realms are the same. The encoder's fold.rs holds the same lists.

local _, ns = ...

local byte, char, floor, concat = string.byte, string.char, math.floor, table.concat

-- Ranges of code points, one list of numbers each, because a table for each range would take four times the memory.
-- Capitals from first to last, and what to add to get the small letter: Latin, Greek, Cyrillic.
local SHIFTED = {
  0x41, 0x5A, 32,
  0xC0, 0xD6, 32,
  0xD8, 0xDE, 32,
  0x178, 0x178, -121,
  0x386, 0x386, 38,
  0x388, 0x38A, 37,
  0x38C, 0x38C, 64,
  0x38E, 0x38F, 63,
  0x391, 0x3A1, 32,
  0x3A3, 0x3AB, 32,
  0x3C2, 0x3C2, 1,
  0x3CF, 0x3CF, 8,
  0x400, 0x40F, 80,
  0x410, 0x42F, 32,
  0x4C0, 0x4C0, 15,
  0x1E9E, 0x1E9E, -7615,
}
-- Ranges in which capital and small letter take turns, capital first.
local PAIRS = {
  0x100, 0x12F, 0x132, 0x137, 0x139, 0x148, 0x14A, 0x177, 0x179, 0x17E, 0x1CD, 0x1DC,
  0x1DE, 0x1EF, 0x1F8, 0x21F, 0x222, 0x233, 0x246, 0x24F, 0x3D8, 0x3EF, 0x460, 0x481,
  0x48A, 0x4BF, 0x4C1, 0x4CE, 0x4D0, 0x52F, 0x1E00, 0x1E95, 0x1EA0, 0x1EFF,
}
-- Not counted in the names of realms: white space, hyphens, apostrophes.
local IGNORED = {
  0x09, 0x0D, 0x20, 0x20, 0x85, 0x85, 0xA0, 0xA0, 0x1680, 0x1680, 0x2000, 0x200D,
  0x2028, 0x2029, 0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000, 0xFEFF, 0xFEFF,
  0x2D, 0x2D, 0xAD, 0xAD, 0x2010, 0x2015, 0x2212, 0x2212, 0xFE58, 0xFE58, 0xFE63, 0xFE63,
  0xFF0D, 0xFF0D,
  0x27, 0x27, 0x60, 0x60, 0xB4, 0xB4, 0x2B9, 0x2B9, 0x2BB, 0x2BD, 0x2C8, 0x2C8,
  0x2018, 0x201B, 0x2032, 0x2032, 0x2035, 0x2035, 0xFF07, 0xFF07,
}

-- The code point without regard to letter case.
local function fold(code)
  for i = 1, #SHIFTED, 3 do
    if code >= SHIFTED[i] and code <= SHIFTED[i + 1] then return code + SHIFTED[i + 2] end
  end
  for i = 1, #PAIRS, 2 do
    if code >= PAIRS[i] and code <= PAIRS[i + 1] and (code - PAIRS[i]) % 2 == 0 then return code + 1 end
  end
  return code
end

-- fold() of every letter met so far, and of all of ASCII.
ns.Folded = setmetatable({}, { __index = function(known, code)
  local small = code < 0x3000 and fold(code) or code
  if code < 0x3000 then known[code] = small end
  return small
end })
for code = 0, 127 do ns.Folded[code] = fold(code) end

-- Code points of a UTF-8 string into `codes`; returns how many, nil if the string is no UTF-8.
function ns.CodePoints(text, codes)
  local n, i, size = 0, 1, #text
  while i <= size do
    local a, b, c, d = byte(text, i, i + 3)
    n = n + 1
    if a < 128 then
      codes[n], i = a, i + 1
    elseif a >= 194 and a < 224 and b and b >= 128 and b < 192 then
      codes[n], i = (a - 192) * 64 + b - 128, i + 2
    elseif a >= 224 and a < 240 and c and b >= 128 and b < 192 and c >= 128 and c < 192 then
      codes[n], i = (a - 224) * 4096 + (b - 128) * 64 + c - 128, i + 3
    elseif a >= 240 and a < 245 and d and b >= 128 and b < 192 and c >= 128 and c < 192 and d >= 128 and d < 192 then
      codes[n], i = (a - 240) * 262144 + (b - 128) * 4096 + (c - 128) * 64 + d - 128, i + 4
    else
      return nil
    end
  end
  return n
end

-- A code point as UTF-8.
function ns.Utf8(code)
  if code < 0x80 then return char(code) end
  local last = 128 + code % 64
  code = floor(code / 64)
  if code < 0x20 then return char(192 + code, last) end
  local middle = 128 + code % 64
  code = floor(code / 64)
  if code < 0x10 then return char(224 + code, middle, last) end
  return char(240 + floor(code / 64), 128 + code % 64, middle, last)
end

local function isIgnored(code)
  for i = 1, #IGNORED, 2 do
    if code >= IGNORED[i] and code <= IGNORED[i + 1] then return true end
  end
  return false
end

local codes = {}
local function newKey(realm)
  local count = ns.CodePoints(realm, codes)
  if not count then return nil end
  local key = {}
  for i = 1, count do
    if not isIgnored(codes[i]) then key[#key + 1] = ns.Utf8(ns.Folded[codes[i]]) end
  end
  return concat(key)
end

-- What is left of a realm's name when spelling doesn't matter: two realms with one key are one realm. Nil if the name
-- is no UTF-8. So many are remembered before the memory is emptied.
local REMEMBERED = 1000
local keys, remembered = {}, 0
function ns.RealmKey(realm)
  local key = keys[realm]
  if key then return key end
  key = newKey(realm)
  if key then
    if remembered >= REMEMBERED then keys, remembered = {}, 0 end
    keys[realm], remembered = key, remembered + 1
  end
  return key
end

-- The capital of a small letter, or the code point itself.
function ns.Capital(code)
  for i = 1, #SHIFTED, 3 do
    local letter = code - SHIFTED[i + 2]
    if letter >= SHIFTED[i] and letter <= SHIFTED[i + 1] and SHIFTED[i + 2] ~= 1 then return letter end
  end
  for i = 1, #PAIRS, 2 do
    if code > PAIRS[i] and code <= PAIRS[i + 1] and (code - PAIRS[i]) % 2 == 1 then return code - 1 end
  end
  return code
end

-- A name as the game writes it: a capital, then small letters. Nil if it is no UTF-8.
function ns.TitleCase(name)
  local count = ns.CodePoints(name, codes)
  if not count then return nil end
  local letters = {}
  for i = 1, count do
    local small = ns.Folded[codes[i]]
    letters[i] = ns.Utf8(i == 1 and ns.Capital(small) or small)
  end
  return concat(letters)
end
