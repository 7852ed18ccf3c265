-- Ranks as lines of text, two columns each, for tooltips and chat.

local _, ns = ...
if not CreateFrame then return end

local floor = math.floor

-- Warcraft Logs' colours: least rank, colour.
local BANDS = {
  { 100, "e5cc80" }, -- gold
  { 99, "e268a8" }, -- pink
  { 95, "ff8000" }, -- orange
  { 75, "a335ee" }, -- purple
  { 50, "0070ff" }, -- blue
  { 25, "1eff00" }, -- green
  { 0, "808080" }, -- grey
}
local DIFFICULTIES = { [1] = "LFR", [3] = "Normal", [4] = "Heroic", [5] = "Mythic" }
local SECONDS_A_DAY = 86400

-- A rank in its colour.
function ns.ColourRank(rank)
  for _, band in ipairs(BANDS) do
    if rank >= band[1] then return ("|cff%s%d|r"):format(band[2], rank) end
  end
end

-- Names from the data's reference list; what it lacks is shown by its number.
local function raidOf(info, id)
  for _, raid in ipairs(info and info.raids or {}) do
    if raid.id == id then return raid end
  end
  return { id = id, name = ("Raid %d"):format(id), encounters = {} }
end

local function bossName(raid, id)
  for _, encounter in ipairs(raid.encounters) do
    if encounter.id == id then return encounter.name end
  end
  return ("Boss %d"):format(id)
end

local function addGroup(lines, raid, group, everyBoss)
  local sum, count = 0, #group.encounters
  for _, encounter in ipairs(group.encounters) do sum = sum + encounter.rank end
  local difficulty = DIFFICULTIES[group.difficulty] or ("Difficulty %d"):format(group.difficulty)
  local total = math.max(#raid.encounters, count)
  lines[#lines + 1] = {
    ("  %s %d/%d"):format(difficulty, count, total),
    ("%s %s"):format(ns.ColourRank(floor(sum / count)), group.metric),
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

-- The lines of a character: { left, right } each, newest raid and hardest difficulty first.
function ns.RankLines(found, everyBoss)
  local lines, info = {}, Parsebook.GetInfo(found.region)
  local raid, hardest
  for _, group in ipairs(found.ranks) do
    if not raid or raid.id ~= group.raid then
      if raid and ns.Options.newestOnly then break end
      raid, hardest = raidOf(info, group.raid), group.difficulty
      lines[#lines + 1] = { raid.name, "" }
    end
    if group.difficulty == hardest or not ns.Options.bestOnly then addGroup(lines, raid, group, everyBoss) end
  end
  return lines
end

-- The data's age in whole days, and its date as text; nil without data.
function ns.DataAge()
  local info = Parsebook.GetInfo(ns.OwnRegion())
  if not info or info.generatedAt == 0 or not time then return nil end
  return floor((time() - info.generatedAt) / SECONDS_A_DAY), date("%Y-%m-%d", info.generatedAt)
end

-- A line with the data's date; says so when the data is old. nil without data, or if it isn't old and `onlyOld`.
function ns.DateLine(onlyOld)
  local days, day = ns.DataAge()
  if not days then return nil end
  if days > ns.OLD_DAYS then return ("|cffff4040Ranks are of %s: %d days old|r"):format(day, days) end
  return not onlyOld and ("|cff808080Ranks of %s|r"):format(day) or nil
end

-- Adds a character to a tooltip; returns whether there was anything to add.
function ns.AddToTooltip(tooltip, name, realm)
  if ns.Options.hideInCombat and InCombatLockdown and InCombatLockdown() then return false end
  local found = ns.Find(name, realm)
  if not found or #found.ranks == 0 then return false end
  local everyBoss = ns.ModifierDown()
  tooltip:AddLine(" ")
  for _, line in ipairs(ns.RankLines(found, everyBoss)) do
    if line[2] == "" then tooltip:AddLine(line[1]) else tooltip:AddDoubleLine(line[1], line[2], 1, 1, 1, 1, 1, 1) end
  end
  local dateLine = ns.DateLine(not everyBoss)
  if dateLine then tooltip:AddLine(dateLine) end
  tooltip:Show()
  return true
end
