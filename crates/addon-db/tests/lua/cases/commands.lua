-- /parsebook.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains = t.same, t.contains
local command = t.command
local tests = {}

function tests.a_character()
  start()
  contains(command("Chôgun"), "Chôgun, Temple noir")
  contains(command("Chôgun"), "First Boss  |cffe5cc80100|r  255+ x")
  contains(command("Nobody"), "no ranks of Nobody")
end

function tests.any_spelling_of_a_realm()
  start()
  for _, text in ipairs({
    "Elune-Azjol-Nerub", "Elune-AzjolNerub", "Elune Azjol-Nerub", "Elune - Azjol-Nerub", "  Elune  Azjol-Nerub ",
  }) do
    contains(command(text), "Elune, Azjol-Nerub")
  end
  contains(command("  Mirnok - Ner'zhul "), "Mirnok, Ner’zhul")
  contains(command("Chôgun Temple noir"), "Chôgun, Temple noir")
end

function tests.without_a_name_the_target_else_oneself()
  start({ realm = "Azjol-Nerub" })
  contains(command(""), "Elune, Azjol-Nerub")
  player("target", "Chôgun", "Templenoir")
  contains(command(""), "Chôgun, Temple noir")
  game.units.target.player = false
  contains(command(nil), "Elune, Azjol-Nerub")
  game.units.target = { player = true, name = game.secret() }
  contains(command(""), "Elune, Azjol-Nerub")
end

function tests.commands_in_any_case()
  start()
  contains(command("Info"), "region EU: 6 characters of 6 realms")
  contains(command("HELP"), "/parsebook NAME[-REALM]")
  contains(command("SET Modifier CTRL"), "Modifier is now CTRL")
  contains(command("Url Elune-Azjol-Nerub"), "")
  same(game.popups[1][4], "https://www.warcraftlogs.com/character/eu/azjolnerub/Elune")
end

function tests.options_can_be_set()
  start()
  contains(command("set"), "hideInCombat = on")
  contains(command("set modifier ctrl"), "modifier is now ctrl")
  contains(command("set modifier nonsense"), "modifier = ctrl")
  contains(command("set maxLines 4"), "maxLines is now 4")
  contains(command("set maxLines 99"), "maxLines = 4")
  contains(command("set maxLines 2.5"), "maxLines = 4")
  contains(command("set colours brightness"), "colours is now brightness")
  contains(command("set tooltip maybe"), "tooltip = on")
  game.control = true
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "First Boss")
end

function tests.the_panel_finds_anybody()
  start()
  command("search Nobody Azjol-Nerub")
  same(ParsebookPanel:IsShown(), true)
  local function shown()
    local text = {}
    for _, label in ipairs(ParsebookPanel.labels) do text[#text + 1] = label.text end
    return t.plain(table.concat(text, "\n"))
  end
  contains(shown(), "no ranks of Nobody-Azjol-Nerub")
  command("search Chôgun")
  contains(shown(), "Chôgun - Temple noir")
  contains(shown(), "First Boss")
  command("search Elune-Azjol-Nerub")
  contains(shown(), "Elune - Azjol-Nerub")
  t.lacks(shown(), "Normal")
  -- Typed into its own box.
  for _, frame in ipairs(game.frames) do
    if frame.kind == "EditBox" then
      frame.text = "Luso Aggra (Português)"
      frame:Run("OnEnterPressed")
    end
  end
  contains(shown(), "Luso - Aggra (Português)")
end

function tests.the_button_at_the_minimap()
  start({ realm = "Azjol-Nerub" })
  Parsebook_OnAddonCompartmentClick("Parsebook", "LeftButton")
  same(ParsebookPanel:IsShown(), true, "the own profile")
  Parsebook_OnAddonCompartmentClick("Parsebook", "LeftButton")
  same(ParsebookPanel:IsShown(), false)
  Parsebook_OnAddonCompartmentClick("Parsebook", "RightButton")
  same(game.opened, "Parsebook")
  Parsebook_OnAddonCompartmentEnter("Parsebook", game.installed.CreateFrame("Button"))
  contains(ParsebookTooltip:Text(), "Elune - Azjol-Nerub")
end

return tests
