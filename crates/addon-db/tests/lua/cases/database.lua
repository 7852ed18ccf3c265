-- Parsebook.Lookup and Parsebook.GetInfo: what is refused, and what asking costs.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains = t.same, t.contains
local tests = {}

function tests.another_format_is_refused_with_one_message()
  start({ change = function(_, source) return (source:gsub("(Open%a+%()%d+,", "%199,")) end })
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
  same(#game.printed, 1, "messages")
  contains(game.printed[1], "the data of region EU has format 99, this addon reads format")
  local found, message = Parsebook.Lookup("Chôgun", "Templenoir", "EU")
  same(found, nil)
  contains(message, "format 99")
  same(Parsebook.GetInfo("EU"), nil)
  contains(t.command("info"), "format 99")
end

function tests.files_of_different_releases_are_refused_with_one_message()
  start({ change = function(file, source)
    return file == "Realms2.lua" and source:gsub('(OpenPart%(%d+, "EU", )"%x+"', '%1"00000000"') or source
  end })
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
  same(#game.printed, 1, "messages")
  contains(game.printed[1], "do not belong together")
  same((Parsebook.Lookup("Elune", "AzjolNerub", "EU")), nil)
end

function tests.the_own_region_is_meant_where_none_is_named()
  start()
  t.run("Parsebook_DB_KR")
  same(Parsebook.Lookup("Chôgun", "Templenoir").region, "EU", "another region is loaded too")
  same(Parsebook.Lookup("가람", "아즈샤라"), nil)
  same(Parsebook.Lookup("가람", "아즈샤라", "KR").region, "KR")
  same(Parsebook.GetInfo().characters, 6)
end

function tests.what_cannot_be_asked_answers_nil()
  start()
  local secret = game.secret()
  for _, asked in ipairs({
    { secret, "Templenoir" }, { "Chôgun", secret }, { "Chôgun", "Templenoir", secret }, { 12, true, "EU" },
    { "Chôgun", "Templenoir", 7 }, { "", "", "EU" }, { "\255\254", "Templenoir", "EU" }, { "Chôgun" }, {},
    { {}, "Templenoir" }, { "Chôgun", {} }, { "Chôgun", "Templenoir", {} },
  }) do
    same((Parsebook.Lookup(asked[1], asked[2], asked[3])), nil)
  end
  same(Parsebook.GetInfo("XX"), nil)
  same(Parsebook.GetInfo(secret), nil)
end

function tests.spellings_that_differ_in_case()
  start()
  contains(t.command("chôgun"), "Chôgun, Temple noir")
  contains(t.command("ELUNE azjol nerub"), "Elune, Azjol-Nerub")
  same(Parsebook.Lookup("chÔGUN", "TEMPLENOIR").name, "Chôgun")
end

function tests.realms_that_differ_in_case()
  start()
  for _, case in ipairs({
    { "Mirnok", "Ner'Zhul" }, { "Elune", "azjolnerub" }, { "Luso", "AGGRA (PORTUGUÊS)" },
    { "Полынья", "Ясеневый Лес" },
  }) do
    local found = Parsebook.Lookup(case[1], case[2])
    same(found and found.name, case[1], case[2])
  end
end

-- What is left of a realm's name without blanks, hyphens and apostrophes is one realm.
function tests.spellings_of_a_realm_are_one_realm()
  start()
  for _, case in ipairs({
    { "Mirnok", "Ner’zhul", "Ner'zhul", "Ner’zhul", "Nerzhul", "Ner`zhul", "Ner´zhul", "Ner zhul" },
    { "Elune", "Azjol-Nerub", "AzjolNerub", "Azjol Nerub", "Azjol‑Nerub" },
    { "Chôgun", "Temple noir", "Templenoir", "Temple-noir", "Temple\194\160noir" },
  }) do
    for i = 2, #case do
      local found = Parsebook.Lookup(case[1], case[i])
      same(found and found.realm, case[2], case[i])
    end
  end
end

function tests.answers_are_remembered_and_make_no_garbage()
  start({ isPlain = true })
  local first = Parsebook.Lookup("Chôgun", "Templenoir")
  same(Parsebook.Lookup("Nobody", "Templenoir"), nil)
  collectgarbage()
  collectgarbage("stop")
  local before = collectgarbage("count")
  for _ = 1, 100 do
    assert(Parsebook.Lookup("Chôgun", "Templenoir", "EU") == first)
    assert(Parsebook.Lookup("Nobody", "Templenoir", "EU") == nil)
  end
  same(collectgarbage("count"), before, "memory")
  collectgarbage("restart")
  for i = 1, 2000 do Parsebook.Lookup("Nobody" .. i, "Templenoir") end
  same(Parsebook.Lookup("Chôgun", "Templenoir").classId, 9)
end

return tests
