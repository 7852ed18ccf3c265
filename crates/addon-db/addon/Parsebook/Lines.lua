-- Ranks as lines of text, two columns each, for tooltips, chat and the panel. Lines are made once and kept: hovering
-- over somebody again makes no garbage.

local _, ns = ...
if not CreateFrame then return end

local L = ns.L
local floor = math.floor

local SECONDS_A_DAY = 86400
-- With the key: every boss of so many raids; of older ones, a line for each difficulty. No more lines than a screen.
local RAIDS_BY_BOSS, MOST_LINES = 2, 40

-- Names from the data's reference list; what it lacks is shown by its number.
local function raidOf(info, id)
  for _, raid in ipairs(info and info.raids or {}) do
    if raid.id == id then return raid end
  end
  return { id = id, name = L.RAID:format(id), encounters = {} }
end

local function bossName(raid, id)
  for _, encounter in ipairs(raid.encounters) do
    if encounter.id == id then return ns.BossName(encounter) end
  end
  return ns.BossName({ id = id, name = L.BOSS:format(id) })
end

local function progress(info, group)
  return ("%d/%d"):format(#group.encounters, ns.BossCount(info, group))
end

local function addGroup(lines, info, raid, group, everyBoss)
  lines[#lines + 1] = {
    ("  %s %s"):format(ns.DifficultyName(group.difficulty), progress(info, group)),
    ("%s %s"):format(ns.ColourRank(ns.MeanRank(group)), group.metric),
  }
  if not everyBoss then return end
  for _, encounter in ipairs(group.encounters) do
    local kills = encounter.kills < 255 and tostring(encounter.kills) or "255+"
    lines[#lines + 1] = {
      "    " .. bossName(raid, encounter.id),
      ("%s  %s x"):format(ns.ColourRank(encounter.rank), kills),
    }
  end
end

-- "WCL 87 · 6/8 M · Frost", and the raid; nil if the player wants to see none of the ranks.
function ns.Headline(found, role)
  local group = ns.BestGroup(found, nil, nil, role)
  if not group then return nil end
  local info = Parsebook.GetInfo(found.region)
  local text = ("WCL %s · %s %s"):format(
    ns.ColourRank(ns.MeanRank(group)), progress(info, group), ns.DifficultyLetter(group.difficulty))
  local spec, icon, specRole = ns.Spec(found.classId, group.spec)
  if spec then text = text .. " · " .. spec end
  if ns.Options.icons then text = ns.Icons(found.classId, icon, specRole) .. text end
  return text, ns.Grey(ns.RaidName(raidOf(info, group.raid)))
end

-- The lines of a character: { left, right } each, newest raid and hardest difficulty first.
function ns.RankLines(found, everyBoss, role)
  local lines, info = {}, Parsebook.GetInfo(found.region)
  local left, right = ns.Headline(found, role)
  if not left then return lines end
  lines[1] = { left, right }
  local raid, hardest, raids = nil, nil, 0
  for _, group in ipairs(found.ranks) do
    if #lines >= MOST_LINES then break end
    if ns.ShowsDifficulty(group.difficulty) and #group.encounters > 0 then
      if not raid or raid.id ~= group.raid then
        -- Older raids than the newest are behind the key, if wanted at all.
        if raid and ns.Options.newestOnly and not everyBoss then break end
        raid, hardest, raids = raidOf(info, group.raid), group.difficulty, raids + 1
        -- The newest stands in the headline already.
        if raids > 1 then lines[#lines + 1] = { ns.RaidName(raid), "" } end
      end
      if group.difficulty == hardest or not ns.Options.bestOnly then
        addGroup(lines, info, raid, group, everyBoss and raids <= RAIDS_BY_BOSS)
      end
    end
  end
  while #lines > MOST_LINES do lines[#lines] = nil end
  return lines
end

------------------------------------------------------------------------------------------------------------------------
-- The data's date
------------------------------------------------------------------------------------------------------------------------

-- The data's age in whole days, and the moment; nil without data.
function ns.DataAge()
  local info = Parsebook.GetInfo(ns.OwnRegion() or "")
  local now = ns.Number(ns.Ask(time))
  if not info or info.generatedAt == 0 or not now then return nil end
  return floor((now - info.generatedAt) / SECONDS_A_DAY), info.generatedAt
end

local dateLine, oldLine, lineOf, lineDays

-- A line with the data's date; says so when the data is old. nil without data, or if it isn't old and `onlyOld`.
function ns.DateLine(onlyOld)
  local days, at = ns.DataAge()
  if not days then return nil end
  if lineOf ~= at or lineDays ~= days then
    local day = ns.Text(ns.Ask(date, "%Y-%m-%d", at)) or "?"
    lineOf, lineDays = at, days
    dateLine = ns.Grey(L.RANKS_OF:format(day))
    oldLine = ("|cffff4040%s|r"):format(L.RANKS_OLD:format(day, days))
  end
  if days > ns.OLD_DAYS then return oldLine end
  return not onlyOld and dateLine or nil
end

------------------------------------------------------------------------------------------------------------------------
-- Drawing
------------------------------------------------------------------------------------------------------------------------

local ROLES = { DAMAGER = 1, TANK = 1, HEALER = 2 }

-- By answer of Lookup: the lines in each state, and the version of options and data they were made with.
local drawn = setmetatable({}, { __mode = "k" })

local function linesOf(found, everyBoss, role)
  local kept = drawn[found]
  if not kept or kept.version ~= ns.version then
    kept = { version = ns.version }
    drawn[found] = kept
  end
  local state = (everyBoss and 10 or 0) + (ROLES[role] or 0)
  local lines = kept[state]
  if not lines then
    lines = ns.RankLines(found, everyBoss, role)
    kept[state] = lines
  end
  return lines
end

-- Draws a character's ranks on a tooltip; returns whether there was anything to draw. Without the key, never more
-- lines than the option `maxLines`.
function ns.Draw(tooltip, found, role)
  local everyBoss = ns.ModifierDown()
  local lines = linesOf(found, everyBoss, role)
  if #lines == 0 then return false end
  local date = ns.DateLine(not everyBoss)
  local room = everyBoss and #lines or math.min(#lines, ns.Options.maxLines - (date and 1 or 0))
  if room + (date and 1 or 0) < ns.Options.maxLines or everyBoss then tooltip:AddLine(" ") end
  for i = 1, math.max(room, 1) do
    local line = lines[i]
    if line[2] == "" then tooltip:AddLine(line[1]) else tooltip:AddDoubleLine(line[1], line[2], 1, 1, 1, 1, 1, 1) end
  end
  if date and (everyBoss or ns.Options.maxLines > 1) then tooltip:AddLine(date) end
  return true
end

-- Adds a character to a tooltip, if ranks may be shown now; returns whether there was anything to add. The caller
-- shows the tooltip, unless the game does.
function ns.AddToTooltip(tooltip, name, realm, role)
  if not ns.Wanted() then return false end
  local found = ns.Find(name, realm)
  if not found or #found.ranks == 0 then return false end
  return ns.Draw(tooltip, found, role)
end

------------------------------------------------------------------------------------------------------------------------
-- A few characters for a row of a list
------------------------------------------------------------------------------------------------------------------------

-- "87 6/8 M" for a listed raid and difficulty; nil if the character has no ranks there.
function ns.RowText(found, raid, difficulty, role)
  local kept = drawn[found]
  if not kept or kept.version ~= ns.version then
    kept = { version = ns.version }
    drawn[found] = kept
  end
  local state = 100 + raid * 100 + difficulty * 10 + (ROLES[role] or 0)
  local text = kept[state]
  if text == nil then
    local group = ns.BestForActivity(found, raid, difficulty, role)
    text = group and ("%s %s %s"):format(ns.ColourRank(ns.MeanRank(group)),
      progress(Parsebook.GetInfo(found.region), group), ns.DifficultyLetter(group.difficulty)) or false
    kept[state] = text
  end
  return text or nil
end
