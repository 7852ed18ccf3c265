-- Reads data of format 1, for one release more. Decoder.lua reads the format of today.
--
-- Reads one character out of a realm's text. Knows nothing of the game, of files or of regions.
--
-- A realm's text has one line for each block of a few neighbouring characters, sorted by name. A block is one big
-- number in base 94, coded with rANS (range asymmetric numeral systems): it is read through a window `x`. A symbol is
-- chosen by `x % 4096` among the widths of its context (Tables.lua), then `x` shrinks, and digits flow in from the
-- right while `x` is below 2^24. All numbers stay below 2^53, which Lua's doubles hold exactly.
--
-- What a block holds: for each character name, class and ranks; after the first name, the number of characters.
-- Nothing writes this format any more.

local _, ns = ...

local byte, find, floor, gmatch, min = string.byte, string.find, math.floor, string.gmatch, math.min
local concat, char = table.concat, string.char

local Decoder = {}
ns.Decoder1 = Decoder

-- Symbols of the alphabet. From HANGUL on 19 initials, from LETTERS on the letters of Tables.lua.
local END, RAW, HAN, HANGUL, LETTERS = 0, 1, 2, 3, 22
local SPECIAL = ".?#ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
-- Metrics by number; others are spelled out.
local METRICS = {
  [0] = "dps", "hps", "bossdps", "bosscdps", "cdps", "krsi", "ndps", "playerscore", "playerspeed", "rdps", "tankhps",
  "wdps",
}
-- Difficulties by their bit in a set, hardest first.
local DIFFICULTY_BITS = { { 8, 5 }, { 4, 4 }, { 2, 3 }, { 1, 1 } }

------------------------------------------------------------------------------------------------------------------------
-- Contexts, as one list of numbers each: first 16 places where to begin searching, one for every 256 slots; then the
-- slots where the symbols begin, and one more. So place 17 is symbol 0, or the first byte of .symbols.
-- Ranks, the most frequent symbols, have 32 places to begin searching, so there place 33 is rank 0.
------------------------------------------------------------------------------------------------------------------------

