-- What stands on a player's tooltip.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains, lacks = t.same, t.contains, t.lacks
local tests = {}

function tests.headline_and_difficulties()
  start()
  local text = game.hoverUnit(player("mouseover", "Chôgun"))
  contains(t.plain(text), "WCL 80 · 2/3 H | Vault of Tests")
  contains(text, "  Heroic 2/3 | |cffa335ee80|r dps")
  contains(text, "  Normal 3/3 | |cff80808010|r dps")
  lacks(text, "First Boss")
  same(text:find("Heroic") < text:find("Normal"), true, "hardest first")
end

function tests.headline_names_the_spec()
  start({ specs = { [264] = { "Restauration", "HEALER" } } })
  Parsebook.Lookup("Chôgun", "Templenoir").ranks[1].spec = "Restoration"
  local text = game.hoverUnit(player("mouseover", "Chôgun"))
  contains(t.plain(text), "WCL 80 · 2/3 H · Restauration | Vault of Tests")
  contains(text, "|A:classicon-shaman:14:14|a |T135846:14:14:0:0:64:64:4:60:4:60|t |A:healer|a WCL")
  SlashCmdList.PARSEBOOK("set icons off")
  lacks(game.hoverUnit("mouseover"), "classicon")
  SlashCmdList.PARSEBOOK("set englishNames on")
  contains(game.hoverUnit("mouseover"), "2/3 H · Restoration")
end

function tests.every_boss_with_the_key()
  start()
  game.shift = true
  local text = game.hoverUnit(player("mouseover", "Chôgun"))
  contains(text, "    First Boss | |cffe5cc80100|r  255+ x")
  contains(text, "    Last Boss | |cff0070ff60|r  1 x")
  contains(text, "Ranks of 2023-11-14")
  same(text:find("First Boss") < text:find("Last Boss"), true, "the raid's order")
end

-- Three raids in two difficulties, with many bosses.
local function longFound()
  local found = { name = "Long", realm = "Temple noir", region = "EU", classId = 4, ranks = {} }
  for raid = 99, 97, -1 do
    for difficulty = 5, 3, -1 do
      local group = { raid = raid, difficulty = difficulty, metric = "dps", encounters = {} }
      for id = 1, 8 do group.encounters[id] = { id = id, rank = 50, kills = 1 } end
      found.ranks[#found.ranks + 1] = group
      if difficulty == 5 then found.ranks[#found.ranks + 1] = {
        raid = raid, difficulty = 5, metric = "hps", encounters = group.encounters,
      } end
    end
  end
  return found
end

function tests.at_most_six_lines_without_the_key_and_a_screen_with_it()
  local ns = start({ now = t.NOW + 30 * 86400 })
  local found = longFound()
  local tooltip = game.installed.CreateFrame("GameTooltip")
  for most = 1, 20 do
    ns.SetOption("newestOnly", "off")
    ns.SetOption("maxLines", tostring(most))
    tooltip:ClearLines()
    ns.Draw(tooltip, found)
    same(#tooltip.lines <= most, true, most .. " lines")
    contains(tooltip:Text(), "WCL")
  end
  ns.SetOption("maxLines", "6")
  game.shift = true
  tooltip:ClearLines()
  ns.Draw(tooltip, found)
  same(#tooltip.lines <= 42, true, "lines with the key: " .. #tooltip.lines)
end

function tests.a_hover_stays_small_whatever_the_data_holds()
  start()
  player("mouseover", "Chôgun")
  Parsebook.Lookup("Chôgun", "Templenoir").ranks = longFound().ranks
  local function lineCount()
    game.hoverUnit("mouseover")
    return #GameTooltip.lines - 1
  end
  local count = lineCount()
  same(count > 0 and count <= 6, true, "lines: " .. count)
  game.shift = true
  count = lineCount()
  same(count > 0 and count <= 42, true, "lines with the key: " .. count)
end

-- Showing it as well is a waste, and touches what is not ours.
function tests.the_game_shows_a_units_tooltip_itself()
  start()
  local shows = 0
  GameTooltip.Show = function() shows = shows + 1 end
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
  same(shows, 0)
end

function tests.hidden_in_combat_unless_wanted()
  start()
  game.combat = true
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
  SlashCmdList.PARSEBOOK("set hideInCombat off")
  contains(game.hoverUnit("mouseover"), "Vault of Tests")
end

function tests.only_with_the_key_if_wanted()
  start({ saved = { modifierOnly = true } })
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
  game.shift = true
  contains(game.hoverUnit("mouseover"), "Vault of Tests")
end

function tests.other_tooltips_are_left_alone()
  start()
  player("mouseover", "Chôgun")
  local other = game.installed.CreateFrame("GameTooltip")
  for _, f in ipairs(game.unitCalls) do f(other, { lines = { { unitToken = "mouseover" } } }) end
  same(#other.lines, 0)
end

function tests.old_data_says_so()
  start({ now = t.NOW + 30 * 86400 })
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Ranks are of 2023-11-14: 32 days old")
  start()
  lacks(game.hoverUnit(player("mouseover", "Chôgun")), "days old")
end

function tests.unknown_raids_and_bosses_are_shown_by_number()
  start()
  game.shift = true
  local text = game.hoverUnit(player("mouseover", "Wander", "Aegwynn"))
  contains(text, "Raid 99")
  contains(text, "Boss 4321")
  contains(text, "Boss 9999")
end

function tests.healers_are_shown_by_healing()
  local ns = start()
  local found = longFound()
  found.ranks[1].encounters = { { id = 1, rank = 10, kills = 1 } }
  same(ns.BestGroup(found, nil, nil, "HEALER").metric, "hps")
  same(ns.BestGroup(found, nil, nil, "DAMAGER").metric, "dps")
  same(ns.BestGroup(found, nil, nil, nil).metric, "hps", "without a role: more encounters")
end

function tests.clients_without_tooltip_data()
  start({ old = true })
  SlashCmdList.PARSEBOOK("options")
  contains(table.concat(game.printed, "\n"), "hideInCombat = on")
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
  same(game.hoverUnit(nil), "")
end

return tests
