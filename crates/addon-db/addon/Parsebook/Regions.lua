-- Which region a server belongs to, and so the player's own: by the server id in the GUID, because GetCurrentRegion()
-- tells where the client was installed, which need not be where the realm is.

local _, ns = ...
if not CreateFrame then return end

-- GetCurrentRegion() of the client.
local REGIONS = { "US", "KR", "EU", "TW", "CN" }
ns.REGIONS = REGIONS

-- Blocks of server ids: first, last, region. Ids between two blocks are not in use.
local BLOCKS = "1-164US 201-293KR 500-647EU 700-962CN 963-1057TW 1067-1075US 1080-1127EU 1128-1190US 1198-1241CN "
  .. "1258-1297US 1298-1337EU 1342-1377US 1378-1417EU 1425-1428US 1482-1524CN 1549-1582US 1587-1626EU 1657-1832CN "
  .. "1922-1929EU 1931-1972CN 2075-2075TW 2079-2116KR 2118-2137CN 3207-3738US 3751-3941CN"

-- The region of a server id, nil if it is in no known block.
local function regionOfServer(id)
  for first, last, region in BLOCKS:gmatch("(%d+)%-(%d+)(%u+)") do
    if id >= tonumber(first) and id <= tonumber(last) then return region end
  end
end

-- The server id in a player's GUID ("Player-1305-0AB1C2D3"), nil if there is none.
function ns.ServerOfGuid(guid)
  guid = ns.Text(guid)
  return guid and tonumber(guid:match("^Player%-(%d+)%-"))
end

-- The id of the player's own server, nil if the game does not tell.
local ownServer
function ns.OwnServer()
  if not ownServer then
    ownServer = ns.ServerOfGuid(ns.Ask(UnitGUID, "player")) or ns.Number(ns.Ask(GetRealmID))
  end
  return ownServer
end

-- The player's region ("EU"), nil on test realms.
local regionByServer
function ns.OwnRegion()
  if regionByServer == nil then
    local server = ns.OwnServer()
    if server then regionByServer = regionOfServer(server) or false end
  end
  if regionByServer then return regionByServer end
  local id = ns.Number(ns.Ask(GetCurrentRegion))
  return id and REGIONS[id] or nil
end
