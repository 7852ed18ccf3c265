-- Who is meant: name and realm of a unit, or of a name in one of the game's lists. Never guessed: where the game does
-- not tell the realm yet, or hides it, the answer is nil.

local _, ns = ...
if not CreateFrame then return end

local Text = ns.Text
-- UnitRealmRelationship(): the unit is of the player's own realm.
local SAME_REALM = 1

-- The player's own realm, normalized if possible; nil if the game does not tell.
function ns.OwnRealm()
  return Text(ns.Ask(GetNormalizedRealmName)) or Text(ns.Ask(GetRealmName))
end

-- "Player-1305-": what GUIDs of the player's own server begin with.
local ownPrefix
local function isOwnGuid(guid)
  if not ownPrefix then
    local server = ns.OwnServer()
    ownPrefix = server and ("Player-%d-"):format(server)
  end
  if not ownPrefix or guid:sub(1, 7) ~= "Player-" then return nil end
  return guid:find(ownPrefix, 1, true) == 1
end

-- The realm of somebody for whom the game names none: the player's own if the GUID says so, else what the client knows
-- of the GUID; nil if neither can be told.
function ns.RealmOfGuid(guid)
  guid = Text(guid)
  if not guid then return nil end
  if isOwnGuid(guid) ~= false then return ns.OwnRealm() end
  local _, _, _, _, _, _, realm = ns.Ask(GetPlayerInfoByGUID, guid)
  return Text(realm)
end

-- Name and realm of a player's unit, as they are without toys and titles; nil for others, and for who is hidden.
function ns.NameOfUnit(unit)
  if ns.IsSecret(unit) or type(unit) ~= "string" or not ns.True(ns.Ask(UnitIsPlayer, unit)) then return nil end
  local name, realm = ns.Ask(UnitNameUnmodified or UnitName, unit)
  name = Text(name)
  if not name or ns.IsSecret(realm) then return nil end
  realm = Text(realm)
  if realm then return name, realm end
  local relation = ns.Ask(UnitRealmRelationship, unit)
  if ns.IsSecret(relation) then return nil end
  if relation == SAME_REALM then
    realm = ns.OwnRealm()
  else
    realm = ns.RealmOfGuid(ns.Ask(UnitGUID, unit))
    -- A stranger's realm is never the player's own.
    if relation and realm == ns.OwnRealm() then realm = nil end
  end
  if not realm then return nil end
  return name, realm
end

-- Name and realm of an entry in a list of the game: there, a name without a realm is of the player's own.
function ns.NameInList(full)
  local name, realm = ns.SplitName(full)
  if not name then return nil end
  realm = realm or ns.OwnRealm()
  if not realm then return nil end
  return name, realm
end

-- The unit's role in the group: "HEALER", "TANK" or "DAMAGER"; nil if it has none.
function ns.RoleOfUnit(unit)
  local role = Text(ns.Ask(UnitGroupRolesAssigned, unit))
  if role == "NONE" then return nil end
  return role
end
