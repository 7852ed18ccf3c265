-- What the player can choose.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains, lacks = t.same, t.contains, t.lacks
local tests = {}

function tests.kept_and_obeyed()
  start({ saved = { bestOnly = true, maxLines = 3, modifier = "ALT", hideInCombat = "nonsense", other = 1 } })
  local text = game.hoverUnit(player("mouseover", "Chôgun"))
  contains(text, "Heroic")
  lacks(text, "Normal")
  same(ParsebookSettings.hideInCombat, true)
  same(ParsebookSettings.bestOnly, true)
  same(ParsebookSettings.maxLines, 3)
  same(ParsebookSettings.modifier, "ALT")
  SlashCmdList.PARSEBOOK("set tooltip off")
  same(game.hoverUnit("mouseover"), "")
end

function tests.saved_nonsense_is_no_option()
  for _, saved in ipairs({
    { maxLines = 0 }, { maxLines = 1e9 }, { maxLines = {} }, { maxLines = "x" }, { colours = "pink" }, { tooltip = 7 },
    { modifier = true }, "nonsense", 5,
  }) do
    start({ saved = saved })
    same(ParsebookSettings.maxLines, 6)
    same(ParsebookSettings.colours, "WCL")
    same(ParsebookSettings.modifier, "SHIFT")
    contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
  end
end

function tests.every_option_is_on_the_page_with_a_sentence()
  local ns = start()
  same(#game.category.controls, #ns.OPTIONS)
  for _, control in ipairs(game.category.controls) do
    same(control.help:sub(-1), ".", control.key)
    same(#control.help > 15, true, control.key)
  end
  for _, key in ipairs({
    "tooltip", "menu", "groupFinder", "modifier", "hideInCombat", "newestOnly", "bestOnly", "maxLines", "englishNames",
  }) do
    same(ParsebookSettings[key] ~= nil, true, key)
  end
end

function tests.the_page_is_not_opened_in_combat()
  start()
  game.combat = true
  contains(t.command("options"), "cannot be opened in combat")
  same(game.opened, nil)
  game.combat = false
  SlashCmdList.PARSEBOOK("options")
  same(game.opened, "Parsebook")
end

function tests.a_change_on_the_page_is_seen_at_once()
  start()
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "a335ee")
  ParsebookSettings.colours = "NONE"
  game.changed.colours()
  lacks(game.hoverUnit("mouseover"), "a335ee")
end

function tests.difficulties_and_raids_to_be_shown()
  start()
  player("mouseover", "Wander", "Aegwynn")
  contains(game.hoverUnit("mouseover"), "Raid 99")
  lacks(game.hoverUnit("mouseover"), "Mythic")
  SlashCmdList.PARSEBOOK("set newestOnly off")
  contains(game.hoverUnit("mouseover"), "Mythic")
  SlashCmdList.PARSEBOOK("set mythic off")
  lacks(game.hoverUnit("mouseover"), "Mythic")
  SlashCmdList.PARSEBOOK("set normal off")
  same(game.hoverUnit("mouseover"), "", "nothing of it is wanted")
end

function tests.colours()
  start()
  player("mouseover", "Chôgun")
  for choice, colour in pairs({ wcl = "a335ee", brightness = "d0ac48", none = "ffffff" }) do
    SlashCmdList.PARSEBOOK("set colours " .. choice)
    contains(game.hoverUnit("mouseover"), "|cff" .. colour .. "80|r")
  end
end

-- Each palette for the colour-blind: brighter is better, step by step.
function tests.brightness_grows_with_the_rank()
  start({ saved = { colours = "BRIGHTNESS" } })
  local last = 0
  for _, rank in ipairs({ 0, 25, 50, 75, 95, 99, 100 }) do
    local r, g, b = Parsebook.GetColor(rank)
    local brightness = 0.2126 * r ^ 2.2 + 0.7152 * g ^ 2.2 + 0.0722 * b ^ 2.2
    same(brightness > last * 1.15, true, "rank " .. rank)
    last = brightness
  end
end

return tests
