-- Which of a character's ranks speak for it. Runs in plain Lua too, for Parsebook.GetBest.

local _, ns = ...

local floor = math.floor

-- Difficulties: their option, and the game's own word for each.
ns.DIFFICULTIES = {
  [1] = { option = "lfr", global = "PLAYER_DIFFICULTY3", english = "LFR", letter = "LETTER_LFR" },
  [3] = { option = "normal", global = "PLAYER_DIFFICULTY1", english = "Normal", letter = "LETTER_NORMAL" },
  [4] = { option = "heroic", global = "PLAYER_DIFFICULTY2", english = "Heroic", letter = "LETTER_HEROIC" },
  [5] = { option = "mythic", global = "PLAYER_DIFFICULTY6", english = "Mythic", letter = "LETTER_MYTHIC" },
}

-- Means of groups, so that asking again costs nothing.
local means = setmetatable({}, { __mode = "k" })

-- The mean of a group's ranks over its killed encounters, rounded down.
function ns.MeanRank(group)
  local mean = means[group]
  if not mean then
    local sum = 0
    for _, encounter in ipairs(group.encounters) do sum = sum + encounter.rank end
    mean = floor(sum / math.max(#group.encounters, 1))
    means[group] = mean
  end
  return mean
end

-- Whether the player wants to see a difficulty.
function ns.ShowsDifficulty(difficulty)
  local known = ns.DIFFICULTIES[difficulty]
  return not ns.Options or not known or ns.Options[known.option] ~= false
end

-- Of two groups of one raid and difficulty, the one that speaks for a role: healing for healers, else damage; without
-- a role, the one with more encounters, then the higher mean.
local function isBetter(group, other, role)
  if role then
    local wanted = role == "HEALER" and "hps" or "dps"
    if (group.metric == wanted) ~= (other.metric == wanted) then return group.metric == wanted end
  end
  if #group.encounters ~= #other.encounters then return #group.encounters > #other.encounters end
  return ns.MeanRank(group) > ns.MeanRank(other)
end

-- The group of ranks that speaks for a character: of `raid` (nil: its newest), in `difficulty` (nil: its hardest that
-- the player wants to see). nil if there is none.
function ns.BestGroup(found, raid, difficulty, role)
  local best
  for _, group in ipairs(found.ranks) do
    local isWanted = group.difficulty == difficulty or not difficulty and ns.ShowsDifficulty(group.difficulty)
    if isWanted and (raid == nil or group.raid == raid) and #group.encounters > 0 then
      -- Groups come newest raid first, hardest difficulty first.
      if best and (best.raid ~= group.raid or best.difficulty ~= group.difficulty) then break end
      if not best or isBetter(group, best, role) then best = group end
    end
  end
  return best
end

-- For a listed activity: in its difficulty, else the next harder, else the next easier one.
function ns.BestForActivity(found, raid, difficulty, role)
  local best = ns.BestGroup(found, raid, difficulty, role)
  local harder, easier = difficulty + 1, difficulty - 1
  while not best and harder <= 5 do
    best, harder = ns.BestGroup(found, raid, harder, role), harder + 1
  end
  while not best and easier >= 1 do
    best, easier = ns.BestGroup(found, raid, easier, role), easier - 1
  end
  return best
end

-- How many encounters a group's raid has; at least as many as were killed.
function ns.BossCount(info, group)
  for _, raid in ipairs(info and info.raids or {}) do
    if raid.id == group.raid then return math.max(#raid.encounters, #group.encounters) end
  end
  return #group.encounters
end
