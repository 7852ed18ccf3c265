-- Names of raids and bosses in the player's language, from the game's encounter journal: it knows Warcraft Logs'
-- encounter ids. What it lacks stays as the data has it, in English.

local _, ns = ...
if not CreateFrame then return end

local Text, Number = ns.Text, ns.Number

-- By encounter id; by Warcraft Logs' raid id; Warcraft Logs' raid id by the game's map.
local bosses, raids, raidOfMap = {}, {}, {}
-- The number of raids in the data that were not found yet, nil before the first reading; how often it was read. A raid
-- that the journal does not have is looked for a few times, not at every loading screen.
local missing
local readings, MOST_READINGS = 0, 3

-- The data's raids by encounter.
local function raidsByBoss(info)
  local byBoss, count = {}, 0
  for _, raid in ipairs(info.raids) do
    count = count + 1
    for _, encounter in ipairs(raid.encounters) do byBoss[encounter.id] = raid.id end
  end
  return byBoss, count
end

-- Reads one raid of the journal; returns whether it is one of the data's that was not known yet.
local function readRaid(instance, name, map, byBoss)
  local raidId
  for index = 1, 40 do
    local boss, _, _, _, _, _, encounter = ns.Ask(EJ_GetEncounterInfoByIndex, index, instance)
    boss, encounter = Text(boss), Number(encounter)
    if not boss then break end
    if encounter and byBoss[encounter] then
      bosses[encounter], raidId = boss, byBoss[encounter]
    end
  end
  if not raidId then return false end
  if map then raidOfMap[map] = raidId end
  local isNew = raids[raidId] == nil
  -- Several raids of the game that Warcraft Logs has as one keep its name for them.
  raids[raidId] = isNew and name
  return isNew
end

-- Reads the journal, newest expansion first, until every raid of the data is found. The journal's own choice of
-- expansion is put back afterwards. Does nothing once all are known.
function ns.ReadJournal()
  local info = Parsebook.GetInfo(ns.OwnRegion() or "")
  if missing == 0 or readings >= MOST_READINGS or not info then return end
  local byBoss, count = raidsByBoss(info)
  local before, tiers = Number(ns.Ask(EJ_GetCurrentTier)), Number(ns.Ask(EJ_GetNumTiers))
  if not tiers then return end
  readings = readings + 1
  bosses, raids, raidOfMap, missing = {}, {}, {}, count
  for tier = tiers, 1, -1 do
    if missing <= 0 then break end
    ns.Ask(EJ_SelectTier, tier)
    for index = 1, 30 do
      local instance, name, _, _, _, _, _, _, _, _, map = ns.Ask(EJ_GetInstanceByIndex, index, true)
      instance, name = Number(instance), Text(name)
      if not instance or not name then break end
      if readRaid(instance, name, Number(map), byBoss) then missing = missing - 1 end
    end
  end
  if before then ns.Ask(EJ_SelectTier, before) end
  ns.Touch()
end

-- The name of a raid in the data: in the player's language, unless English is wanted.
function ns.RaidName(raid)
  return not ns.Options.englishNames and raids[raid.id] or raid.name
end

-- The same for an encounter.
function ns.BossName(encounter)
  return not ns.Options.englishNames and bosses[encounter.id] or encounter.name
end

-- Warcraft Logs' id of the raid on a map of the game, nil if the data has none there.
function ns.RaidOfMap(map)
  return map and raidOfMap[map]
end

-- The game's word for a difficulty.
function ns.DifficultyName(difficulty)
  local known = ns.DIFFICULTIES[difficulty]
  if not known then return ns.L.DIFFICULTY:format(difficulty) end
  return not ns.Options.englishNames and Text(_G[known.global]) or known.english
end

-- One letter or so for a difficulty: "M".
function ns.DifficultyLetter(difficulty)
  local known = ns.DIFFICULTIES[difficulty]
  return known and ns.L[known.letter] or "?"
end