local function newContext(widths, guesses)
  local starts, start = {}, 0
  for i = 1, #widths do
    starts[i] = start
    start = start + widths[i]
  end
  starts[#widths + 1] = start
  local context, i = {}, 1
  for guess = 1, guesses do
    while starts[i + 1] <= (guess - 1) * 4096 / guesses do i = i + 1 end
    context[guess] = guesses + i
  end
  for n = 1, #starts do context[guesses + n] = starts[n] end
  return { unpack(context) } -- has no room for more entries
end

-- "12 3 4081": the widths of symbols 0, 1, 2.
local function denseContext(line, guesses)
  local widths = {}
  for width in gmatch(line, "%d+") do widths[#widths + 1] = tonumber(width) end
  return newContext(widths, guesses)
end

-- "a12b4084": the characters a context knows, each with its width.
local function textContext(line, alphabet)
  local widths, symbols = {}, {}
  for letter, width in gmatch(line, "(%D+)(%d+)") do
    widths[#widths + 1] = tonumber(width)
    symbols[#symbols + 1] = char(alphabet[letter])
  end
  local context = newContext(widths, 16)
  context.symbols = concat(symbols)
  return context
end

-- Code points of a UTF-8 string into `codes`; returns how many, nil if the string is no UTF-8.
local function codePoints(text, codes)
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

-- Contexts by kind, counted from 0, and the code points of letters by symbol: at the begin of a name and inside.
local T, CAPITAL, SMALL = nil, {}, {}
-- The context of the next character by the symbol, or the Hangul final, of the one before.
local AFTER, AFTER_FINAL = {}, {}

-- Makes contexts of the tables; needed once, before the first Find.
function Decoder.Prepare(tables)
  local alphabet, symbol = {}, 0
  for letter in gmatch(SPECIAL .. tables.letters, "[%z\1-\127\194-\244][\128-\191]*") do
    alphabet[letter], symbol = symbol, symbol + 1
  end
  local codes = {}
  for i = 1, codePoints(tables.letters, codes) do SMALL[LETTERS + i - 1] = codes[i] end
  local letters = codePoints(tables.capitals, codes)
  for i = 1, letters do CAPITAL[LETTERS + i - 1] = codes[i] end
  T = {}
  for kind, lines in pairs(tables) do
    if type(lines) == "table" then
      local isText = kind == "char" or kind == "diffFirst" or kind == "diff"
      local guesses = kind == "rank" and 32 or 16
      T[kind] = {}
      for i, line in ipairs(lines) do
        -- "=3": the same as the third.
        local first = tonumber(line:match("^=(%d+)$"))
        T[kind][i - 1] = first and T[kind][first - 1] or isText and textContext(line, alphabet)
          or denseContext(line, guesses)
      end
    end
  end
  AFTER[RAW], AFTER[HAN] = T.char[RAW], T.char[HAN]
  for i = 0, letters - 1 do AFTER[LETTERS + i] = T.char[3 + i] end
  for i = 0, 27 do AFTER_FINAL[i] = T.char[3 + letters + i] end
end

------------------------------------------------------------------------------------------------------------------------
-- The window
------------------------------------------------------------------------------------------------------------------------

-- The text, the position of the next digit, the window. Digits are `!` (0) to `~` (93); a line end ends the number.
local text, at, x

local function openBlock(realmText, position)
  text, at = realmText, position + 5
  local a, b, c, d, e = byte(realmText, position, position + 4)
  if e and a > 32 and b > 32 and c > 32 and d > 32 and e > 32 then
    x = ((a * 94 + b) * 94 + c) * 94 + d - 27703995 -- 33 of each digit
    if x < 16777216 then x = x * 94 + e - 33 else at = position + 4 end
    return
  end
  x, at = 0, position
  while true do
    local digit = byte(text, at)
    if digit < 33 then return end
    x, at = x * 94 + digit - 33, at + 1
  end
end

-- The next symbol, as its place in the context, which is 17 for symbol 0.
local function place(context)
  local slot = x % 4096
  local i = context[(slot - slot % 256) / 256 + 1]
  local start, stop = context[i], context[i + 1]
  while stop <= slot do
    i = i + 1
    start, stop = stop, context[i + 1]
  end
  x = (stop - start) * ((x - slot) / 4096) + slot - start
  while x < 16777216 do
    local digit = byte(text, at)
    if digit < 33 then break end
    x, at = x * 94 + digit - 33, at + 1
  end
  return i
end

-- A number below `values`, which is a power of two up to 4096, without prediction.
local function raw(values)
  local width = 4096 / values
  local slot = x % 4096
  local value = floor(slot / width)
  x = width * ((x - slot) / 4096) + slot - value * width
  while x < 16777216 do
    local digit = byte(text, at)
    if digit < 33 then break end
    x, at = x * 94 + digit - 33, at + 1
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

-- The name last read: code points, alphabet symbols, Hangul medials and finals.
local codes, symbols, medials, finals, length = {}, {}, {}, {}, 0
local sharedBefore
-- The name looked for.
local wanted, wantedLength = {}, 0
local wantedInitials = {} -- as alphabet symbols; -1 where it isn't Hangul

-- Reads the character at place `i` in the given context; the old one there helps to predict a Hangul syllable.
-- Returns the context of the next character, nil at the end of the name. With `initial`, a Hangul syllable with another
-- initial is read no further: that is enough to say which of two names stands first.
local function readCharacter(i, context, replaces, initial)
  -- `place`, written out.
  local slot = x % 4096
  local p = context[(slot - slot % 256) / 256 + 1]
  local start, stop = context[p], context[p + 1]
  while stop <= slot do
    p = p + 1
    start, stop = stop, context[p + 1]
  end
  x = (stop - start) * ((x - slot) / 4096) + slot - start
  while x < 16777216 do
    local digit = byte(text, at)
    if digit < 33 then break end
    x, at = x * 94 + digit - 33, at + 1
  end
  local symbol = byte(context.symbols, p - 16)
  if symbol >= LETTERS then
    symbols[i] = symbol
    codes[i] = i == 1 and CAPITAL[symbol] or SMALL[symbol]
    return AFTER[symbol]
  elseif symbol >= HANGUL then
    if initial and symbol ~= initial then
      codes[i] = 44032 + (symbol - HANGUL) * 588
      return context
    end
    local same = replaces and symbols[i] == symbol
    local medial = place(same and T.diffMedial[medials[i]] or T.medial[symbol - HANGUL]) - 17
    same = same and medials[i] == medial
    local final = place(same and T.diffFinal[finals[i]] or T.final[medial]) - 17
    symbols[i], medials[i], finals[i] = symbol, medial, final
    codes[i] = 44032 + ((symbol - HANGUL) * 21 + medial) * 28 + final
    return AFTER_FINAL[final]
  elseif symbol == END then
    return nil
  end
  symbols[i] = symbol
  if symbol == HAN then
    local high = raw(128)
    codes[i] = 19968 + high * 256 + raw(256)
  else
    local high = raw(512)
    codes[i] = high * 4096 + raw(4096)
  end
  return AFTER[symbol]
end

-- Reads the next name of the block.
local function readName(isFirst)
  local shared = 0
  if not isFirst then
    shared = place(T.shared[min(sharedBefore, 7)]) - 17
    if shared == 15 then shared = raw(64) end
  end
  sharedBefore = shared
  local i = shared
  local context
  local replaces = not isFirst and shared < length
  if replaces then
    context = (shared == 0 and T.diffFirst or T.diff)[symbols[shared + 1] - 1]
  elseif shared == 0 then
    context = T.char[0]
  elseif symbols[shared] >= HANGUL and symbols[shared] < LETTERS then
    context = AFTER_FINAL[finals[shared]]
  else
    context = AFTER[symbols[shared]]
  end
  repeat
    i = i + 1
    context = readCharacter(i, context, replaces)
    replaces = false
  until not context
  length = i - 1
end

-- Whether the first name of the block at `position` comes after the wanted one.
local function beginsAfter(realmText, position)
  openBlock(realmText, position)
  local context = T.char[0]
  for i = 1, wantedLength + 1 do
    context = readCharacter(i, context, false, wantedInitials[i])
    if not context then return false end
    local code, target = codes[i], wanted[i]
    if i > wantedLength or code > target then return true end
    if code < target then return false end
  end
end

-- Less than, equal to or greater than 0 as the name last read stands before, at or after the wanted one.
local function compareName()
  for i = 1, min(length, wantedLength) do
    if codes[i] ~= wanted[i] then return codes[i] - wanted[i] end
  end
  return length - wantedLength
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
-- Of the character's groups before: sum and number of ranks, last kills.
local rankSum, rankCount, killsBefore
-- Which of four encounters are killed, by mask.
local BITS = {}
for mask = 0, 15 do
  BITS[mask] = { mask % 2 == 1, floor(mask / 2) % 2 == 1, floor(mask / 4) % 2 == 1, mask >= 8 }
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

-- Fills `difficulties` and `metrics`; returns the number of groups and the context for the next raid.
local function readShape(context)
  local shape = place(T.shape[context]) - 18
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
      local letters = {}
      for j = 1, raw(64) do letters[j] = char(raw(256)) end
      metrics[i] = concat(letters)
    else
      metrics[i] = METRICS[metric]
    end
  end
  return n, 1
end

-- Fills `ids` with the encounters of a group; returns their number.
local function readEncounters(known, metric)
  local before = forms[metric]
  local form = place(T.mask[before and before + 1 or 0]) - 17
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
      four = place(T.killed[3 * (before and mask[first] or 16) + last]) - 17
      last = four == 15 and 1 or 2
    end
    mask[first] = four
    local bits = BITS[four]
    for i = first, min(first + 3, count) do
      if bits[i - first + 1] then
        n = n + 1
        ids[n] = known[i]
      end
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

local function readKillsOf(context)
  local number = place(context) - 17
  return number == 40 and raw(256) or number
end

-- Fills `kills` for `n` encounters; returns their sum.
local function readKills(n)
  local before = readKillsOf(T.kills[killsBefore and 1 + min(killsBefore, 17) or 0])
  kills[1] = before
  if n == 1 or place(T.killsForm[min(before, 10)]) == 17 then
    for i = 2, n do kills[i] = before end
    killsBefore = before
    return before * n
  end
  local sum = before
  for i = 2, n, 2 do
    local context = before < 4 and (before > 0 and before - 1 or 0) or before < 6 and 3 or before < 10 and 4 or 5
    local pair = place(T.killsPair[context]) - 17
    local one, two
    if pair == 81 then
      one = readKillsOf(T.killsFar[context])
      two = readKillsOf(T.killsFar[context])
    else
      local step = pair % 9
      one = before + (pair - step) / 9 - 4
      two = one + step - 4
    end
    kills[i], kills[i + 1] = one, two
    sum = sum + one + (i < n and two or 0)
    before = two
  end
  killsBefore = before
  return sum
end

-- Reads kills and ranks of `count` encounters. Returns a list of them if `keep`, and the sum of the ranks.
local function readRanks(count, keep)
  local many = readKills(count) >= 2 * count and 34 or 0
  local list = keep and {} or nil
  local contexts = T.rank
  local context = contexts[many + (rankCount > 0 and 1 + floor(rankSum / (10 * rankCount)) or 0)]
  local sum = 0
  -- The most frequent symbols: `place` written out, with the window in local variables.
  local realmText, position, window = text, at, x
  for n = 1, count do
    local slot = window % 4096
    local i = context[(slot - slot % 128) / 128 + 1]
    local start, stop = context[i], context[i + 1]
    while stop <= slot do
      i = i + 1
      start, stop = stop, context[i + 1]
    end
    window = (stop - start) * ((window - slot) / 4096) + slot - start
    while window < 16777216 do
      local digit = byte(realmText, position)
      if digit < 33 then break end
      window, position = window * 94 + digit - 33, position + 1
    end
    local rank = i - 33
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
    local n = readEncounters(known, metrics[g])
    local list, sum = readRanks(n, ranks)
    rankSum, rankCount = rankSum + sum, rankCount + n
    if ranks then
      ranks[#ranks + 1] = { raid = id, difficulty = difficulties[g], metric = metrics[g], encounters = list }
    end
  end
  return context
end

-- Reads class and ranks. With `keep`, returns { classId=, ranks= }.
local function readRecord(keep)
  local ranks = keep and {} or nil
  local classId = place(T.class[0]) - 17
  if classId == 15 then classId = raw(256) end
  rankSum, rankCount, killsBefore = 0, 0, nil
  local some = place(T.raid[0]) - 17
  if some == 1 then
    readRaid(usualRaid, 0, ranks)
  elseif some == 2 then
    local expected, context, first = usualRaid, 0, nil
    while true do
      local choice = place(T.raid[1]) - 17
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

-- Looks a character up in a realm's text. Returns { classId=, ranks= }, nil if it isn't there.
-- `reference`: the raids by descending id, each { id, { encounter ids in order } }.
function Decoder.Find(realmText, name, reference)
  wantedLength = codePoints(name, wanted)
  if not wantedLength or wantedLength == 0 or #realmText == 0 then return nil end
  for i = 1, wantedLength do
    local code = wanted[i]
    wantedInitials[i] = code >= 44032 and code < 55204 and HANGUL + floor((code - 44032) / 588) or -1
  end
  wantedInitials[wantedLength + 1] = -1
  -- The block: the last one that does not begin after the name. It starts at `low` or later, but before `high`.
  local low, high = 1, #realmText + 1
  while high - low > 100 do
    local middle = floor((low + high) / 2)
    local start = find(realmText, "\n", middle - 1, true) + 1
    if start >= high then
      high = middle
    elseif beginsAfter(realmText, start) then
      high = middle
    else
      low = start
    end
  end
  local stop = find(realmText, "\n", low, true) + 1
  while stop < high and not beginsAfter(realmText, stop) do
    low = stop
    stop = find(realmText, "\n", low, true) + 1
  end
  -- The character in the block.
  openBlock(realmText, low)
  raids, usualRaid = reference, 1
  readName(true)
  local count, i = place(T.count[0]) - 16, 1
  while true do
    local order = compareName()
    if order == 0 then return readRecord(true) end
    if order > 0 or i == count then return nil end
    readRecord(false)
    readName(false)
    i = i + 1
  end
end
