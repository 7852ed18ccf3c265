-- Reads one character out of a realm's text. Knows nothing of the game, of files or of regions.
--
-- A realm's text has one line for each block of a few neighbouring characters, sorted by name. A block is one big
-- number in base 94, coded with rANS (range asymmetric numeral systems): it is read through a window `x`. A symbol is
-- chosen by `x % 4096` among the widths of its context (Tables.lua), then `x` shrinks, and digits flow in from the
-- right while `x` is below 2^24. All numbers stay below 2^53, which Lua's doubles hold exactly.
--
-- What a block holds, in this order: number of characters; for each of them name, class, ranks. The encoder's
-- block.rs, name.rs and record.rs write the same things in the same order.

local _, ns = ...

local byte, find, floor, gmatch, min = string.byte, string.find, math.floor, string.gmatch, math.min
local concat, char = table.concat, string.char

local Decoder = {}
ns.Decoder = Decoder

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
-- Contexts: [1], [2], ... the slots where the symbols begin, and one more; .symbols what they mean (if not 0, 1, 2, ...);
-- .guess for each 64th slot, as a byte, the place where to begin searching.
------------------------------------------------------------------------------------------------------------------------

local function newContext(widths, symbols)
  local context, start = { symbols = symbols }, 0
  for i = 1, #widths do
    context[i] = start
    start = start + widths[i]
  end
  context[#widths + 1] = start
  local guess, i = {}, 1
  for g = 1, 64 do
    while context[i + 1] <= (g - 1) * 64 do i = i + 1 end
    guess[g] = i
  end
  context.guess = char(unpack(guess, 1, 64))
  return context
end

-- "12 3 4081": the widths of symbols 0, 1, 2.
local function denseContext(line)
  local widths = {}
  for width in gmatch(line, "%d+") do widths[#widths + 1] = tonumber(width) end
  return newContext(widths)
end

-- "a12b4084": the characters a context knows, each with its width.
local function textContext(line, alphabet)
  local widths, symbols = {}, {}
  for letter, width in gmatch(line, "(%D+)(%d+)") do
    widths[#widths + 1] = tonumber(width)
    symbols[#symbols + 1] = alphabet[letter]
  end
  return newContext(widths, symbols)
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
      T[kind] = {}
      for i, line in ipairs(lines) do T[kind][i - 1] = isText and textContext(line, alphabet) or denseContext(line) end
    end
  end
  AFTER[RAW], AFTER[HAN] = T.char[RAW], T.char[HAN]
  for i = 0, letters - 1 do AFTER[LETTERS + i] = T.char[3 + i] end
  for i = 0, 27 do AFTER_FINAL[i] = T.char[3 + letters + i] end
end

------------------------------------------------------------------------------------------------------------------------
-- The window
------------------------------------------------------------------------------------------------------------------------

local LOW = 16777216
-- Digit by byte: space to `}`, `~` in place of `]`. A line end has none, which ends the number.
local DIGIT = { [126] = 61 }
for b = 32, 125 do
  if b ~= 93 then DIGIT[b] = b - 32 end
end

local text, at, x

local function openBlock(realmText, position)
  text, at, x = realmText, position, 0
  while x < LOW do
    local digit = DIGIT[byte(text, at)]
    if not digit then break end
    x, at = x * 94 + digit, at + 1
  end
end

-- The place (1, 2, ...) of the next symbol in its context.
local function place(context)
  local slot = x % 4096
  local i = byte(context.guess, (slot - slot % 64) / 64 + 1)
  local start, stop = context[i], context[i + 1]
  while stop <= slot do
    i = i + 1
    start, stop = stop, context[i + 1]
  end
  x = (stop - start) * ((x - slot) / 4096) + slot - start
  while x < LOW do
    local digit = DIGIT[byte(text, at)]
    if not digit then break end
    x, at = x * 94 + digit, at + 1
  end
  return i
end

-- A number below `values`, which is a power of two up to 4096, without prediction.
local function raw(values)
  local width = 4096 / values
  local slot = x % 4096
  local value = floor(slot / width)
  x = width * ((x - slot) / 4096) + slot - value * width
  while x < LOW do
    local digit = DIGIT[byte(text, at)]
    if not digit then break end
    x, at = x * 94 + digit, at + 1
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

-- Reads the character at place `i` in the given context; the old one there helps to predict a Hangul syllable.
-- Returns the context of the next character, nil at the end of the name.
local function readCharacter(i, context, replaces)
  local symbol = context.symbols[place(context)]
  if symbol >= LETTERS then
    symbols[i] = symbol
    codes[i] = i == 1 and CAPITAL[symbol] or SMALL[symbol]
    return AFTER[symbol]
  elseif symbol >= HANGUL then
    local same = replaces and symbols[i] == symbol
    local medial = place(same and T.diffMedial[medials[i]] or T.medial[symbol - HANGUL]) - 1
    same = same and medials[i] == medial
    local final = place(same and T.diffFinal[finals[i]] or T.final[medial]) - 1
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
    shared = place(T.shared[min(sharedBefore, 7)]) - 1
    if shared == 15 then shared = raw(64) end
  end
  sharedBefore = shared
  local i, context = shared, nil
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
  place(T.count[0])
  local context = T.char[0]
  for i = 1, wantedLength + 1 do
    context = readCharacter(i, context, false)
    if not context then return false end
    if i > wantedLength or codes[i] > wanted[i] then return true end
    if codes[i] < wanted[i] then return false end
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
-- The raid with which the character before began, as an index of `raids` or as an id (negative).
local usualRaid
-- The groups of one raid: difficulties and metrics.
local difficulties, metrics = {}, {}
-- For each metric in the raid: which encounters the group before has (1 or 0), and how that was written (0, 1, 2).
local masks, forms = {}, {}
-- The encounters of one group.
local ids = {}
-- Sum and number of ranks, and last kills, of the groups before.
local rankSum, rankCount, killsBefore

-- Index in `raids`, or the negative id of a raid that isn't there; nil if there are no more.
local function readRaid(before)
  local choice = place(T.raid[before and 1 or 0])
  if choice == 1 then return nil end
  if choice == 2 then return before and before + 1 or usualRaid end
  local index = raw(64)
  if index == 63 then
    local id = raw32()
    for i, raid in ipairs(raids) do
      if raid[1] == id then return i end
    end
    return -id
  end
  return index + 1
end

-- Fills `difficulties` and `metrics`; returns the number of groups and the context for the next raid.
local function readShape(context)
  local set = place(T.difficulties[context > 0 and 1 or 0]) - 1
  local n = 0
  if set > 0 then
    local metric = place(T.metrics[context]) - 1
    for _, bit in ipairs(DIFFICULTY_BITS) do
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
  local form = place(T.mask[before and before + 1 or 0]) - 1
  local mask = masks[metric]
  if not mask then
    mask = {}
    masks[metric] = mask
  end
  local n = 0
  local last = 2
  for i = 1, #known do
    local killed = 1
    if form > 0 then
      killed = place(T.killed[(before and mask[i] or 2) * 3 + last]) - 1
      last = killed
    end
    mask[i] = killed
    if killed == 1 then
      n = n + 1
      ids[n] = known[i]
    end
  end
  if form == 2 then
    for _ = 1, raw(256) do
      n = n + 1
      ids[n] = raw32()
    end
  end
  forms[metric] = form
  return n
end

-- Reads ranks and kills of `n` encounters; into a new list if `keep`.
local function readRanks(n, keep)
  local list = keep and {} or nil
  local rankContexts, killContexts = T.rank, T.kills
  local sum, kills = 0, nil
  for i = 1, n do
    local context
    if i > 1 then
      context = 1 + 17 * min(i - 1, 4) + floor(sum / (6 * (i - 1)))
    else
      context = rankCount > 0 and 1 + floor(rankSum / (6 * rankCount)) or 0
    end
    local rank = place(rankContexts[context]) - 1
    sum = sum + rank
    if kills then
      context = 19 + min(kills, 17)
    else
      context = killsBefore and 1 + min(killsBefore, 17) or 0
    end
    kills = place(killContexts[context]) - 1
    if kills == 40 then kills = raw(256) end
    if keep then list[i] = { id = ids[i], rank = rank, kills = kills } end
  end
  rankSum, rankCount, killsBefore = rankSum + sum, rankCount + n, kills or killsBefore
  return list
end

-- Reads class and ranks. With `keep`, returns { classId=, ranks= }.
local NO_ENCOUNTERS = {}
local function readRecord(keep)
  local result = keep and { ranks = {} } or nil
  local classId = place(T.class[0]) - 1
  if classId == 15 then classId = raw(256) end
  rankSum, rankCount, killsBefore = 0, 0, nil
  local context = 0
  local first = nil
  local raid = readRaid(nil)
  while raid do
    first = first or raid
    local known = raid > 0 and raids[raid][2] or NO_ENCOUNTERS
    local id = raid > 0 and raids[raid][1] or -raid
    for metric in pairs(forms) do forms[metric] = nil end
    local groups
    groups, context = readShape(context)
    for g = 1, groups do
      local n = readEncounters(known, metrics[g])
      local list = readRanks(n, keep)
      if keep then
        local ranks = result.ranks
        ranks[#ranks + 1] = { raid = id, difficulty = difficulties[g], metric = metrics[g], encounters = list }
      end
    end
    raid = readRaid(raid)
  end
  usualRaid = first or usualRaid
  if keep then result.classId = classId end
  return result
end

------------------------------------------------------------------------------------------------------------------------

-- Looks a character up in a realm's text. Returns { classId=, ranks= }, nil if it isn't there.
-- `reference`: the raids by descending id, each { id, { encounter ids in order } }.
function Decoder.Find(realmText, name, reference)
  wantedLength = codePoints(name, wanted)
  if not wantedLength or wantedLength == 0 or #realmText == 0 then return nil end
  -- The block: the last one that does not begin after the name. It starts at `low` or later, but before `high`.
  local low, high = 1, #realmText + 1
  while high - low > 200 do
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
  for i = 1, place(T.count[0]) do
    readName(i == 1)
    local order = compareName()
    if order == 0 then return readRecord(true) end
    if order > 0 then return nil end
    readRecord(false)
  end
  return nil
end
