-- Measures what the addon costs in the game, in the stand-in for the client: lua5.1 bench.lua
-- The client's own share (reading units, laying out tooltips) is not in it: its functions answer from tables here.

local here = (arg and arg[0] or "bench.lua"):gsub("[^/]*$", "")
local t = assert(loadfile(here .. "support.lua"))(here)
local game = t.game

local function row(name, value, unit, bound)
  io.write(("%-44s %8.2f %-4s %s\n"):format(name, value, unit, bound or ""))
end

-- Microseconds and bytes for one call of `f`, the best of five rounds.
local function measure(f, times)
  local best, bytes = math.huge, 0
  for _ = 1, 5 do
    collectgarbage()
    collectgarbage("stop")
    local memory, start = collectgarbage("count"), os.clock()
    for _ = 1, times do f() end
    best = math.min(best, (os.clock() - start) / times * 1e6)
    bytes = (collectgarbage("count") - memory) * 1024 / times
    collectgarbage("restart")
  end
  return best, bytes
end

-- Runs the files of an addon as they are written.
local function run(folder, addon, namespace)
  for line in t.read(folder .. "/" .. addon .. ".toc"):gmatch("[^\r\n]+") do
    if line:sub(1, 1) ~= "#" then assert(loadfile(folder .. "/" .. line))(addon, namespace) end
  end
end

-- Kilobytes of the addon after login and the collector. `data` is the folder of data to load, nil without; it has six
-- characters, so that what is counted is the addon and not the data. The client has many strings of its own, so its
-- table of strings does not grow for ours.
local strings = {}
for i = 1, 20000 do strings[i] = "a string of the client " .. i end
local function memory(data, format)
  game.install({ region = 3, realm = "Temple noir", now = t.NOW, server = t.OWN_SERVER, addons = {
    Parsebook = { Title = "Parsebook" }, Parsebook_DB_EU = data and { ["X-Parsebook-Format"] = format },
  } })
  game.load = function(addon)
    if not data then return nil, "MISSING" end
    run(data, addon, {})
    return true
  end
  collectgarbage()
  collectgarbage()
  local before = collectgarbage("count")
  local namespace = {}
  run(t.folder("Parsebook"), "Parsebook", namespace)
  game.fire("ADDON_LOADED", "Parsebook")
  game.fire("PLAYER_LOGIN")
  collectgarbage()
  collectgarbage()
  assert(#strings == 20000 and (Parsebook.GetInfo("EU") ~= nil) == (data ~= nil))
  local kilobytes = collectgarbage("count") - before
  game.remove()
  return kilobytes
end
row("memory of the addon without data", memory(), "KB", "below 300 KB")
row("  the same and the reader of format 2", memory(t.folder("Parsebook_DB_EU"), "2"), "KB")
row("  the same and the reader of format 1", memory(here .. "../format1/Parsebook_DB_EU", "1"), "KB")

-- A hover, with a client and a tooltip that cost nothing themselves.
t.start({ isPlain = true, journal = { { { 10, "Vault", 2522, { { "A", 102 } } } } } })
local unit = game.units[t.player("mouseover", "Chôgun")]
UnitIsPlayer = function() return true end
UnitNameUnmodified = function() return unit.name, unit.realm end
UnitGUID = function() return unit.guid end
UnitRealmRelationship = function() return unit.relation end
UnitGroupRolesAssigned = function() return "DAMAGER" end
time = function() return t.NOW end
local data = { guid = unit.guid, lines = { { unitToken = "mouseover" } } }
GameTooltip.AddLine = function() end
GameTooltip.AddDoubleLine = GameTooltip.AddLine
local hover = function() game.unitCalls[1](GameTooltip, data) end
local cost, garbage = measure(hover, 20000)
row("hover over a player", cost, "us", "at most 10 us")
row("  garbage", garbage, "B", "none when repeated")
game.shift = true
cost, garbage = measure(hover, 20000)
row("hover with the key, every boss", cost, "us")
row("  garbage", garbage, "B")
game.shift, game.combat = false, true
row("hover in combat, hidden", measure(hover, 20000), "us", "no work")
game.combat = false

-- 100 rows of the group finder, each for another leader: drawn for the first time, and again.
local results, rows = {}, {}
game.activities = { { mapID = 2522, difficultyID = 15 } }
C_LFGList.GetSearchResultInfo = function(id) return results[id] end
local names = { "Chôgun", "Elune-AzjolNerub", "Luso-Aggra(Português)", "Mirnok-Ner'zhul" }
for id = 1, 100 do
  local name = id <= #names and names[id] or ("Nobody%d-Templenoir"):format(id)
  results[id] = { leaderName = name, activityIDs = { 1 } }
  rows[id] = game.installed.CreateFrame("Button")
  rows[id].resultID = id
end
local function draw()
  for id = 1, 100 do LFGListSearchEntry_Update(rows[id]) end
end
local start = os.clock()
draw()
row("100 rows of the group finder, first time", (os.clock() - start) * 1e3, "ms", "at most 2 ms")
row("100 rows of the group finder, again", measure(draw, 200) / 1e3, "ms")
