-- Reads one character out of a realm's text. Knows nothing of the game, of files or of regions.
--
-- A realm's text has one line for each block of a few neighbouring characters, sorted by name without regard to letter
-- case. A block is one big number in base 95, coded with rANS (range asymmetric numeral systems): it is read through a
-- window `x`. A symbol is chosen by `x % 4096` among the widths of its row (Tables.lua), then `x` shrinks, and digits
-- flow in from the right while `x` is below 2^24. All numbers stay below 2^53, which Lua's doubles hold exactly.
--
-- What a block holds: for each character name, class and ranks; after the first name, the number of characters. The
-- encoder's block.rs, name.rs and record.rs write the same things in the same order.

local _, ns = ...

local byte, find, floor, gmatch, max, min = string.byte, string.find, math.floor, string.gmatch, math.max, math.min
local concat, char, sort = table.concat, string.char, table.sort
local fold, codePoints = ns.Folded, ns.CodePoints

local Decoder = {}
ns.Decoder = Decoder

-- Letters by number, inside a name; a name begins with the capital.
local ACCENTS = "ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿœšž"
local CAPITAL_ACCENTS = "ẞÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŸŒŠŽ"
local CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
local CAPITAL_CYRILLIC = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁ"
-- The plain letter that foretells the next letter as well, for each accented one.
local ACCENT_BASES = "saaaaaaaceeeeiiiidnoooooouuuuytyosz"
-- Kinds of characters in a name.
local RAW, LATIN, CYRILLIC_LETTER, HANGUL, HAN, OTHER_HAN = 0, 1, 2, 3, 4, 5
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

-- Rows by kind, counted from 0.
local T = {}

-- A table that makes its rows when they are first asked for. Rows written as `-` are those of `plain`.
local function newKind(lines, guesses, plain)
  local written, n = {}, 0
  for _, line in ipairs(lines) do
    for letters in gmatch(line, "%S+") do
      written[n], n = letters, n + 1
    end
  end
  return setmetatable({}, { __index = function(rows, i)
    local letters = written[i]
    local row = letters == "-" and plain[0][i % plain[1]] or rowOfLetters(letters, guesses)
    rows[i] = row
    return row
  end })
end

------------------------------------------------------------------------------------------------------------------------
-- Chinese characters: sorted, in groups that hold about a 256th of all weight each
------------------------------------------------------------------------------------------------------------------------

