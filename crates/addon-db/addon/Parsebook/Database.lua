-- Takes the data files in, answers Parsebook.Lookup and Parsebook.GetInfo (see API.md). Runs in plain Lua 5.1 too.

local _, ns = ...

local type, pcall = type, pcall
local realmKey = ns.RealmKey

-- The format of today; every data file names its own. The one before is read as well, for one release more.
local FORMAT_VERSION = 2
local FORMAT_BEFORE = 1
-- How many answers are remembered for each region before the memory is emptied.
local REMEMBERED = 500
-- Why data is refused.
local DAMAGED = "the data files of region %s are damaged. Please install them anew; they are not used."
local MIXED = "the data files of region %s do not belong together. Please install them anew; they are not used."

Parsebook = Parsebook or {}
local Parsebook = Parsebook

-- By region: { refused = message } or { checksum, reference, info, memo } and by realm key: displays, texts, crowds,
-- what the decoder remembers of those asked for: realms, and keys by another spelling: aliases.
local regions = {}
-- The region to use when none is named; false if there are several.
local onlyRegion = nil

------------------------------------------------------------------------------------------------------------------------
-- Loading
------------------------------------------------------------------------------------------------------------------------

-- Drops a region's data and says why, once. A file that does not even name its region is dropped alone.
local function refuse(name, message)
  if type(name) ~= "string" then
    print("Parsebook: " .. message)
    return
  end
  if regions[name] and regions[name].refused then return end
  regions[name] = { refused = message }
  if onlyRegion == nil then onlyRegion = name end
  print("Parsebook: " .. message)
end

-- The reader of a format: Decoder.lua or Decoder1.lua, and the tables it takes in before the first data comes.
local function readerOf(version)
  if version == FORMAT_VERSION then return ns.Decoder, "Tables" end
  if version == FORMAT_BEFORE then return ns.Decoder1, "Tables1" end
end

local function prepare(version)
  local reader, tables = readerOf(version)
  if ns[tables] then reader.Prepare(ns[tables]) end
  ns[tables] = nil
end

-- Gives back the memory of readers that nothing on this machine needs. `needed`: the formats of all its data.
function ns.KeepReaders(needed)
  if not needed[FORMAT_VERSION] then ns.Decoder, ns.Tables = nil, nil end
  if not needed[FORMAT_BEFORE] then ns.Decoder1, ns.Tables1 = nil, nil end
end

local function checkVersion(version, name)
  if readerOf(version) then return true end
  local message = "the data of region %s has format %s, this addon reads format %d. Please update both; it is not used."
  refuse(name, message:format(tostring(name), tostring(version), FORMAT_VERSION))
end

-- Called by a region's Raids.lua. Returns a function that takes the raids one by one, nil if the data is refused.
function Parsebook.OpenRegion(version, name, checksum)
  if type(name) ~= "string" then
    refuse(nil, DAMAGED:format(tostring(name)))
    return nil
  end
  if regions[name] and regions[name].refused or not checkVersion(version, name) then return nil end
  prepare(version)
  if version == FORMAT_BEFORE then
    local message = "the data of region %s has the old format %d. It is used, but please update it."
    print("Parsebook: " .. message:format(tostring(name), version))
  else
    ns.Decoder.PrepareRegion(name)
  end
  if onlyRegion == nil then onlyRegion = name elseif onlyRegion ~= name then onlyRegion = false end
  local info = { formatVersion = version, generatedAt = 0, characters = 0, realms = 0, raids = {} }
  local region = {
    name = name, checksum = checksum, reference = {}, info = info,
    displays = {}, texts = {}, crowds = {}, aliases = {}, realms = {},
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
  if type(name) ~= "string" or type(generatedAt) ~= "number" or type(characters) ~= "number" then
    refuse(name, DAMAGED:format(tostring(name)))
    return nil
  end
  local region = regions[name]
  if region and region.refused or not checkVersion(version, name) then return nil end
  if not region or region.checksum ~= checksum or region.info.formatVersion ~= version then
    refuse(name, MIXED:format(tostring(name)))
    return nil
  end
  local info = region.info
  if generatedAt > info.generatedAt then info.generatedAt = generatedAt end
  info.characters = info.characters + characters
  local function add(key, display, crowd, text)
    local texts = region.texts
    if texts[key] then -- a giant realm goes on in a second file
      texts[key] = texts[key] .. text
      return
    end
    region.displays[key], texts[key], region.crowds[key] = display, text, crowd
    info.realms = info.realms + 1
  end
  -- Files of one format that call themselves another's.
  local function isOdd(...)
    for i = 1, select("#", ...) do
      if type((select(i, ...))) ~= "string" then
        refuse(name, MIXED:format(tostring(name)))
        return true
      end
    end
    return false
  end
  if version == FORMAT_BEFORE then
    return function(key, display, text)
      if isOdd(key, display, text) then return end
      add(key, display, nil, text)
      region.aliases[realmKey(key)], region.aliases[realmKey(display)] = key, key
    end
  end
  -- Realms are found under the key of their display name, unless keys follow: the first is the realm's own, the others
  -- are those of its display names.
  return function(display, crowd, text, key, ...)
    if isOdd(display, text, type(crowd) == "number" and "" or nil) then return end
    key = key or realmKey(display)
    if isOdd(key) then return end
    add(key, display, crowd, text)
    for i = 1, select("#", ...) do region.aliases[select(i, ...)] = key end
  end
end

------------------------------------------------------------------------------------------------------------------------
-- Asking
------------------------------------------------------------------------------------------------------------------------

-- A secret value of the game must not even be compared.
local isSecret = issecretvalue or function() return false end

-- A text that may be looked at; nil for anything else.
local function visible(text)
  if isSecret(text) or type(text) ~= "string" then return nil end
  return text
end

local function findRegion(name)
  if name == nil then
    local own = ns.OwnRegion and ns.OwnRegion()
    return regions[own or onlyRegion]
  end
  name = visible(name)
  return name and (regions[name] or regions[name:upper()])
end

-- Data of format 1 knows names in their usual spelling only: a capital, then small letters.
local function findBefore(region, text, name)
  local found = ns.Decoder1.Find(text, name, region.reference)
  if not found then
    name = ns.TitleCase(name)
    found = name and ns.Decoder1.Find(text, name, region.reference)
  end
  if found then found.name = name end
  return found
end

local function findCharacter(region, name, realmName)
  local key = realmKey(realmName)
  if key and not region.texts[key] then key = region.aliases[key] end
  local text = key and region.texts[key]
  if not text then return false end
  local found
  if region.info.formatVersion == FORMAT_BEFORE then
    found = findBefore(region, text, name)
  else
    local realm = region.realms[key]
    if not realm then
      realm = ns.Decoder.NewRealm(text, region.name, region.crowds[key])
      region.realms[key] = realm
    end
    found = ns.Decoder.Find(realm, name, region.reference)
  end
  if not found then return false end
  found.realm, found.region = region.displays[key], region.name
  return found
end

-- A character's ranks, nil if there are none (and the reason, if the data was refused). Answers are shared: do not
-- change them.
function Parsebook.Lookup(name, realm, regionName)
  name, realm = visible(name), visible(realm)
  if not name or not realm then return nil end
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
    if region.remembered >= REMEMBERED then
      memo, region.remembered = {}, 0
      region.memo = memo
    end
    local ok
    ok, found = pcall(findCharacter, region, name, realm)
    if not ok then
      refuse(region.name, DAMAGED:format(region.name))
      return nil, regions[region.name].refused
    end
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
