-- Reads one character out of a realm's text. Knows nothing of the game, of files or of regions.
--
-- A realm's text has one line for each block of a few neighbouring characters, sorted by name without regard to letter
-- case. A line is two numbers in base 95: the first half of the characters is read forth from the line's begin, the other
-- back from its end. Each is range coded: of `range` possible numbers, `code` is the one; a symbol is chosen by where in
-- the range that is, among the widths of its row (Tables.lua), and its share is the range that is left. While that is
-- below 95^4, another digit is looked at. All numbers stay below 2^53, which Lua's doubles hold exactly.
--
-- What a half holds: for each character name, class and which encounters; then for each kills and ranks; after the first
-- name of a block, the number of characters of both halves. The encoder's block.rs, name.rs and record.rs write the same
-- things in the same order.

local _, ns = ...

local byte, find, floor, gmatch, max, min = string.byte, string.find, math.floor, string.gmatch, math.max, math.min
local concat, char, sort, slice = table.concat, string.char, table.sort, string.sub
local fold, capital, codePoints = ns.Folded, ns.Capital, ns.CodePoints

local Decoder = {}
ns.Decoder = Decoder

-- Letters by number; a name begins with the capital.
local ACCENT_LETTERS = "ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿœšž"
local CYRILLIC_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
-- The plain letter that foretells the next letter as well, for each accented one.
local ACCENT_BASES = "saaaaaaaceeeeiiiidnoooooouuuuytyosz"
-- What a character of a name is, as one number: RAW, 1 to 26 for a plain Latin letter, ACCENT + number, CYRILLIC +
-- number, HANGUL + 1 + initial, HAN (one without a number), HAN + place in the list.
local RAW, ACCENT, CYRILLIC, HANGUL, HAN = 0, 26, 61, 100, 200
-- Symbols of the rows `start` and `diffStart`: 0 the name's end, 1 a raw character, 2 to 27 Latin letters, and these.
local START_ACCENT, START_CYRILLIC, START_HANGUL, START_HAN = 28, 29, 30, 31
-- Specialisations by class; others are spelled out.
local SPECS = {
  { "Blood", "Frost", "Unholy" }, -- death knight
  { "Balance", "Feral", "Guardian", "Restoration" }, -- druid
  { "BeastMastery", "Marksmanship", "Survival" }, -- hunter
  { "Arcane", "Fire", "Frost" }, -- mage
  { "Brewmaster", "Mistweaver", "Windwalker" }, -- monk
  { "Holy", "Protection", "Retribution" }, -- paladin
  { "Discipline", "Holy", "Shadow" }, -- priest
  { "Assassination", "Subtlety", "Outlaw" }, -- rogue
  { "Elemental", "Enhancement", "Restoration" }, -- shaman
  { "Affliction", "Demonology", "Destruction" }, -- warlock
  { "Arms", "Fury", "Protection" }, -- warrior
  { "Havoc", "Vengeance", "Devourer" }, -- demon hunter
  { "Devastation", "Preservation", "Augmentation" }, -- evoker
}
-- Metrics by number; others are spelled out.
local METRICS = {
  [0] = "dps", "hps", "bossdps", "bosscdps", "cdps", "krsi", "ndps", "playerscore", "playerspeed", "rdps", "tankhps",
  "wdps",
}
-- Difficulties by their bit in a set, hardest first.
local DIFFICULTY_BITS = { { 8, 5 }, { 4, 4 }, { 2, 3 }, { 1, 1 } }

------------------------------------------------------------------------------------------------------------------------
-- Rows, as one list of numbers each: first 32 places where to begin searching, one for every 128 slots; then the slots
-- where the symbols begin, and one more. So place 33 is symbol 0.
-- Ranks, the most frequent symbols, have 128 places to begin searching, so there place 129 is rank 0.
-- A row is made of the letters in Tables.lua when it is first needed.
------------------------------------------------------------------------------------------------------------------------

-- The weight of each letter: three further is twice as much.
local WEIGHTS, LETTERS = {}, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
for i = 1, #LETTERS do
  local third = (i - 1) % 3
  WEIGHTS[byte(LETTERS, i)] = (third == 0 and 16 or third == 1 and 20 or 25) * 2 ^ ((i - 1 - third) / 3)
end

-- Makes `weights[first]` to `weights[last]`, with the sum `sum`, to widths with the sum 4096: each its share rounded
-- down, but at least 1. What is left goes to the heaviest, the first of several.
local function share(weights, first, last, sum, widths)
  local left, heaviest = 4096, first
  for i = first, last do
    local weight = weights[i]
    local width = floor(weight * 4096 / sum)
    if width < 1 then width = 1 end
    widths[i - first + 1] = width
    left = left - width
    if weight > weights[heaviest] then heaviest = i end
  end
  widths[heaviest - first + 1] = widths[heaviest - first + 1] + left
end