-- The listed characters, sorted, and for each way of writing (0 traditional, 1 simplified): weights; the group of each
-- character; the first place of each group, and one more; the row by which a group is chosen.
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
  local widths = {}
  share(masses, 1, #masses, sum, widths)
  starts[#starts + 1] = #weights + 1
  return { weights = weights, groupOf = groupOf, starts = starts, groups = newRow(widths, #masses, 32) }
end

-- Makes the lists of a way of writing; needed once.
local hanLines
local function prepareWriting(writing)
  local weightOf, codes = {}, {}
  for _, line in ipairs(hanLines) do
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

-- Code points of accented and Cyrillic letters by number: at the begin of a name, inside, and the plain letter.
local accents, capitalAccents, bases, cyrillic, capitalCyrillic = {}, {}, {}, {}, {}
codePoints(ACCENTS, accents)
codePoints(CAPITAL_ACCENTS, capitalAccents)
codePoints(CYRILLIC, cyrillic)
codePoints(CAPITAL_CYRILLIC, capitalCyrillic)
for i = 1, #ACCENT_BASES do bases[i] = byte(ACCENT_BASES, i) - 96 end

-- Takes the tables in; needed once, before the first Find.
function Decoder.Prepare(tables)
  local plain = {
    latin = { [0] = newKind(tables.latinPlain, 32), 26 },
    final = { [0] = newKind(tables.finalPlain, 32), 21 },
  }
  for kind, lines in pairs(tables) do
    T[kind] = newKind(lines, kind == "rank" and 128 or 32, plain[kind])
  end
  hanLines = tables.hanWeights
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

-- The text, the position of the next digit, the window. Digits are ` ` (0) to `~` (94); a line end ends the number.
local text, at, x

local function openBlock(realmText, position)
  text, at = realmText, position + 5
  local a, b, c, d, e = byte(realmText, position, position + 4)
  if e and a > 31 and b > 31 and c > 31 and d > 31 and e > 31 then
    x = ((a * 95 + b) * 95 + c) * 95 + d - 27727872 -- 32 of each digit
    if x < 16777216 then x = x * 95 + e - 32 else at = position + 4 end
    return
  end
  x, at = 0, position
  while true do
    local digit = byte(text, at)
    if digit < 32 then return end
    x, at = x * 95 + digit - 32, at + 1
  end
end

-- The next symbol, as its place in the row, which is 33 for symbol 0.
local function place(row)
  local window = x
  local slot = window % 4096
  local i = row[(slot - slot % 128) / 128 + 1]
  local start, stop = row[i], row[i + 1]
  while stop <= slot do
    i = i + 1
    start, stop = stop, row[i + 1]
  end
  window = (stop - start) * ((window - slot) / 4096) + slot - start
  if window < 16777216 then
    local position = at
    repeat
      local digit = byte(text, position)
      if digit < 32 then break end
      window, position = window * 95 + digit - 32, position + 1
    until window >= 16777216
    at = position
  end
  x = window
  return i
end

-- Reads digits until the window is full again.
local function refill()
  while x < 16777216 do
    local digit = byte(text, at)
    if digit < 32 then break end
    x, at = x * 95 + digit - 32, at + 1
  end
end

-- A number below `values`, which is a power of two up to 4096, without prediction.
local function raw(values)
  local width = 4096 / values
  local slot = x % 4096
  local value = floor(slot / width)
  x = width * ((x - slot) / 4096) + slot - value * width
  while x < 16777216 do
    local digit = byte(text, at)
    if digit < 32 then break end
    x, at = x * 95 + digit - 32, at + 1
  end
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

-- The name last read. By place: code point; the same without regard to case; kind; number of the letter, or of the
-- Hangul initial, or the place in the list of Chinese characters; plain Latin letter (0 if it is none).
local codes, folded, kinds, numbers, plains = {}, {}, {}, {}, { [0] = 0, [-1] = 0 }
local medials, finals = {}, {}
local length, sharedBefore = 0, 0
-- What the whole realm tells: its row of `start`, the way of writing Chinese, the first row of `shared`.
local startRow, writing, crowd = 0, 0, 0

local function readRaw(i)
  local code = raw(512) * 4096
  code = code + raw(4096)
  codes[i], folded[i], kinds[i], plains[i] = code, fold[code], RAW, 0
end

local function latin(i, letter)
  codes[i] = i == 1 and letter + 64 or letter + 96
  folded[i], kinds[i], numbers[i], plains[i] = letter + 96, LATIN, letter, letter
end

-- An accented letter, or a raw character; `before` is the plain form of the letter before.
local function readAccent(i, before)
  local number = place(T.accent[before]) - 33
  if number == 0 then return readRaw(i) end
  codes[i], folded[i] = i == 1 and capitalAccents[number] or accents[number], accents[number]
  kinds[i], numbers[i], plains[i] = LATIN, 27, bases[number]
end

-- Chooses one of the group's characters that stand behind place `after`.
local function readInGroup(lists, group, after)
  local weights, first, last = lists.weights, max(lists.starts[group], after + 1), lists.starts[group + 1] - 1
  local sum, heaviest = 0, first
  for i = first, last do
    local weight = weights[i]
    sum = sum + weight
    if weight > weights[heaviest] then heaviest = i end
  end
  -- The widths as in `share`; what is left over or missing changes that of the heaviest.
  local left = 4096
  for i = first, last do left = left - max(floor(weights[i] * 4096 / sum), 1) end
  local slot, start, i = x % 4096, 0, first
  while true do
    local width = max(floor(weights[i] * 4096 / sum), 1)
    if i == heaviest then width = width + left end
    if slot < start + width then
      x = width * ((x - slot) / 4096) + slot - start
      refill()
      return i
    end
    start, i = start + width, i + 1
  end
end

local function readHan(i, replaced)
  local symbol = place(T.han[6 * writing + min(i - 1, 5)]) - 33
  plains[i] = 0
  if symbol == 0 then return false end
  if symbol == 1 then
    readRaw(i)
  elseif symbol == 3 then
    local code = 19968 + raw(128) * 256
    code = code + raw(256)
    codes[i], folded[i], kinds[i] = code, code, OTHER_HAN
  else
    if not writings[writing] then prepareWriting(writing) end
    local lists = writings[writing]
    local group, after
    if replaced == HAN then
      local old = numbers[i]
      local step = place(T.hanStep[(i == 1 and 0 or 6) + crowd]) - 33
      if step < 24 then group = lists.groupOf[old] + step end
      if step == 0 then after = old end
    end
    group = group or place(lists.groups) - 32
    local at = readInGroup(lists, group, after or 0)
    codes[i], folded[i], kinds[i], numbers[i] = listed[at], listed[at], HAN, at
  end
  return true
end

-- The rest of a Hangul syllable with this initial.
local function readSounds(i, initial, replaced)
  local inner = i > 1 and 1 or 0
  local same = replaced == HANGUL and numbers[i] == initial
  local medial = place(same and T.diffMedial[21 * inner + medials[i]] or T.medial[initial]) - 33
  same = same and medials[i] == medial
  local final = place(same and T.diffFinal[28 * inner + finals[i]] or T.final[21 * initial + medial]) - 33
  medials[i], finals[i] = medial, final
  local code = 44032 + (initial * 21 + medial) * 28 + final
  codes[i], folded[i], kinds[i], numbers[i], plains[i] = code, code, HANGUL, initial, 0
end

-- Reads the character at place `i`; `replaced` is the kind of the one that stands there in the name before, nil if it
-- foretells nothing. Returns false at the end of the name.
local function readCharacter(i, replaced)
  local kind = i > 1 and kinds[i - 1] or RAW
  local row
  if replaced == RAW then replaced = nil end
  if replaced then
    kind = replaced
    if i == 1 then
      local number = numbers[1]
      row = T.diffStart[
        kind == LATIN and (number == 27 and START_ACCENT - 2 or number - 1)
        or kind == CYRILLIC_LETTER and START_CYRILLIC - 2
        or kind == HANGUL and START_HANGUL - 2
        or START_HAN - 2
      ]
    end
  elseif kind == RAW then
    row = T.start[i == 1 and startRow or 4]
  end
  if row then
    local symbol = place(row) - 33
    if symbol < 2 then
      if symbol == 0 then return false end
      readRaw(i)
      return true
    elseif symbol < START_ACCENT then
      latin(i, symbol - 1)
      return true
    elseif symbol == START_ACCENT then
      readAccent(i, 0)
      return true
    elseif symbol == START_HAN then
      return readHan(i, replaced)
    end
    kind = symbol == START_CYRILLIC and CYRILLIC_LETTER or HANGUL
    if kind ~= replaced then replaced, row = nil, kind == HANGUL and T.initial[0] or T.cyrillic[0] else row = nil end
  end
  if kind == LATIN then
    if replaced then row = T.diffLatin[numbers[i] - 1] else row = T.latin[26 * plains[i - 2] + plains[i - 1] - 1] end
    local letter = place(row) - 33
    if letter == 0 then return false end
    if letter == 27 then readAccent(i, plains[i - 1]) else latin(i, letter) end
    return true
  elseif kind >= HAN then
    return readHan(i, replaced)
  elseif kind == HANGUL then
    if replaced then
      row = T.diffInitial[(i > 1 and 19 or 0) + numbers[i]]
    elseif not row then
      row = T.initial[1 + 28 * min(i - 2, 2) + finals[i - 1]]
    end
    local symbol = place(row) - 33
    if symbol == 0 then return false end
    if symbol == 1 then
      readRaw(i)
    else
      readSounds(i, symbol - 2, replaced)
    end
    return true
  end
  if replaced then row = T.diffCyrillic[numbers[i] - 1] elseif not row then row = T.cyrillic[numbers[i - 1]] end
  local symbol = place(row) - 33
  if symbol == 0 then return false end
  if symbol == 1 then
    readRaw(i)
  else
    local number = symbol - 1
    codes[i], folded[i] = i == 1 and capitalCyrillic[number] or cyrillic[number], cyrillic[number]
    kinds[i], numbers[i], plains[i] = CYRILLIC_LETTER, number, 0
  end
  return true
end

-- Reads the next name of the block.
local function readName(isFirst)
  local shared = 0
  if not isFirst then
    shared = place(T.shared[8 * crowd + min(sharedBefore, 7)]) - 33
    if shared == 15 then shared = raw(64) end
  end
  sharedBefore = shared
  local i = shared
  if not isFirst and shared < length and kinds[shared + 1] ~= RAW then
    i = i + 1
    if not readCharacter(i, kinds[i]) then
      length = i - 1
      return
    end
  end
  local rows = T.latin
  while true do
    i = i + 1
    if i > 1 and kinds[i - 1] == LATIN then
      -- The most frequent characters: `place` written out for all that follow each other.
      local window, position, line = x, at, text
      local before, last = plains[i - 2], plains[i - 1]
      local letter
      while true do
        local row = rows[26 * before + last - 1]
        local slot = window % 4096
        local found = row[(slot - slot % 128) / 128 + 1]
        local start, stop = row[found], row[found + 1]
        while stop <= slot do
          found = found + 1
          start, stop = stop, row[found + 1]
        end
        window = (stop - start) * ((window - slot) / 4096) + slot - start
        while window < 16777216 do
          local digit = byte(line, position)
          if digit < 32 then break end
          window, position = window * 95 + digit - 32, position + 1
        end
        letter = found - 33
        if letter == 0 or letter == 27 then break end
        codes[i], folded[i], kinds[i], numbers[i], plains[i] = letter + 96, letter + 96, LATIN, letter, letter
        before, last, i = last, letter, i + 1
      end
      x, at = window, position
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

-- The first three characters of a name as one number, letter case aside: enough to tell most names apart. 17 bits each;
-- an absent one counts as 0, and so does what follows a code point that is too great.
local function prefixOf(count)
  local prefix, open = 0, true
  for i = 1, 3 do
    local code = open and i <= count and min(folded[i], 131071) or 0
    open = open and code < 131071
    prefix = prefix * 131072 + code
  end
  return prefix
end

-- What is known of where blocks begin, so that the next search need not read it again. At most so many places of all
-- realms together.
local REMEMBERED = 4096
local remembered = 0

-- The begin of the first block that begins at `middle` or later.
local function blockAfter(realm, middle)
  local start = realm.starts[middle]
  if not start then
    start = find(realm.text, "\n", middle - 1, true) + 1
    if remembered < REMEMBERED then
      realm.starts[middle], remembered = start, remembered + 1
    end
  end
  return start
end

local wantedPrefix

-- Whether the first name of the block at `start` comes after the wanted one, letter case aside.
local function beginsAfter(realm, start)
  local prefix = realm.prefixes[start]
  if not prefix then
    openBlock(realm.text, start)
    local count = 0
    while count < 3 and readCharacter(count + 1) do count = count + 1 end
    prefix = prefixOf(count)
    if remembered < REMEMBERED then
      realm.prefixes[start], remembered = prefix, remembered + 1
    end
  end
  if prefix ~= wantedPrefix then return prefix > wantedPrefix end
  openBlock(realm.text, start)
  for i = 1, wantedLength + 1 do
    if not readCharacter(i) then return false end
    local code, target = folded[i], wantedFolded[i]
    if i > wantedLength or code > target then return true end
    if code < target then return false end
  end
end

-- Less than, equal to or greater than 0 as the name last read stands before, at or after the wanted one; the second
-- answer is whether even the letter case is the same.
local function compareName()
  local exact = true
  for i = 1, min(length, wantedLength) do
    if folded[i] ~= wantedFolded[i] then return folded[i] - wantedFolded[i] end
    if codes[i] ~= wanted[i] then exact = false end
  end
  return length - wantedLength, exact
end

local function nameRead()
  local letters = {}
  for i = 1, length do letters[i] = ns.Utf8(codes[i]) end
  return concat(letters)
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
-- 0 before the first); its class.
local rankSum, rankCount, killsBefore, killsForm, classId
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
  for i = 2, n do
    -- Each is foretold by the most, the least and the last so far.
    local size = most < 4 and most or most < 6 and 4 or most < 10 and 5 or 6
    local number = 21 * size
    if most > least then
      local spread, below = most - least, most - last
      number = number + 4 * (spread < 5 and spread or 5) - 3 + (below < 3 and below or 3)
    end
    -- `place`, written out.
    local row, slot = rows[number], x % 4096
    local found = row[(slot - slot % 128) / 128 + 1]
    local start, stop = row[found], row[found + 1]
    while stop <= slot do
      found = found + 1
      start, stop = stop, row[found + 1]
    end
    x = (stop - start) * ((x - slot) / 4096) + slot - start
    if x < 16777216 then refill() end
    last = found == 50 and raw(256) or most + found - 43
    kills[i], sum = last, sum + last
    if last > most then most = last elseif last < least then least = last end
  end
  killsBefore = last
  return sum
end

-- Reads kills and ranks of `count` encounters. Returns a list of them if `keep`, and the sum of the ranks.
local function readRanks(count, keep)
  local many = readKills(count, keep) >= 2 * count and 34 or 0
  local list = keep and {} or nil
  local contexts = T.rank
  local context = contexts[many + (rankCount > 0 and 1 + floor(rankSum / (10 * rankCount)) or 0)]
  local sum = 0
  -- The most frequent symbols: `place` written out, with the window in local variables.
  local realmText, position, window = text, at, x
  for n = 1, count do
    local slot = window % 4096
    local i = context[(slot - slot % 32) / 32 + 1]
    local start, stop = context[i], context[i + 1]
    while stop <= slot do
      i = i + 1
      start, stop = stop, context[i + 1]
    end
    window = (stop - start) * ((window - slot) / 4096) + slot - start
    while window < 16777216 do
      local digit = byte(realmText, position)
      if digit < 32 then break end
      window, position = window * 95 + digit - 32, position + 1
    end
    local rank = i - 129
    if keep then list[n] = { id = ids[n], rank = rank, kills = kills[n] } end
    sum = sum + rank
    local mean = sum / (10 * n)
    context = contexts[many + 1 + 11 * (n < 2 and n or 2) + (mean - mean % 1)]
  end
  at, x = position, window
  return list, sum
end

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
    local spec = readSpec(metrics[g])
    local list, sum = readRanks(n, ranks)
    rankSum, rankCount = rankSum + sum, rankCount + n
    if ranks then
      ranks[#ranks + 1] = {
        raid = id, difficulty = difficulties[g], metric = metrics[g], spec = spec or nil, encounters = list,
      }
    end
  end
  return context
end

-- Reads class and ranks. With `keep`, returns { classId=, ranks= }.
local function readRecord(keep)
  local ranks = keep and {} or nil
  classId = place(T.class[0]) - 33
  if classId == 15 then classId = raw(256) end
  rankSum, rankCount, killsBefore, killsForm = 0, 0, nil, 0
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

-- A realm to look for characters in. `text`: its blocks; `region`: its name; `crowdInHeader`: the number beside its name.
function Decoder.NewRealm(text, region, crowdInHeader)
  local row = region == "KR" and 1 or region == "TW" and 2 or region == "CN" and 3 or 0
  return {
    text = text, startRow = row, writing = row == 3 and 1 or 0, crowd = crowdInHeader, starts = {}, prefixes = {},
  }
end

-- Looks a character up in a realm. Returns { name=, classId=, ranks= }, nil if it isn't there. Finds a name in any
-- letter case, if just one character answers to it and none is spelled exactly so.
-- `reference`: the raids by descending id, each { id, { encounter ids in order } }.
function Decoder.Find(realm, name, reference)
  local realmText = realm.text
  wantedLength = codePoints(name, wanted)
  if not wantedLength or wantedLength == 0 or #realmText == 0 then return nil end
  for i = 1, wantedLength do
    wantedFolded[i] = fold[wanted[i]]
    folded[i] = wantedFolded[i]
  end
  wantedPrefix = prefixOf(wantedLength)
  startRow, writing, crowd = realm.startRow, realm.writing, realm.crowd
  -- The block: the last one that does not begin after the name. It starts at `low` or later, but before `high`.
  local low, high = 1, #realmText + 1
  while high - low > 200 do
    local middle = floor((low + high) / 2)
    local start = blockAfter(realm, middle)
    if start >= high or beginsAfter(realm, start) then
      high = middle
    else
      low = start
    end
  end
  local stop = find(realmText, "\n", low, true) + 1
  while stop < high and not beginsAfter(realm, stop) do
    low = stop
    stop = find(realmText, "\n", low, true) + 1
  end
  -- The character in the block. All that differ in letter case only are in it.
  openBlock(realmText, low)
  raids, usualRaid, specUnknown = reference, 1, false
  readName(true)
  local others = place(T.count[0]) - 33
  if others == 15 then others = raw32() end
  local found, several
  while true do
    local order, exact = compareName()
    if order > 0 then break end
    local spelled = order == 0 and (exact and name or nameRead())
    local record = readRecord(order == 0)
    if order == 0 then
      record.name = spelled
      if exact then return record end
      found, several = record, found ~= nil
    end
    if others == 0 then break end
    others = others - 1
    readName(false)
  end
  if several then return nil end
  return found
end
