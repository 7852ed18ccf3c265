-- Which region a server belongs to, and so the player's own: by the server id in the GUID, because GetCurrentRegion()
-- tells where the client was installed, which need not be where the realm is.

local _, ns = ...
if not CreateFrame then return end

-- GetCurrentRegion() of the client.
local REGIONS = { "US", "KR", "EU", "TW", "CN" }

-- Blocks of server ids: first, last, region. Ids between two blocks are not in use.
local BLOCKS = {
  { 1, 164, "US" }, { 201, 293, "KR" }, { 500, 647, "EU" }, { 700, 962, "CN" }, { 963, 1057, "TW" },
  { 1067, 1075, "US" }, { 1080, 1127, "EU" }, { 1128, 1190, "US" }, { 1198, 1241, "CN" }, { 1258, 1297, "US" },
  { 1298, 1337, "EU" }, { 1342, 1377, "US" }, { 1378, 1417, "EU" }, { 1425, 1428, "US" }, { 1482, 1524, "CN" },
  { 1549, 1582, "US" }, { 1587, 1626, "EU" }, { 1657, 1832, "CN" }, { 1922, 1929, "EU" }, { 1931, 1972, "CN" },
  { 2075, 2075, "TW" }, { 2079, 2116, "KR" }, { 2118, 2137, "CN" }, { 3207, 3738, "US" }, { 3751, 3941, "CN" },
}

-- The region of a server id, nil if it is in no known block.
function ns.RegionOfServer(id)
  for _, block in ipairs(BLOCKS) do
    if id >= block[1] and id <= block[2] then return block[3] end
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
function ns.OwnRegion()
  local server = ns.OwnServer()
  local region = server and ns.RegionOfServer(server)
  if region then return region end
  local id = ns.Number(ns.Ask(GetCurrentRegion))
  return id and REGIONS[id] or nil
end
