-- The data of the player's region: loaded at login, tried again later, and why there is none in words that say what to
-- do. No other region is ever loaded.

local addonName, ns = ...
if not CreateFrame then return end

local L = ns.L
-- How often a loading that broke off is tried without being asked for.
local TRIES = 3
-- Ranks older than this are worth a word at login, in days.
local STALE_DAYS = 14

-- The region whose data is there; nil before.
local loaded
-- Why there is no data, in words for the player; nil while there is, or before the first try.
local problem
-- Whether the last try broke off with an error, and how many did.
local brokeOff, tries = false, 0

------------------------------------------------------------------------------------------------------------------------
-- What the data files bring, besides what Database.lua takes from them
------------------------------------------------------------------------------------------------------------------------

-- By region: files that began to load, and display names of realms by their folded name.
local files, realms = {}, {}

-- A realm's name without what spellings differ in.
local function fold(realm)
  realm = realm:gsub("[%s%-']", ""):gsub("\194\160", ""):gsub("\226\128[\152\153]", "")
  return realm:lower()
end

local openPart = Parsebook.OpenPart
function Parsebook.OpenPart(version, region, ...)
  local take = openPart(version, region, ...)
  if not take then return nil end
  files[region] = (files[region] or 0) + 1
  local names = realms[region] or {}
  realms[region] = names
  return function(first, second, ...)
    -- In format 1 a realm's key stands before its display name.
    local display = version == 1 and second or first
    -- What is no name is refused by `take`.
    if type(display) == "string" then names[fold(display)] = display end
    return take(first, second, ...)
  end
end

-- The display name of one of the region's realms ("Templenoir": "Temple noir"), nil if the data does not know it.
function ns.RealmName(realm)
  local names = realms[ns.OwnRegion() or ""]
  return names and names[fold(realm)]
end

------------------------------------------------------------------------------------------------------------------------
-- Loading
------------------------------------------------------------------------------------------------------------------------

-- What to do about a reason of LoadAddOn.
local ADVICE = {
  MISSING = "DATA_MISSING", DISABLED = "DATA_DISABLED", INTERFACE_VERSION = "DATA_OUTDATED", CORRUPT = "DATA_CORRUPT",
}

local function advice(region, reason)
  local addon = "Parsebook_DB_" .. region
  local key = ADVICE[reason] or "DATA_CORRUPT"
  return L[key]:format(region, reason, addon)
end

-- What an addon's .toc says, whether it is loaded or not; nil if there is no such addon, or if the game does not tell.
local function metadata(addon, field)
  return ns.Text(ns.Ask(C_AddOns and C_AddOns.GetAddOnMetadata, addon, field))
end

-- The readers of formats in which there is no data, of whatever region, need no memory.
local function keepReaders()
  if not metadata(addonName, "Title") then return end
  local needed = {}
  for _, region in ipairs(ns.REGIONS) do
    needed[tonumber(metadata("Parsebook_DB_" .. region, "X-Parsebook-Format")) or 0] = true
  end
  ns.KeepReaders(needed)
end

local function load(region)
  local addon = "Parsebook_DB_" .. region
  files[region] = 0
  local ok, done, reason = pcall(C_AddOns and C_AddOns.LoadAddOn or LoadAddOn, addon)
  brokeOff = not ok
  local info, refused = Parsebook.GetInfo(region)
  if refused then return refused end
  if ok and not ns.Visible(done) then return advice(region, ns.Text(reason) or "CORRUPT") end
  local expected = tonumber(metadata(addon, "X-Parsebook-Files"))
  if not ok or not info or expected and (files[region] or 0) < expected then
    return L.DATA_BROKE_OFF:format(region, addon)
  end
  loaded = region
  ns.Touch()
end

-- Loads the data of the player's region. Returns whether it is there. `again`: also where it failed before.
function ns.LoadRegion(again)
  if loaded then return true end
  if problem and not again and not (brokeOff and tries < TRIES) then return false end
  local region = ns.OwnRegion()
  if not region then
    problem = L.NO_REGION
    return false
  end
  tries = tries + 1
  problem = load(region)
  return problem == nil
end

-- Why there is no data; nil if there is, or if nobody has needed it yet.
function ns.Problem()
  return problem
end

-- A character's ranks, nil if there are none.
function ns.Find(name, realm)
  if not name or not realm or not ns.LoadRegion() then return nil end
  return (Parsebook.Lookup(name, realm, loaded))
end

------------------------------------------------------------------------------------------------------------------------
-- At login, and whenever a loading screen ends
------------------------------------------------------------------------------------------------------------------------

-- What was said last: nothing is said twice.
local told

local function tell()
  if not ns.Options.notices then return end
  local days = not problem and ns.DataAge()
  local text = problem or days and days > STALE_DAYS and L.DATA_STALE:format(days)
  -- Other formats and mixed releases are told by Database.lua, which finds them.
  local _, refused = Parsebook.GetInfo(ns.OwnRegion() or "")
  if text and text ~= told and text ~= refused then ns.Say(text) end
  told = text or told
end

ns.On({ "PLAYER_LOGIN", "PLAYER_ENTERING_WORLD" }, function()
  if ns.LoadRegion(true) then ns.ReadJournal() end
  keepReaders()
  tell()
end)
