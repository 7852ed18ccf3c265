-- Which region the player is in, and its data: loaded once, when first needed. No other region is ever loaded.

local _, ns = ...
if not CreateFrame then return end

-- GetCurrentRegion() of the client.
local REGIONS = { "US", "KR", "EU", "TW", "CN" }

local tried = false
-- Why there is no data, in words for the player; nil while there is.
local problem = nil

-- The player's region ("EU"), nil on test realms.
function ns.OwnRegion()
  local id = GetCurrentRegion and ns.Visible(GetCurrentRegion())
  return id and REGIONS[id] or nil
end

-- Loads the data of the player's region. Returns whether it is there.
function ns.LoadRegion()
  if tried then return problem == nil end
  tried = true
  local region = ns.OwnRegion()
  if not region then
    problem = "There is no data for this region."
    return false
  end
  local load = C_AddOns and C_AddOns.LoadAddOn or LoadAddOn
  local loaded, reason = load("Parsebook_DB_" .. region)
  local info, refused = Parsebook.GetInfo(region)
  if refused then
    problem = refused
  elseif not loaded or not info then
    local message = "The data of region %s is not installed or not enabled (%s)."
    problem = message:format(region, tostring(reason or "empty"))
  end
  return problem == nil
end

-- Why there is no data; nil if there is, or if nobody has needed it yet.
function ns.Problem()
  return problem
end

-- A character's ranks. Without a realm: a character of the player's own realm.
function ns.Find(name, realm)
  name = ns.Text(name)
  if not name or not ns.LoadRegion() then return nil end
  realm = ns.Text(realm) or ns.Text(GetNormalizedRealmName and GetNormalizedRealmName())
    or ns.Text(GetRealmName and GetRealmName())
  return realm and Parsebook.Lookup(name, realm, ns.OwnRegion()) or nil
end
