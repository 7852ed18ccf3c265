-- What hovering costs in memory; times are measured by the bench.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains = t.same, t.contains
local tests = {}

-- Bytes of garbage that `f` makes when it is repeated 100 times. The collector shortens Lua's own stack of calls, so it
-- grows once more before anything is counted.
local function garbage(f)
  for _ = 1, 3 do f() end
  collectgarbage()
  collectgarbage("stop")
  f()
  local before = collectgarbage("count")
  for _ = 1, 100 do f() end
  local after = collectgarbage("count")
  collectgarbage("restart")
  return (after - before) * 1024
end

-- A tooltip and a client that make no garbage themselves.
local function quiet(options)
  options = options or {}
  options.isPlain = true
  local ns = start(options)
  local unit = player("mouseover", "Chôgun")
  local known = game.units[unit]
  UnitIsPlayer = function() return true end
  UnitNameUnmodified = function() return known.name, known.realm end
  UnitGUID = function() return known.guid end
  UnitRealmRelationship = function() return known.relation end
  UnitGroupRolesAssigned = function() return "DAMAGER" end
  local now = options.now or t.NOW
  time = function() return now end
  GameTooltip.lines = nil
  GameTooltip.count = 0
  GameTooltip.AddLine = function(self) self.count = self.count + 1 end
  GameTooltip.AddDoubleLine = GameTooltip.AddLine
  return ns, { guid = known.guid, lines = { { unitToken = unit } } }
end

function tests.a_repeated_hover_makes_no_garbage()
  for _, options in ipairs({ {}, { now = t.NOW + 30 * 86400 } }) do
    local _, data = quiet(options)
    local show = game.unitCalls[1]
    same(garbage(function() show(GameTooltip, data) end), 0, "bytes")
    same(GameTooltip.count > 300, true, "lines were drawn")
    game.units.mouseover.relation = nil
    same(garbage(function() show(GameTooltip, data) end), 0, "bytes, realm by GUID")
    game.shift = true
    same(garbage(function() show(GameTooltip, data) end), 0, "bytes, with the key")
  end
end

function tests.nothing_is_asked_in_combat()
  local _, data = quiet()
  local asked = 0
  UnitNameUnmodified = function() asked = asked + 1 end
  game.combat = true
  game.unitCalls[1](GameTooltip, data)
  same(asked, 0)
  same(GameTooltip.count, 0)
end

function tests.a_row_that_is_drawn_again_makes_no_garbage()
  start({ isPlain = true, journal = { { { 10, "Vault", 2522, { { "A", 102 } } } } } })
  local result = { leaderName = "Chôgun-Templenoir", activityIDs = { 1 } }
  game.activities = { { mapID = 2522, difficultyID = 15 } }
  C_LFGList.GetSearchResultInfo = function() return result end
  local row = game.installed.CreateFrame("Button")
  row.resultID = 5
  LFGListSearchEntry_Update(row)
  contains(t.plain(row.labels[1].text), "80 2/3 H")
  row.labels[1].SetText = function() end
  same(garbage(function() LFGListSearchEntry_Update(row) end), 0, "bytes")
end

return tests
