-- What other addons may use: the examples of API.md run, and version 2.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains = t.same, t.contains
local tests = {}

function tests.version()
  start()
  local api, format = Parsebook.GetVersion()
  same(api, 2)
  same(format, Parsebook.GetInfo().formatVersion)
end

function tests.by_unit()
  start()
  same(Parsebook.LookupUnit(player("target", "Chôgun")), Parsebook.Lookup("Chôgun", "Templenoir"))
  same(Parsebook.LookupUnit("nobody"), nil)
  same(Parsebook.LookupUnit(nil), nil)
  same(Parsebook.LookupUnit(game.secret()), nil)
end

function tests.on_any_tooltip()
  start()
  local tooltip = game.installed.CreateFrame("GameTooltip")
  player("target", "Chôgun")
  same(Parsebook.AddToTooltip(tooltip, "target"), true)
  contains(tooltip:Text(), "Vault of Tests")
  tooltip:ClearLines()
  same(Parsebook.AddToTooltip(tooltip, "Elune", "AzjolNerub"), true)
  same(Parsebook.AddToTooltip(tooltip, "Nobody", "AzjolNerub"), false)
  same(Parsebook.AddToTooltip(tooltip, game.secret()), false)
  same(Parsebook.AddToTooltip(tooltip, "Elune", game.secret()), false)
  same(Parsebook.AddToTooltip(nil, "target"), false)
  same(Parsebook.AddToTooltip({}, "target"), false)
  same(Parsebook.AddToTooltip(tooltip, {}, {}), false)
end

function tests.colour_of_a_rank()
  start()
  local r, g, b, hex = Parsebook.GetColor(97)
  same(("%.2f %.2f %.2f %s"):format(r, g, b, hex), "1.00 0.50 0.00 ff8000")
  same(Parsebook.GetColor(nil), nil)
  same(Parsebook.GetColor(game.secret("number")), nil)
end

function tests.best_of_a_player()
  start()
  local best = Parsebook.GetBest("Chôgun", "Templenoir")
  same(("%d %d %d/%d %s %d %d"):format(best.rank, best.top, best.killed, best.bosses, best.metric, best.raid,
    best.difficulty), "80 100 2/3 dps 40 4")
  same(Parsebook.GetBest("Chôgun", "Templenoir", 40, 3).rank, 10)
  same(Parsebook.GetBest("Chôgun", "Templenoir", 40, 5), nil)
  same(Parsebook.GetBest("Chôgun", "Templenoir", 41), nil)
  same(Parsebook.GetBest("Nobody", "Templenoir"), nil)
  same(Parsebook.GetBest("Chôgun", "Templenoir", game.secret("number")), nil)
end

function tests.without_the_game()
  game.install({ region = 3 })
  game.remove()
  t.run("Parsebook", nil, true)
  t.run("Parsebook_DB_EU", nil, true)
  same(Parsebook.Lookup("Chôgun", "Templenoir").classId, 9)
  same(Parsebook.GetBest("Chôgun", "Templenoir", nil, nil, "EU").rank, 80)
  same(select(4, Parsebook.GetColor(50)), "0070ff")
  same(Parsebook.GetVersion(), 2)
end

function tests.the_examples_of_the_documentation_run()
  local count = 0
  for example in t.read(t.folder("Parsebook") .. "/API.md"):gmatch("```lua\n(.-)```") do
    if not example:find("^%s*{") then
      start()
      player("target", "Chôgun")
      assert(loadstring(example))()
      count = count + 1
    end
  end
  same(count >= 4, true, "examples: " .. count)
end

return tests
