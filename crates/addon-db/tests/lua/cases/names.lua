-- Names of raids, bosses and difficulties in the player's language, from the client.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains, lacks = t.same, t.contains, t.lacks
local tests = {}

local OLD = { { 5, "Altes Verlies", 1, { { "Niemand", 7 } } } }
local NEW = { { 10, "Verlies der Proben", 2522, { { "Erster", 102 }, { "Mittlerer", 101 }, { "Letzter", 103 } } } }

function tests.raids_and_bosses_from_the_journal()
  start({ locale = "deDE", journal = { OLD, NEW, {} } })
  game.shift = true
  local text = game.hoverUnit(player("mouseover", "Chôgun"))
  contains(text, "Verlies der Proben")
  contains(text, "    Erster | ")
  lacks(text, "First Boss")
  same(game.tier, 1, "the journal's own choice")
  contains(t.command("info"), "Verlies der Proben, 3 Bosse")
  SlashCmdList.PARSEBOOK("set englishNames on")
  text = game.hoverUnit("mouseover")
  contains(text, "Vault of Tests")
  contains(text, "First Boss")
end

function tests.english_is_the_fallback()
  start({ journal = { { { 10, "Verlies", 2522, { { "Erster", 102 } } } } } })
  game.shift = true
  local text = game.hoverUnit(player("mouseover", "Chôgun"))
  contains(text, "Erster")
  contains(text, "Last Boss")
  start({ journal = {} })
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
end

function tests.several_raids_of_the_game_may_be_one_of_warcraft_logs()
  start({ journal = { {
    { 10, "Teil 1", 2522, { { "Erster", 102 } } }, { 11, "Teil 2", 2523, { { "Letzter", 103 } } },
  } } })
  local text = game.hoverUnit(player("mouseover", "Chôgun"))
  contains(text, "Vault of Tests")
  game.shift = true
  contains(game.hoverUnit("mouseover"), "Letzter")
end

function tests.difficulties_in_the_clients_words()
  start()
  PLAYER_DIFFICULTY2 = "Heroisch"
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "  Heroisch 2/3")
  start()
  PLAYER_DIFFICULTY2 = nil
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "  Heroic 2/3")
end

return tests
