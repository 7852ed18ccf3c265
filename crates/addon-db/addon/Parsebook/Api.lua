-- What other addons may use, see API.md. Version 1, Lookup and GetInfo, is in Database.lua; here it gets what it needs
-- in the game, and version 2 stands beside it.

local _, ns = ...

local IsSecret = ns.IsSecret
local API_VERSION = 2

------------------------------------------------------------------------------------------------------------------------
-- In the game: a secret answers nil, and the region is the player's own unless another is named
------------------------------------------------------------------------------------------------------------------------

if CreateFrame then
  local lookup, getInfo = Parsebook.Lookup, Parsebook.GetInfo

  function Parsebook.Lookup(name, realm, region)
    if IsSecret(name) or IsSecret(realm) or IsSecret(region) then return nil end
    if region == nil then
      region = ns.OwnRegion()
      if not region then return nil end
      ns.LoadRegion()
    end
    return lookup(name, realm, region)
  end

  function Parsebook.GetInfo(region)
    if IsSecret(region) then return nil end
    if region == nil then region = ns.OwnRegion() end
    return getInfo(region)
  end

  -- Ranks of a unit's player, nil if there are none or the game hides who it is.
  function Parsebook.LookupUnit(unit)
    local name, realm = ns.NameOfUnit(unit)
    if not name then return nil end
    return Parsebook.Lookup(name, realm)
  end

  -- Adds a player's ranks to a tooltip, as Parsebook itself would; returns whether there was anything to add. `who` is
  -- a unit if no realm is given. The caller shows the tooltip.
  function Parsebook.AddToTooltip(tooltip, who, realm)
    if IsSecret(tooltip) or IsSecret(who) or IsSecret(realm) then return false end
    if type(ns.Field(tooltip, "AddDoubleLine")) ~= "function" then return false end
    if realm == nil then
      local name
      name, realm = ns.NameOfUnit(who)
      return name ~= nil and ns.AddToTooltip(tooltip, name, realm, ns.RoleOfUnit(who))
    end
    return ns.Text(who) ~= nil and ns.Text(realm) ~= nil and ns.AddToTooltip(tooltip, who, realm)
  end
else
  -- There are no units and no tooltips.
  function Parsebook.LookupUnit() return nil end
  function Parsebook.AddToTooltip() return false end
end

------------------------------------------------------------------------------------------------------------------------
-- Everywhere
------------------------------------------------------------------------------------------------------------------------

-- The version of these functions, and of the data's format if data is loaded.
function Parsebook.GetVersion()
  local info = Parsebook.GetInfo()
  return API_VERSION, info and info.formatVersion
end

-- The colour of a rank of 0 to 100 as the player chose it: red, green and blue of 0 to 1, and six hexadecimal digits.
function Parsebook.GetColor(rank)
  rank = ns.Number(rank)
  if not rank then return nil end
  local hex = ns.HexOfRank(rank)
  local number = tonumber(hex, 16)
  return math.floor(number / 65536) / 255, math.floor(number / 256) % 256 / 255, number % 256 / 255, hex
end

-- The best of a player for a raid and a difficulty: { rank, top, killed, bosses, metric, spec, raid, difficulty }.
-- Without a raid, of the newest; without a difficulty, of the hardest. nil if there is none.
function Parsebook.GetBest(name, realm, raid, difficulty, region)
  if IsSecret(raid) or IsSecret(difficulty) then return nil end
  local found = Parsebook.Lookup(name, realm, region)
  local group = found and ns.BestGroup(found, raid, difficulty)
  if not group then return nil end
  local top = 0
  for _, encounter in ipairs(group.encounters) do top = math.max(top, encounter.rank) end
  return {
    rank = ns.MeanRank(group), top = top, killed = #group.encounters,
    bosses = ns.BossCount(Parsebook.GetInfo(found.region), group),
    metric = group.metric, spec = group.spec, raid = group.raid, difficulty = group.difficulty,
  }
end