-- The row of `count` widths.
local function newRow(widths, count, guesses)
  local row, start, filled = {}, 0, 0
  for i = 1, count do
    start = start + widths[i]
    -- This symbol is where to begin searching for all slots below its end that have no place yet.
    while filled < guesses and filled * 4096 / guesses < start do
      filled = filled + 1
      row[filled] = guesses + i
    end
  end
  start = 0
  for i = 1, count do
    row[guesses + i] = start
    start = start + widths[i]
  end
  row[guesses + count + 1] = start
  return row
end

local function rowOfLetters(letters, guesses)
  local weights, sum = {}, 0
  for i = 1, #letters do
    local weight = WEIGHTS[byte(letters, i)]
    weights[i], sum = weight, sum + weight
  end
  local widths = {}
  share(weights, 1, #letters, sum, widths)
  return newRow(widths, #letters, guesses)
end

-- Rows by kind, counted from 0. Each kind is a table of the rows made so far; `letters` are those of all rows, with a
-- blank between them, `size` is a row's length there, `guesses` the number of places where to begin searching. Where
-- rows written as `-` are those of another kind, `lines` has the letters of a line of the file each, and `plain` the
-- rows that stand in.
local T = {}

-- Row `i` as letters, `-` if it is one of the plain ones.
local function lettersOf(rows, i)
  if not rows.plain then
    local first = i * (rows.size + 1)
    return slice(rows.letters, first + 1, first + rows.size)
  end
  local inLine = i % rows.perLine
  for letters in gmatch(rows.lines[(i - inLine) / rows.perLine + 1], "%S+") do
    if inLine == 0 then return letters end
    inLine = inLine - 1
  end
end

local makesRows = { __index = function(rows, i)
  local letters = lettersOf(rows, i)
  local row = letters == "-" and rows.plain[i % rows.perLine] or rowOfLetters(letters, rows.guesses)
  rows[i] = row
  return row
end }

local function newKind(lines, guesses)
  return setmetatable({
    letters = concat(lines, " "), size = #gmatch(lines[1], "%S+")(), guesses = guesses, plain = false,
  }, makesRows)
end

-- A kind with `perLine` rows in a line.
local function newKindOverPlain(lines, plainLines, perLine)
  return setmetatable({ lines = lines, perLine = perLine, plain = newKind(plainLines, 32), guesses = 32 }, makesRows)
end

------------------------------------------------------------------------------------------------------------------------
-- Chinese characters: sorted, in groups that hold about a 256th of all weight each
------------------------------------------------------------------------------------------------------------------------

-- The listed characters, sorted, and for each way of writing (0 traditional, 1 simplified): weight and group of each
-- character, and the slot where it begins in its group; the first place of each group, and one more; the row by which a
-- group is chosen.
local listed, writings = {}, {}

local function newWriting(weights)
  local sum = 0
  for i = 1, #weights do sum = sum + weights[i] end
  local groupOf, starts, masses, before, last = {}, {}, {}, 0, nil
  for i = 1, #weights do
    local group = floor(before * 256 / sum)
    if group ~= last then
      starts[#starts + 1], masses[#starts + 1], last = i, 0, group
    end
    masses[#starts] = masses[#starts] + weights[i]
    groupOf[i] = #starts
    before = before + weights[i]
  end
  starts[#starts + 1] = #weights + 1
  local widths, slotOf = {}, {}
  for group = 1, #masses do
    local first, stop = starts[group], starts[group + 1]
    share(weights, first, stop - 1, masses[group], widths)
    local slot = 0
    for i = first, stop - 1 do
      slotOf[i] = slot
      slot = slot + widths[i - first + 1]
    end
  end
  share(masses, 1, #masses, sum, widths)
  return {
    weights = weights, groupOf = groupOf, slotOf = slotOf, starts = starts, groups = newRow(widths, #masses, 32),
  }
end

-- Makes the lists of a way of writing; needed once.
local hanLines
local function prepareWriting(writing)
  local weightOf, codes = {}, {}
  for line in gmatch(hanLines, "[^\n]+") do
    local weight = WEIGHTS[byte(line, 1 + writing)]
    for i = 3, codePoints(line, codes) do weightOf[codes[i]] = weight end
  end
  if #listed == 0 then
    for code in pairs(weightOf) do listed[#listed + 1] = code end
    sort(listed)
  end
  local weights = {}
  for i = 1, #listed do weights[i] = weightOf[listed[i]] end
  writings[writing] = newWriting(weights)
end

-- Code points of accented and Cyrillic letters by number; the plain letter of an accented one.
local accents, cyrillic, bases = {}, {}, {}
codePoints(ACCENT_LETTERS, accents)
codePoints(CYRILLIC_LETTERS, cyrillic)
for i = 1, #ACCENT_BASES do bases[i] = byte(ACCENT_BASES, i) - 96 end

-- Takes the tables in; needed once, before the first Find.
function Decoder.Prepare(tables)
  for kind, lines in pairs(tables) do
    if kind == "latin" then
      T[kind] = newKindOverPlain(lines, tables.latinPlain, 26)
    elseif kind == "final" then
      T[kind] = newKindOverPlain(lines, tables.finalPlain, 21)
    elseif kind == "hanWeights" then
      hanLines = concat(lines, "\n")
    elseif kind ~= "latinPlain" and kind ~= "finalPlain" then
      T[kind] = newKind(lines, kind == "rank" and 128 or 32)
    end
  end
end

-- Makes ready what a region needs from the first look-up on.
function Decoder.PrepareRegion(region)
  if region == "TW" or region == "CN" then
    local way = region == "CN" and 1 or 0
    if not writings[way] then prepareWriting(way) end
  end
end

------------------------------------------------------------------------------------------------------------------------
-- The window
------------------------------------------------------------------------------------------------------------------------

-- The text, the position of the next digit and the direction of those after it (1 or -1). Digits are ` ` (0) to `~` (94).
-- What stands behind the last of a half is looked at, but makes no difference.
local text, at, step
-- How many numbers are possible, and which of them it is, counted from the least.
local range, code

-- Begins to read digits at `position`.
local function open(realmText, position, direction)
  text, step = realmText, direction
  range, code = 7737809375, 0 -- 95^5
  for _ = 1, 5 do
    local digit = byte(realmText, position) or 32
    code, position = code * 95 + (digit < 32 and 32 or digit) - 32, position + direction
  end
  at = position
end

local function openBlock(realmText, position)
  local a, b, c, d, e = byte(realmText, position, position + 4)
  if e and a > 31 and b > 31 and c > 31 and d > 31 and e > 31 then
    text, at, step = realmText, position + 5, 1
    range, code = 7737809375, (((a * 95 + b) * 95 + c) * 95 + d) * 95 + e - 2634147872 -- 32 of each digit
  else
    open(realmText, position, 1)
  end
end

-- Looks at digits until enough numbers are possible again.
local function refill()
  while range < 81450625 do -- 95^4
    local digit = byte(text, at) or 32
    if digit < 32 then digit = 32 end
    range, code, at = range * 95, code * 95 + digit - 32, at + step
  end
end

-- Where in the range it is, in 4096ths, not rounded; and how many numbers a 4096th is.
local function slotAndUnit()
  local unit = (range - range % 4096) / 4096
  local slot = code / unit
  -- Only in damaged data.
  if slot >= 4096 then slot, code = 4095, 4095 * unit end
  return slot, unit
end

-- The next symbol, as its place in the row, which is 33 for symbol 0.
local function place(row)
  local unit = (range - range % 4096) / 4096
  local slot = code / unit
  if slot >= 4096 then slot, code = 4095, 4095 * unit end
  local i = row[(slot - slot % 128) / 128 + 1]
  local stop = row[i + 1]
  while stop <= slot do
    i = i + 1
    stop = row[i + 1]
  end
  local start = row[i]
  range, code = (stop - start) * unit, code - start * unit
  if range < 81450625 then refill() end
  return i
end

-- Leaves the slots from `start` on, of which there are `width`, behind.
local function take(unit, start, width)
  range, code = width * unit, code - start * unit
  if range < 81450625 then refill() end
end

-- A number below `values`, which is a power of two up to 4096, without prediction.
local function raw(values)
  local slot, unit = slotAndUnit()
  local width = 4096 / values
  local value = floor(slot / width)
  take(unit, value * width, width)
  return value
end

local function raw32()
  local high = raw(4096)
  local middle = raw(4096)
  return (high * 4096 + middle) * 256 + raw(256)
end

------------------------------------------------------------------------------------------------------------------------
-- Names
------------------------------------------------------------------------------------------------------------------------

-- The name last read. By place: what the character is; its code point without regard to case; of a raw one, the code
-- point itself; of a Hangul syllable, medial and final.
local symbols, folded, raws, medials, finals = { [0] = RAW, [-1] = RAW }, {}, {}, {}, {}
local length, sharedBefore = 0, 0
-- What the whole realm tells: its row of `start`, the way of writing Chinese, the first row of `shared`.
local startRow, writing, crowd = 0, 0, 0

-- The plain Latin letter of what stands in a name, 0 if it is none.
local function plainOf(symbol)
  return symbol <= ACCENT and symbol or symbol <= CYRILLIC and bases[symbol - ACCENT] or 0
end

local function readRaw(i)
  local code = raw(512) * 4096
  code = code + raw(4096)
  symbols[i], folded[i], raws[i] = RAW, fold[code], code
end

-- An accented letter, or a raw character; `before` is the plain form of the letter before.
local function readAccent(i, before)
  local number = place(T.accent[before]) - 33
  if number == 0 then return readRaw(i) end
  symbols[i], folded[i] = ACCENT + number, accents[number]
end

-- Chooses one of a group's characters.
local function readInGroup(lists, group)
  local slotOf, i, slot, unit = lists.slotOf, lists.starts[group], slotAndUnit()
  local last = lists.starts[group + 1] - 1
  while i < last and slotOf[i + 1] <= slot do i = i + 1 end
  take(unit, slotOf[i], (i < last and slotOf[i + 1] or 4096) - slotOf[i])
  return i
end

-- Chooses one of a group's characters that stand behind place `after`, one of them. The widths are as in `share`.
local function readInGroupAfter(lists, group, after)
  local weights, last, sum = lists.weights, lists.starts[group + 1] - 1, 0
  for i = after + 1, last do sum = sum + weights[i] end
  local left, most, heaviest = 4096, 0, 0
  for i = after + 1, last do
    local weight = weights[i]
    local width = weight * 4096 / sum
    left = left - (width < 1 and 1 or width - width % 1)
    if weight > most then most, heaviest = weight, i end
  end
  local start, i, slot, unit = 0, after + 1, slotAndUnit()
  while true do
    local width = weights[i] * 4096 / sum
    width = width < 1 and 1 or width - width % 1
    if i == heaviest then width = width + left end
    if slot < start + width then
      take(unit, start, width)
      return i
    end
    start, i = start + width, i + 1
  end
end

local function readHan(i, replaced)
  local symbol = place(T.han[6 * writing + (i < 6 and i - 1 or 5)]) - 33
  if symbol == 0 then return false end
  if symbol == 1 then
    readRaw(i)
  elseif symbol == 3 then
    local code = 19968 + raw(128) * 256
    symbols[i], folded[i] = HAN, code + raw(256)
  else
    local lists = writings[writing]
    if not lists then
      prepareWriting(writing)
      lists = writings[writing]
    end
    local old = replaced and replaced > HAN and replaced - HAN
    -- How many groups further than that of what is replaced.
    local step = old and place(T.hanStep[(i == 1 and 0 or 6) + crowd]) - 33
    local found
    if step == 0 then
      found = readInGroupAfter(lists, lists.groupOf[old], old)
    else
      found = readInGroup(lists, old and step < 24 and lists.groupOf[old] + step or place(lists.groups) - 32)
    end
    symbols[i], folded[i] = HAN + found, listed[found]
  end
  return true
end

-- The rest of a Hangul syllable with this initial.
local function readSounds(i, initial, replaced)
  local inner = i > 1 and 1 or 0
  local same = replaced == HANGUL + 1 + initial
  local medial = place(same and T.diffMedial[21 * inner + medials[i]] or T.medial[initial]) - 33
  same = same and medials[i] == medial
  local final = place(same and T.diffFinal[28 * inner + finals[i]] or T.final[21 * initial + medial]) - 33
  symbols[i], folded[i] = HANGUL + 1 + initial, 44032 + (initial * 21 + medial) * 28 + final
  medials[i], finals[i] = medial, final
end

-- Reads a character from a row that tells its script. Answers false at the end of the name, true if that was all; else
-- the script.
local function readStart(i, row, replaced)
  local symbol = place(row) - 33
  if symbol == 0 then return false end
  if symbol == 1 then
    readRaw(i)
  elseif symbol < START_ACCENT then
    symbols[i], folded[i] = symbol - 1, symbol + 95
  elseif symbol == START_ACCENT then
    readAccent(i, 0)
  elseif symbol == START_HAN then
    return readHan(i, replaced)
  else
    return symbol == START_CYRILLIC and CYRILLIC or HANGUL
  end
  return true
end

-- Reads the character at place `i`; `replaced` is what stands there in the name before, nil if it foretells nothing.
-- Returns false at the end of the name.
local function readCharacter(i, replaced)
  if replaced == RAW then replaced = nil end
  -- What foretells the character, and the row if it does not depend on the letter.
  local by, row = replaced or symbols[i - 1], nil
  if replaced and i == 1 then
    row = T.diffStart[by <= CYRILLIC and (by <= ACCENT and by or ACCENT + 1) - 1
      or by < HANGUL and START_CYRILLIC - 2 or by < HAN and START_HANGUL - 2 or START_HAN - 2]
  elseif by == RAW then
    row = T.start[i == 1 and startRow or 4]
  end
  if row then
    local script = readStart(i, row, replaced)
    if script == true or script == false then return script end
    -- The script of what is replaced, or another?
    row = nil
    if not replaced or replaced <= script or replaced > script + 40 then
      replaced, by, row = nil, script, script == HANGUL and T.initial[0] or T.cyrillic[0]
    end
  end
  if by >= HAN then
    return readHan(i, replaced)
  elseif by >= HANGUL then
    row = row or replaced and T.diffInitial[(i > 1 and 19 or 0) + by - HANGUL - 1]
      or T.initial[1 + 28 * (i < 4 and i - 2 or 2) + finals[i - 1]]
    local symbol = place(row) - 33
    if symbol == 0 then return false end
    if symbol == 1 then readRaw(i) else readSounds(i, symbol - 2, replaced) end
  elseif by >= CYRILLIC then
    row = row or (replaced and T.diffCyrillic[by - CYRILLIC - 1] or T.cyrillic[by - CYRILLIC])
    local symbol = place(row) - 33
    if symbol == 0 then return false end
    if symbol == 1 then
      readRaw(i)
    else
      symbols[i], folded[i] = CYRILLIC + symbol - 1, cyrillic[symbol - 1]
    end
  else
    local last = plainOf(by)
    if replaced then
      row = T.diffLatin[(by <= ACCENT and by or ACCENT + 1) - 1]
      last = plainOf(symbols[i - 1])
    else
      row = T.latin[26 * plainOf(symbols[i - 2]) + last - 1]
    end
    local letter = place(row) - 33
    if letter == 0 then return false end
    if letter == 27 then readAccent(i, last) else symbols[i], folded[i] = letter, letter + 96 end
  end
  return true
end

-- Reads the next name of the block.
local function readName(isFirst)
  local i = 0
  if not isFirst then
    i = place(T.shared[8 * crowd + (sharedBefore < 7 and sharedBefore or 7)]) - 33
    if i == 15 then i = raw(64) end
  end
  sharedBefore = i
  if not isFirst and i < length and symbols[i + 1] ~= RAW then
    i = i + 1
    if not readCharacter(i, symbols[i]) then
      length = i - 1
      return
    end
  end
  local rows = T.latin
  while true do
    i = i + 1
    local last = symbols[i - 1]
    if last ~= RAW and last <= CYRILLIC then
      -- The most frequent characters: `place` written out for all that follow each other.
      local left, number, position, line, direction = range, code, at, text, step
      local before = plainOf(symbols[i - 2])
      local letter
      last = plainOf(last)
      while true do
        local row = rows[26 * before + last - 1]
        local unit = (left - left % 4096) / 4096
        local slot = number / unit
        if slot >= 4096 then slot, number = 4095, 4095 * unit end
        local found = row[(slot - slot % 128) / 128 + 1]
        local stop = row[found + 1]
        while stop <= slot do
          found = found + 1
          stop = row[found + 1]
        end
        local start = row[found]
        left, number = (stop - start) * unit, number - start * unit
        while left < 81450625 do
          local digit = byte(line, position) or 32
          if digit < 32 then digit = 32 end
          left, number, position = left * 95, number * 95 + digit - 32, position + direction
        end
        letter = found - 33
        if letter == 0 or letter == 27 then break end
        symbols[i], folded[i] = letter, letter + 96
        before, last, i = last, letter, i + 1
      end
      range, code, at = left, number, position
      if letter == 0 then break end
      readAccent(i, last)
    elseif not readCharacter(i) then
      break
    end
  end
  length = i - 1
end

-- The name looked for, and the same without regard to case.
local wanted, wantedFolded, wantedLength = {}, {}, 0

-- The first three of so many characters as one number, letter case aside: enough to tell most names apart. 17 bits each;
-- an absent one counts as 0, and so does what follows a code point that is too great.
local function prefixOf(characters, count)
  local prefix, open = 0, true
  for i = 1, 3 do
    local code = open and i <= count and min(characters[i], 131071) or 0
    open = open and code < 131071
    prefix = prefix * 131072 + code
  end
  return prefix
end

-- What is known of where blocks begin, so that the next search need not read it again: by place in the realm's text the
-- first block that begins there or later, and how its first name begins. At most so many places of all realms together.
-- When they are full, all are forgotten, and from then on only wider steps of a search are remembered.
local REMEMBERED = 4096
local remembered, narrowest, generation = 0, 0, 0

local function remember(realm, middle, start, prefix)
  if remembered == REMEMBERED then
    remembered, narrowest, generation = 0, max(512, 2 * narrowest), generation + 1
  end
  if realm.generation ~= generation then
    realm.generation, realm.starts, realm.prefixes = generation, {}, {}
  end
  realm.starts[middle], realm.prefixes[middle] = start, prefix
  remembered = remembered + 1
end

-- The beginning of the first name of the block at `start`, as a number.
local function readPrefix(realmText, start)
  openBlock(realmText, start)
  local count = 0
  while count < 3 and readCharacter(count + 1) do count = count + 1 end
  return prefixOf(folded, count)
end

-- Whether the first name of the block at `start` comes after the wanted one, letter case aside.
local function beginsAfter(realmText, start)
  openBlock(realmText, start)
  for i = 1, wantedLength + 1 do
    if not readCharacter(i) then return false end
    local code, target = folded[i], wantedFolded[i]
    if i > wantedLength or code > target then return true end
    if code < target then return false end
  end
end

-- Where the block begins that the wanted name is in, if it is there: the last one that does not begin after it.
local function findBlock(realm)
  local realmText, wantedPrefix = realm.text, prefixOf(wantedFolded, wantedLength)
  -- The block begins at `low` or later, but before `high`.
  local low, high = 1, #realmText + 1
  while high - low > 200 do
    local middle = low + high
    middle = (middle - middle % 2) / 2
    local start, prefix = realm.starts[middle], realm.prefixes[middle]
    if not start then
      start = find(realmText, "\n", middle - 1, true) + 1
      if high - low > narrowest then
        prefix = start < high and readPrefix(realmText, start) or math.huge
        remember(realm, middle, start, prefix)
      elseif start >= high then
        prefix = math.huge
      end
    end
    local isAfter
    if not prefix or prefix == wantedPrefix then
      isAfter = beginsAfter(realmText, start)
    else
      isAfter = prefix > wantedPrefix
    end
    if isAfter then high = middle else low = start end
  end
  while true do
    local stop = find(realmText, "\n", low, true) + 1
    if stop >= high or beginsAfter(realmText, stop) then return low end
    low = stop
  end
end

-- Less than, equal to or greater than 0 as the name last read stands before, at or after the wanted one, letter case
-- aside.
local function compareName()
  for i = 1, length < wantedLength and length or wantedLength do
    local difference = folded[i] - wantedFolded[i]
    if difference ~= 0 then return difference end
  end
  return length - wantedLength
end

-- The code point at place `i` of the name last read.
local function codeAt(i)
  local symbol = symbols[i]
  if symbol == RAW then return raws[i] end
  return i == 1 and symbol < HANGUL and capital(folded[1]) or folded[i]
end

-- The name last read, if letter case is all it differs in from `name`, and whether it doesn't even differ in that.
local function nameRead(name)
  local isExact, letters = true, {}
  for i = 1, length do isExact = isExact and codeAt(i) == wanted[i] end
  if isExact then return name, true end
  for i = 1, length do letters[i] = ns.Utf8(codeAt(i)) end
  return concat(letters), false
end

------------------------------------------------------------------------------------------------------------------------
-- Records
------------------------------------------------------------------------------------------------------------------------

-- Reference data of the region: raids by descending id, each { id, { encounter ids } }.
local raids
-- The raid with which the character before began: an index of `raids`, or the negative id of one that isn't there.
local usualRaid
-- The groups of one raid: difficulties and metrics.
local difficulties, metrics = {}, {}
-- For each metric of the raid, the mask of the group before: four encounters a number, and its form.
local masks, forms = {}, {}
-- The encounters of one group and their kills.
local ids, kills = {}, {}
-- Of the character's groups before: sum and number of ranks, last kills, whether kills were all the same (1) or not (2;
-- 0 before the first).
local rankSum, rankCount, killsBefore, killsForm
-- Its class.
local classId
-- By metric, the specialisation of its last group (false if that is unknown); and whether the one read before in this
-- block was unknown.
local specs, specUnknown = {}, false
-- Which of four encounters are killed, by mask, and how many.
local BITS, COUNTS = {}, {}
for mask = 0, 15 do
  BITS[mask] = { mask % 2 == 1, floor(mask / 2) % 2 == 1, floor(mask / 4) % 2 == 1, mask >= 8 }
  COUNTS[mask] = mask % 2 + floor(mask / 2) % 2 + floor(mask / 4) % 2 + floor(mask / 8)
end

-- The index of a raid in `raids`, or its negative id.
local function readRaidId()
  local index = raw(64)
  if index < 63 then return index + 1 end
  local id = raw32()
  for i, raid in ipairs(raids) do
    if raid[1] == id then return i end
  end
  return -id
end

local function readText()
  local letters = {}
  for i = 1, raw(64) do letters[i] = char(raw(256)) end
  return concat(letters)
end

-- The specialisation of a group, false if it is unknown.
local function readSpec(metric)
  local spec = specs[metric]
  local unknown = specUnknown and 1 or 0
  if spec == nil or place(T.specAgain[unknown]) == 34 then
    local class = SPECS[classId] and classId or 0
    local symbol = place(T.spec[(unknown * 14 + class) * 3 + (metric == "dps" and 0 or metric == "hps" and 1 or 2)]) - 33
    spec = symbol > 0 and (symbol == 5 and readText() or SPECS[class][symbol])
    specs[metric] = spec
  end
  specUnknown = not spec
  return spec
end

-- Fills `difficulties` and `metrics`; returns the number of groups and the context for the next raid.
local function readShape(context)
  local shape = place(T.shape[context]) - 34
  local n = 0
  if shape >= 0 then
    local metric = shape % 3
    local set = (shape - metric) / 3 + 1
    for i = 1, 4 do
      local bit = DIFFICULTY_BITS[i]
      if floor(set / bit[1]) % 2 == 1 then
        n = n + 1
        difficulties[n], metrics[n] = bit[2], metric == 1 and "hps" or "dps"
        if metric == 2 then
          n = n + 1
          difficulties[n], metrics[n] = bit[2], "hps"
        end
      end
    end
    return n, metric + 1
  end
  n = raw(4096)
  for i = 1, n do
    difficulties[i] = raw(256)
    local metric = raw(16)
    if metric == 15 then
      metrics[i] = readText()
    else
      metrics[i] = METRICS[metric]
    end
  end
  return n, 1
end

-- Reads the encounters of a group, into `ids` if they are kept; returns their number.
local function readEncounters(known, metric, difficulty, keep)
  local before = forms[metric]
  local alone = difficulty == 5 and 0 or difficulty == 4 and 4 or difficulty == 3 and 5 or 6
  local form = place(T.mask[before and before + 1 or alone]) - 33
  local mask = masks[metric]
  if not mask then
    mask = {}
    masks[metric] = mask
  end
  forms[metric] = form
  local count, n, last = #known, 0, 0
  for first = 1, count, 4 do
    local four = 15
    if form > 0 then
      local row = before and mask[first] or (alone == 0 and 20 or 16) + min((first - 1) / 4, 3)
      four = place(T.killed[3 * row + last]) - 33
      last = four == 15 and 1 or 2
    end
    mask[first] = four
    local here = min(4, count - first + 1)
    if keep then
      local bits = BITS[four]
      for i = 1, here do
        if bits[i] then
          n = n + 1
          ids[n] = known[first + i - 1]
        end
      end
    else
      n = n + COUNTS[four] - 4 + here -- bits without an encounter are set
    end
  end
  if form == 2 then
    for _ = 1, raw(256) do
      n = n + 1
      ids[n] = raw32()
    end
  end
  return n
end

-- Reads the kills of `n` encounters, into `kills` if they are kept; returns their sum.
local function readKills(n, keep)
  local first = place(T.kills[killsBefore and 1 + min(killsBefore, 17) or 0]) - 33
  if first == 40 then first = raw(256) end
  kills[1] = first
  if n == 1 then
    killsBefore = first
    return first
  end
  local differ = place(T.killsForm[11 * killsForm + min(first, 10)]) == 34
  killsForm = differ and 2 or 1
  if not differ then
    if keep then
      for i = 2, n do kills[i] = first end
    end
    killsBefore = first
    return first * n
  end
  local rows = T.killsStep
  local sum, most, least, last = first, first, first, first
  local left, number, position, line, direction = range, code, at, text, step
  -- Each is foretold by the most, the least and the last so far.
  local which = 21 * (most < 4 and most or most < 6 and 4 or most < 10 and 5 or 6)
  for i = 2, n do
    -- `place`, written out.
    local row, unit = rows[which], (left - left % 4096) / 4096
    local slot = number / unit
    if slot >= 4096 then slot, number = 4095, 4095 * unit end
    local found = row[(slot - slot % 128) / 128 + 1]
    local stop = row[found + 1]
    while stop <= slot do
      found = found + 1
      stop = row[found + 1]
    end
    local start = row[found]
    left, number = (stop - start) * unit, number - start * unit
    while left < 81450625 do
      local digit = byte(line, position) or 32
      if digit < 32 then digit = 32 end
      left, number, position = left * 95, number * 95 + digit - 32, position + direction
    end
    local kill = most + found - 43
    if found == 50 then
      range, code, at = left, number, position
      kill = raw(256)
      left, number, position = range, code, at
    end
    kills[i], sum = kill, sum + kill
    if kill ~= last then
      last = kill
      if kill > most then most = kill elseif kill < least then least = kill end
      local spread, below = most - least, most - kill
      which = 21 * (most < 4 and most or most < 6 and 4 or most < 10 and 5 or 6)
        + 4 * (spread < 5 and spread or 5) - 3 + (below < 3 and below or 3)
    end
  end
  range, code, at = left, number, position
  killsBefore = last
  return sum
end

-- Reads kills and ranks of `count` encounters, into `list` if it is given: { id= } of each.
local function readRanks(count, list)
  local many = readKills(count, list) >= 2 * count and 34 or 0
  local contexts = T.rank
  local context = contexts[many + (rankCount > 0 and 1 + floor(rankSum / (10 * rankCount)) or 0)]
  -- The most frequent symbols: `place` written out, with the window in local variables.
  local left, number, position, line, direction = range, code, at, text, step
  -- The first row of those by the mean so far, which is `sum / tens` tens.
  local sum, tens, base = 0, 10, many + 12
  for n = 1, count do
    local unit = (left - left % 4096) / 4096
    local slot = number / unit
    if slot >= 4096 then slot, number = 4095, 4095 * unit end
    local i = context[(slot - slot % 32) / 32 + 1]
    local stop = context[i + 1]
    while stop <= slot do
      i = i + 1
      stop = context[i + 1]
    end
    local start = context[i]
    left, number = (stop - start) * unit, number - start * unit
    while left < 81450625 do
      local digit = byte(line, position) or 32
      if digit < 32 then digit = 32 end
      left, number, position = left * 95, number * 95 + digit - 32, position + direction
    end
    if list then list[n].rank, list[n].kills = i - 129, kills[n] end
    sum = sum + i - 129
    local mean = sum / tens
    context = contexts[base + (mean - mean % 1)]
    tens, base = tens + 10, many + 23
  end
  range, code, at = left, number, position
  rankSum, rankCount = rankSum + sum, rankCount + count
end

-- Of the half being read: how many groups each character has, and how many encounters each group.
local groupCounts, rankCounts, groupsRead = {}, {}, 0

-- Reads the groups of one raid; appends them to `ranks` if given. Returns the context for the next raid.
local NO_ENCOUNTERS = {}
local function readRaid(raid, context, ranks)
  local known = raid > 0 and raids[raid][2] or NO_ENCOUNTERS
  local id = raid > 0 and raids[raid][1] or -raid
  for metric in pairs(forms) do forms[metric] = nil end
  local groups
  groups, context = readShape(context)
  for g = 1, groups do
    local n = readEncounters(known, metrics[g], difficulties[g], ranks)
    groupsRead = groupsRead + 1
    rankCounts[groupsRead] = n
    local spec = readSpec(metrics[g])
    if ranks then
      local encounters = {}
      for i = 1, n do encounters[i] = { id = ids[i] } end
      ranks[#ranks + 1] = {
        raid = id, difficulty = difficulties[g], metric = metrics[g], spec = spec or nil, encounters = encounters,
      }
    end
  end
  return context
end

-- Reads the class and of which encounters there are ranks. With `keep`, returns { classId=, ranks= }.
local function readRecord(keep)
  local ranks = keep and {} or nil
  classId = place(T.class[0]) - 33
  if classId == 15 then classId = raw(256) end
  for metric in pairs(specs) do specs[metric] = nil end
  local some = place(T.raid[0]) - 33
  if some == 1 then
    readRaid(usualRaid, 0, ranks)
  elseif some == 2 then
    local expected, context, first = usualRaid, 0, nil
    while true do
      local choice = place(T.raid[1]) - 33
      if choice == 2 then break end
      local raid = choice == 0 and expected or readRaidId()
      context = readRaid(raid, context, ranks)
      first, expected = first or raid, raid + 1
    end
    usualRaid = first or usualRaid
  end
  return keep and { classId = classId, ranks = ranks }
end

------------------------------------------------------------------------------------------------------------------------

-- So many digits at most are looked at behind the last of a half.
local AHEAD = 8

-- How many more characters there are, from this row.
local function readCount(row)
  local count = place(T.count[row]) - 33
  return count == 15 and raw32() or count
end

-- Begins to read the half of a block in which the wanted name is, if it is there. Its first name is read; returns how
-- many follow, and the farthest place that is looked at for them.
local function openHalf(realmText, start)
  openBlock(realmText, start)
  readName(true)
  local forth = readCount(0)
  local back = readCount(1 + min(forth, 15))
  local stop = find(realmText, "\n", start, true)
  if back > 0 then
    open(realmText, stop - 1, -1)
    readName(false)
    if compareName() <= 0 then return back - 1, start - AHEAD end
    openBlock(realmText, start)
    readName(true)
    readCount(0)
    readCount(1 + min(forth, 15))
  end
  return forth, stop + AHEAD
end

-- Reads what is known of the wanted character in a half whose first name has been read and others follow; nil if it isn't
-- there, or if several differ from it in letter case only.
local function readHalf(name, others, farthest)
  local found, several, foundAt
  usualRaid, specUnknown, groupsRead = 1, false, 0
  -- All that differ in letter case only are in one half.
  local isExact = false
  for i = 1, others + 1 do
    if i > 1 then readName(false) end
    -- Only in damaged data.
    if (at - farthest) * step > 0 then return nil end
    local order = isExact and 1 or compareName()
    if order > 0 and not found then return nil end
    local groups = groupsRead
    if order == 0 then
      local spelled
      spelled, isExact = nameRead(name)
      several = found ~= nil and not isExact
      found, foundAt = readRecord(true), i
      found.name = spelled
    else
      readRecord(false)
    end
    groupCounts[i] = groupsRead - groups
  end
  if several or not found then return nil end
  local group = 0
  for i = 1, foundAt do
    rankSum, rankCount, killsBefore, killsForm = 0, 0, nil, 0
    for g = 1, groupCounts[i] do
      readRanks(rankCounts[group + g], i == foundAt and found.ranks[g].encounters)
    end
    group = group + groupCounts[i]
  end
  return found
end

-- A realm to look for characters in. `text`: its blocks; `region`: its name; `crowdInHeader`: the number beside its name.
function Decoder.NewRealm(realmText, region, crowdInHeader)
  local row = region == "KR" and 1 or region == "TW" and 2 or region == "CN" and 3 or 0
  return {
    text = realmText, startRow = row, writing = row == 3 and 1 or 0, crowd = crowdInHeader,
    generation = generation, starts = {}, prefixes = {},
  }
end

-- Looks a character up in a realm. Returns { name=, classId=, ranks= }, nil if it isn't there. Finds a name in any
-- letter case, if just one character answers to it and none is spelled exactly so.
-- `reference`: the raids by descending id, each { id, { encounter ids in order } }.
function Decoder.Find(realm, name, reference)
  wantedLength = codePoints(name, wanted)
  if not wantedLength or wantedLength == 0 or #realm.text == 0 then return nil end
  for i = 1, wantedLength do wantedFolded[i] = fold[wanted[i]] end
  startRow, writing, crowd = realm.startRow, realm.writing, realm.crowd
  raids = reference
  return readHalf(name, openHalf(realm.text, findBlock(realm)))
end
