-- Takes the data files in, answers Parsebook.Lookup and Parsebook.GetInfo (see API.md). Runs in plain Lua 5.1 too.

local _, ns = ...

local gsub, type = string.gsub, type
local Decoder = ns.Decoder

-- The format this addon reads; every data file names its own.
local FORMAT_VERSION = 1
-- How many answers are remembered for each region before the memory is emptied.
local REMEMBERED = 500

Parsebook = Parsebook or {}
local Parsebook = Parsebook

-- By region: { refused = message } or { checksum, reference, info, memo } and by realm key: displays, texts, and keys
-- by another spelling: aliases.
local regions = {}
-- The region to use when none is named; false if there are several.
local onlyRegion = nil

------------------------------------------------------------------------------------------------------------------------
-- Loading
------------------------------------------------------------------------------------------------------------------------

-- The name of a realm without what callers spell differently: white space, hyphens, the typographic apostrophe.
local function realmKey(realm)
  realm = gsub(realm, "[ \t-\r%-]", "")
  realm = gsub(realm, "\194\160", "")
  return (gsub(realm, "\226\128\153", "'"))
end

-- Drops a region's data and says why, once.
local function refuse(name, message)
  if regions[name] and regions[name].refused then return end
  regions[name] = { refused = message }
  print("Parsebook: " .. message)
end

local function checkVersion(version, name)
  if version == FORMAT_VERSION then return true end
  local message = "the data of region %s has format %s, this addon reads format %d. Please update both; it is not used."
  refuse(name, message:format(tostring(name), tostring(version), FORMAT_VERSION))
end

-- Called by a region's Raids.lua. Returns a function that takes the raids one by one, nil if the data is refused.
function Parsebook.OpenRegion(version, name, checksum)
  if regions[name] and regions[name].refused or not checkVersion(version, name) then return nil end
  if ns.Tables then
    Decoder.Prepare(ns.Tables)
    ns.Tables = nil
  end
  if onlyRegion == nil then onlyRegion = name elseif onlyRegion ~= name then onlyRegion = false end
  local info = { formatVersion = version, generatedAt = 0, characters = 0, realms = 0, raids = {} }
  local region = {
    name = name, checksum = checksum, reference = {}, info = info,
    displays = {}, texts = {}, aliases = {},
    memo = {}, remembered = 0,
  }
  regions[name] = region
  -- `list`: encounter id, name, id, name, ... in the raid's order.
  return function(id, raidName, list)
    local ids, encounters = {}, {}
    for i = 1, #list, 2 do
      ids[#ids + 1] = list[i]
      encounters[#encounters + 1] = { id = list[i], name = list[i + 1] }
    end
    region.reference[#region.reference + 1] = { id, ids }
    info.raids[#info.raids + 1] = { id = id, name = raidName, encounters = encounters }
  end
end

-- Called by each data file. Returns a function that takes the realms one by one, nil if the data is refused.
function Parsebook.OpenPart(version, name, checksum, generatedAt, characters)
  local region = regions[name]
  if region and region.refused or not checkVersion(version, name) then return nil end
  if not region or region.checksum ~= checksum then
    local message = "the data files of region %s do not belong together. Please install them anew; they are not used."
    refuse(name, message:format(tostring(name)))
    return nil
  end
  local info = region.info
  if generatedAt > info.generatedAt then info.generatedAt = generatedAt end
  info.characters = info.characters + characters
  local displays, texts, aliases = region.displays, region.texts, region.aliases
  return function(key, display, text)
    if texts[key] then -- a giant realm goes on in a second file
      texts[key] = texts[key] .. text
      return
    end
    displays[key], texts[key] = display, text
    info.realms = info.realms + 1
    local alias = realmKey(display)
    if alias ~= key then aliases[alias] = key end
  end
end

------------------------------------------------------------------------------------------------------------------------
-- Asking
------------------------------------------------------------------------------------------------------------------------

local function findRegion(name)
  if name == nil then
    if onlyRegion then return regions[onlyRegion] end
    return nil
  end
  return regions[name] or type(name) == "string" and regions[name:upper()] or nil
end

local function findCharacter(region, name, realmName)
  local key = realmKey(realmName)
  if not region.texts[key] then key = region.aliases[key] end
  local text = key and region.texts[key]
  local found = text and Decoder.Find(text, name, region.reference)
  if not found then return false end
  found.name, found.realm, found.region = name, region.displays[key], region.name
  return found
end

-- A character's ranks, nil if there are none (and the reason, if the data was refused). Answers are shared: do not
-- change them.
function Parsebook.Lookup(name, realm, regionName)
  local region = findRegion(regionName)
  if not region then
    -- In the game, the player's own region is loaded when somebody first asks.
    if not ns.LoadRegion or not ns.LoadRegion() then return nil end
    region = findRegion(regionName)
    if not region then return nil end
  end
  local memo = region.memo
  if not memo then return nil, region.refused end
  local names = memo[realm]
  local found = names and names[name]
  if found == nil then
    if type(name) ~= "string" or type(realm) ~= "string" then return nil end
    if region.remembered >= REMEMBERED then
      memo, region.remembered = {}, 0
      region.memo = memo
    end
    found = findCharacter(region, name, realm)
    names = memo[realm]
    if not names then
      names = {}
      memo[realm] = names
    end
    names[name] = found
    region.remembered = region.remembered + 1
  end
  return found or nil
end

-- What is known about a region's data; nil if it is not loaded (and the reason, if it was refused).
function Parsebook.GetInfo(regionName)
  local region = findRegion(regionName)
  if not region then return nil end
  return region.info, region.refused
end
