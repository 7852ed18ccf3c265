-- The key that shows every boss. The stand-in fails on every call that an addon may not
-- make on the game's tooltips, and on any in combat.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains, lacks = t.same, t.contains, t.lacks
local tests = {}

local function press(key, down)
  game.shift = down
  game.fire("MODIFIER_STATE_CHANGED", key or "LSHIFT", down and 1 or 0)
end

function tests.a_units_tooltip_is_set_again()
  start()
  game.hoverUnit(player("mouseover", "Chôgun"))
  press("LSHIFT", true)
  same(GameTooltip.sets, 1)
  contains(GameTooltip:Text(), "First Boss")
  press("RSHIFT", false)
  same(GameTooltip.sets, 2)
  lacks(GameTooltip:Text(), "First Boss")
  local _, count = GameTooltip:Text():gsub("WCL", "")
  same(count, 1, "no line twice")
end

function tests.the_key_brings_what_is_only_shown_with_it()
  start({ saved = { modifierOnly = true } })
  game.hoverUnit(player("mouseover", "Chôgun"))
  press("LSHIFT", true)
  contains(GameTooltip:Text(), "First Boss")
end

function tests.other_keys_do_nothing()
  start()
  game.hoverUnit(player("mouseover", "Chôgun"))
  for _, key in ipairs({ "LCTRL", "RALT", "A", game.secret() }) do press(key, true) end
  same(GameTooltip.sets, nil)
end

function tests.an_items_tooltip_is_not_touched()
  start()
  GameTooltip:SetOwner(UIParent)
  GameTooltip:AddLine("an item")
  press("LSHIFT", true)
  same(GameTooltip.sets, nil)
  game.hoverUnit(player("mouseover", "Chôgun"))
  GameTooltip:SetOwner(UIParent)
  GameTooltip:AddLine("an item")
  press("LSHIFT", true)
  same(GameTooltip.sets, nil, "after a unit's")
  same(GameTooltip:Text(), "an item")
end

function tests.an_items_tooltip_is_not_touched_in_combat()
  start({ saved = { hideInCombat = false } })
  game.hoverUnit(player("mouseover", "Chôgun"))
  GameTooltip:SetOwner(UIParent)
  GameTooltip:AddLine("an item")
  game.combat = true
  for _, key in ipairs({ "LSHIFT", "RSHIFT", "LCTRL", "RALT" }) do
    press(key, true)
    press(key, false)
  end
  same(GameTooltip.sets, nil)
  same(GameTooltip:Text(), "an item")
end

function tests.a_unit_that_is_not_ours_is_not_touched()
  start()
  game.hoverUnit(player("mouseover", "Nobody"))
  press("LSHIFT", true)
  same(GameTooltip.sets, nil)
end

function tests.nothing_in_combat()
  start({ saved = { hideInCombat = false } })
  game.hoverUnit(player("mouseover", "Chôgun"))
  game.combat = true
  press("LSHIFT", true)
  same(GameTooltip.sets, nil)
end

function tests.a_fading_tooltip_is_left_to_fade()
  start()
  game.hoverUnit(player("mouseover", "Chôgun"))
  game.units.mouseover = nil
  press("LSHIFT", true)
  same(GameTooltip.sets, nil)
end

function tests.a_hidden_tooltip_stays_hidden()
  start()
  game.hoverUnit(player("mouseover", "Chôgun"))
  GameTooltip:Hide()
  press("LSHIFT", true)
  same(GameTooltip.sets, nil)
end

function tests.the_group_finder_shows_bosses_at_once()
  start()
  game.results = { [5] = { leaderName = "Chôgun", activityIDs = { 1 } } }
  -- There is no data of the game behind this tooltip: refreshing that would change nothing.
  GameTooltip.RefreshData = function() end
  local row = game.installed.CreateFrame("Button")
  row.resultID = 5
  row:SetScript("OnEnter", function(self)
    GameTooltip:SetOwner(self)
    LFGListUtil_SetSearchEntryTooltip(GameTooltip, self.resultID)
  end)
  row:Run("OnEnter")
  lacks(GameTooltip:Text(), "First Boss")
  press("LSHIFT", true)
  contains(GameTooltip:Text(), "First Boss")
  press("LSHIFT", false)
  lacks(GameTooltip:Text(), "First Boss")
end

return tests
