-- Tests of the addon, hover by hover, in plain Lua 5.1: lua5.1 suite.lua [REPOSITORY]
-- REPOSITORY holds Parsebook/ and the test data (Parsebook_DB_EU, Parsebook_DB_KR); default: beside this file.

local here = (arg and arg[0] or "suite.lua"):gsub("[^/]*$", "")
local repository = REPOSITORY or (arg and arg[1])
local game = dofile(((GAME_STUB or here .. "game.lua")))
local NOW = 1700000000 + 2 * 86400

local function folder(addon)
  if repository then return repository .. "/" .. addon end
  return addon == "Parsebook" and here .. "../../addon/Parsebook" or here .. "fixture/" .. addon
end

local function run(addon, change)
  local namespace = {}
  for line in io.lines(folder(addon) .. "/" .. addon .. ".toc") do
    if line ~= "" and line:sub(1, 1) ~= "#" then
      local file = assert(io.open(folder(addon) .. "/" .. line))
      local source = file:read("*a")
      file:close()
      assert(loadstring(change and change(line, source) or source, "@" .. line))(addon, namespace)
    end
  end
  return namespace
end

-- Starts the client and the addon. `options.change(file, source)` may alter the data files.
local function start(options)
  options = options or {}
  options.region, options.realm, options.now = options.region or 3, options.realm or "Temple noir", options.now or NOW
  for _, key in ipairs({ "units", "guids", "printed", "hooks", "frames", "popups", "menus" }) do game[key] = {} end
  game.combat, game.shift, game.control, game.loads, game.refreshed = false, false, false, 0, 0
  game.load = function(addon)
    if options.missing then return nil, "MISSING" end
    run(addon, options.change)
    return true
  end
  game.install(options)
  ParsebookSettings = options.saved
  local namespace = run("Parsebook")
  game.fire("ADDON_LOADED", "Parsebook")
  return namespace
end

local function same(actual, expected, what)
  if actual ~= expected then
    error(("%s: expected\n%s\ngot\n%s"):format(what or "value", tostring(expected), tostring(actual)), 2)
  end
end

local function contains(text, part)
  if not tostring(text):find(part, 1, true) then error(("%q is not in\n%s"):format(part, tostring(text)), 2) end
end

local function lacks(text, part)
  if tostring(text):find(part, 1, true) then error(("%q is in\n%s"):format(part, tostring(text)), 2) end
end

local function player(unit, name, realm)
  game.units[unit] = { name = name, realm = realm, player = true, guid = "Player-" .. unit }
  return unit
end

local tests = {}

function tests.own_realm()
  start()
  local text = game.hoverUnit(player("mouseover", "Chôgun", nil))
  contains(text, "Vault of Tests")
  contains(text, "  Heroic 2/3 | |cffa335ee80|r dps")
  contains(text, "  Normal 3/3 | |cff80808010|r dps")
  lacks(text, "First Boss")
  same(text:find("Heroic") < text:find("Normal"), true, "hardest first")
  same(game.loads, 1, "regions loaded")
end

function tests.every_boss_with_the_modifier()
  start()
  game.shift = true
  local text = game.hoverUnit(player("mouseover", "Chôgun", nil))
  contains(text, "    First Boss | |cffe5cc80100|r  255+ x")
  contains(text, "    Last Boss | |cff0070ff60|r  1 x")
  contains(text, "Ranks of 2023-11-14")
  same(text:find("First Boss") < text:find("Last Boss"), true, "the raid's order")
end

function tests.modifier_refreshes_an_open_tooltip()
  start()
  game.fire("MODIFIER_STATE_CHANGED", "LSHIFT", 1)
  same(game.refreshed, 1)
  GameTooltip.shown = false
  game.fire("MODIFIER_STATE_CHANGED", "LSHIFT", 0)
  same(game.refreshed, 1)
end

function tests.other_realms_as_the_client_spells_them()
  start()
  for _, case in ipairs({
    { "Chôgun", "Templenoir" }, { "Chôgun", "Temple noir" },
    { "Elune", "AzjolNerub" }, { "Elune", "Azjol-Nerub" },
    { "Mirnok", "Ner'zhul" }, { "Mirnok", "Ner’zhul" },
    { "Luso", "Aggra(Português)" }, { "Luso", "Aggra (Português)" },
    { "Полынья", "Ясеневыйлес" }, { "Полынья", "Ясеневый лес" },
  }) do
    contains(game.hoverUnit(player("mouseover", case[1], case[2])), "Vault of Tests")
  end
  same(game.hoverUnit(player("mouseover", "Chôgun", "Aegwynn")), "", "absent")
  contains(game.hoverUnit(player("mouseover", "chôgun", "TEMPLENOIR")), "Vault of Tests")
end

function tests.connected_realm_is_the_units_own()
  start({ realm = "Azjol-Nerub" })
  contains(game.hoverUnit(player("party1", "Chôgun", "Templenoir")), "Vault of Tests")
  contains(game.hoverUnit(player("party2", "Elune", "")), "Vault of Tests")
end

function tests.hangul_and_chinese()
  start({ region = 2, realm = "아즈샤라" })
  contains(game.hoverUnit(player("mouseover", "가람나래", nil)), "Vault of Tests")
  contains(game.hoverUnit(player("mouseover", "가람", nil)), "Vault of Tests")
  contains(game.hoverUnit(player("mouseover", "天下第一", "불타는군단")), "Vault of Tests")
  same(game.hoverUnit(player("mouseover", "가람나", nil)), "")
end

function tests.units_without_a_token_are_found_by_guid()
  start()
  player("party2", "Chôgun", nil)
  contains(game.hover({ guid = "Player-party2", lines = {} }), "Vault of Tests")
  game.guids["Player-x"] = player("raid7", "Elune", "AzjolNerub")
  contains(game.hover({ guid = "Player-x" }), "Vault of Tests")
  same(game.hover({ guid = "Player-nobody" }), "")
end

function tests.secret_values_are_passed_over_in_silence()
  start()
  local secret = game.secret()
  same(game.hover(secret), "")
  same(game.hover({ guid = secret, lines = secret }), "")
  same(game.hover({ guid = secret, lines = { secret, { unitToken = secret } } }), "")
  for _, unit in ipairs({
    { name = secret, realm = secret, player = true }, { name = "Chôgun", realm = secret, player = secret },
    { name = secret, player = true }, { player = secret, name = "Chôgun" },
  }) do
    game.units.mouseover = unit
    same(game.hoverUnit("mouseover"), "")
  end
  game.units.raid3 = { guid = secret }
  same(game.hover({ guid = "Player-raid3" }), "")
  game.results = { [1] = { leaderName = secret }, [2] = secret }
  for id in ipairs(game.results) do game.hooks.LFGListUtil_SetSearchEntryTooltip(GameTooltip, id) end
  game.hooks.LFGListUtil_SetSearchEntryTooltip(GameTooltip, secret)
  game.applicants = { { secret } }
  local parent = { applicantID = 1 }
  game.hooks.LFGListApplicantMember_OnEnter({ memberIdx = 1, GetParent = function() return parent end })
  game.hooks.LFGListApplicantMember_OnEnter({ memberIdx = secret, GetParent = function() return parent end })
  game.menus.MENU_UNIT_PLAYER(nil, nil, { name = secret, server = secret })
  same(table.concat(GameTooltip.lines, "\n"), "")
end

function tests.nil_everywhere()
  start()
  same(game.hover(nil), "")
  same(game.hover({}), "")
  same(game.hoverUnit("nobody"), "")
  game.units.mouseover = { player = true }
  same(game.hoverUnit("mouseover"), "")
  game.hooks.LFGListUtil_SetSearchEntryTooltip(GameTooltip, nil)
  game.hooks.LFGListUtil_SetSearchEntryTooltip(GameTooltip, 99)
  game.hooks.LFGListApplicantMember_OnEnter({ GetParent = function() end })
  game.menus.MENU_UNIT_PLAYER(nil, nil, nil)
  same(Parsebook.Lookup(nil, nil), nil)
  same(Parsebook.Lookup("Chôgun", nil), nil)
  same(Parsebook.Lookup(nil, "Templenoir"), nil)
  same(Parsebook.Lookup(12, true, "EU"), nil)
  same(Parsebook.Lookup("Chôgun", "Templenoir", 7), nil)
  same(Parsebook.Lookup("", "", "EU"), nil)
  same(Parsebook.Lookup("\255\254", "Templenoir", "EU"), nil)
  same(Parsebook.GetInfo("XX"), nil)
end

function tests.npcs_are_no_players()
  start()
  player("mouseover", "Chôgun", nil)
  game.units.mouseover.player = false
  same(game.hoverUnit("mouseover"), "")
  same(game.loads, 0, "regions loaded")
end

function tests.hidden_in_combat_unless_wanted()
  start()
  game.combat = true
  same(game.hoverUnit(player("mouseover", "Chôgun", nil)), "")
  SlashCmdList.PARSEBOOK("set hideInCombat off")
  contains(game.hoverUnit("mouseover"), "Vault of Tests")
end

function tests.no_database()
  start({ missing = true })
  same(game.hoverUnit(player("mouseover", "Chôgun", nil)), "")
  same(game.hoverUnit("mouseover"), "")
  same(game.loads, 1, "loads tried")
  same(#game.printed, 0, "messages while hovering")
  SlashCmdList.PARSEBOOK("Chôgun")
  contains(game.printed[1], "data of region EU is not installed or not enabled (MISSING)")
  start({ region = 72 })
  same(game.hoverUnit(player("mouseover", "Chôgun", nil)), "")
  same(game.loads, 0)
end

function tests.old_database_says_so()
  start({ now = NOW + 30 * 86400 })
  contains(game.hoverUnit(player("mouseover", "Chôgun", nil)), "Ranks are of 2023-11-14: 32 days old")
  start()
  lacks(game.hoverUnit(player("mouseover", "Chôgun", nil)), "days old")
end

function tests.another_format_is_refused_with_one_message()
  start({ change = function(_, source) return (source:gsub("(Open%a+%()2,", "%13,")) end })
  same(game.hoverUnit(player("mouseover", "Chôgun", nil)), "")
  same(game.hoverUnit("mouseover"), "")
  same(#game.printed, 1, "messages")
  contains(game.printed[1], "the data of region EU has format 3, this addon reads format 2")
  local found, message = Parsebook.Lookup("Chôgun", "Templenoir", "EU")
  same(found, nil)
  contains(message, "format 3")
  same(Parsebook.GetInfo("EU"), nil)
end

function tests.files_of_different_releases_are_refused_with_one_message()
  start({ change = function(file, source)
    return file == "Realms2.lua" and source:gsub('(OpenPart%(2, "EU", )"%x+"', '%1"00000000"') or source
  end })
  same(game.hoverUnit(player("mouseover", "Chôgun", nil)), "")
  same(#game.printed, 1, "messages")
  contains(game.printed[1], "do not belong together")
  same((Parsebook.Lookup("Elune", "AzjolNerub", "EU")), nil)
end

function tests.group_finder_leader_and_applicant()
  start()
  game.results = { [5] = { leaderName = "Elune-AzjolNerub" }, [6] = { leaderName = "Chôgun" } }
  for id in pairs(game.results) do
    GameTooltip.lines = {}
    game.hooks.LFGListUtil_SetSearchEntryTooltip(GameTooltip, id)
    contains(table.concat(GameTooltip.lines, "\n"), "Vault of Tests")
  end
  GameTooltip.lines = {}
  game.applicants = { [3] = { [2] = "Luso-Aggra(Português)" } }
  local parent = { applicantID = 3 }
  game.hooks.LFGListApplicantMember_OnEnter({ memberIdx = 2, GetParent = function() return parent end })
  contains(table.concat(GameTooltip.lines, "\n"), "Vault of Tests")
  SlashCmdList.PARSEBOOK("set groupFinder off")
  GameTooltip.lines = {}
  game.hooks.LFGListUtil_SetSearchEntryTooltip(GameTooltip, 5)
  same(#GameTooltip.lines, 0)
end

function tests.slash_command()
  start()
  local function command(text)
    game.printed = {}
    SlashCmdList.PARSEBOOK(text)
    return table.concat(game.printed, "\n")
  end
  contains(command("Chôgun"), "Chôgun, Temple noir")
  contains(command("Chôgun"), "First Boss  |cffe5cc80100|r  255+ x")
  contains(command("Elune-Azjol-Nerub"), "Elune, Azjol-Nerub")
  contains(command("  Mirnok - Ner'zhul "), "Mirnok, Ner’zhul")
  contains(command("Nobody"), "no ranks of Nobody")
  contains(command("info"), "region EU: 6 characters of 6 realms")
  contains(command(""), "/parsebook NAME[-REALM]")
  contains(command(nil), "/parsebook NAME[-REALM]")
  contains(command("set"), "hideInCombat = on")
  contains(command("set modifier ctrl"), "modifier is now ctrl")
  contains(command("set modifier nonsense"), "modifier = ctrl")
  game.control = true
  contains(game.hoverUnit(player("mouseover", "Chôgun", nil)), "First Boss")
end

function tests.unknown_raids_and_bosses_are_shown_by_number()
  start()
  game.shift = true
  local text = game.hoverUnit(player("mouseover", "Wander", "Aegwynn"))
  contains(text, "Raid 99")
  contains(text, "Boss 4321")
  contains(text, "Boss 9999")
end

function tests.options_are_kept_and_obeyed()
  start({ saved = { bestOnly = true, newestOnly = true, hideInCombat = "nonsense", other = 1 } })
  local text = game.hoverUnit(player("mouseover", "Chôgun", nil))
  contains(text, "Heroic")
  lacks(text, "Normal")
  lacks(game.hoverUnit(player("mouseover", "Wander", "Aegwynn")), "Vault of Tests")
  same(ParsebookSettings.hideInCombat, true)
  same(ParsebookSettings.bestOnly, true)
  same(#game.category.settings, 6)
  SlashCmdList.PARSEBOOK("options")
  same(game.opened, "Parsebook")
  SlashCmdList.PARSEBOOK("set tooltip off")
  same(game.hoverUnit("mouseover"), "")
end

function tests.links()
  local ns = start()
  same(ns.CharacterUrl("Chôgun", "Templenoir"),
    "https://www.warcraftlogs.com/character/eu/temple-noir/Ch%C3%B4gun")
  same(ns.CharacterUrl("Luso", "Aggra (Português)"), "https://www.warcraftlogs.com/character/eu/aggra-portugues/Luso")
  same(ns.CharacterUrl("Mirnok", "Ner’zhul"), "https://www.warcraftlogs.com/character/eu/nerzhul/Mirnok")
  contains(ns.CharacterUrl("X", "Ревущий фьорд"), "/eu/%D1%80%D0%B5%D0%B2%D1%83%D1%89%D0%B8%D0%B8-%D1%84")
  SlashCmdList.PARSEBOOK("url Elune-Azjol-Nerub")
  same(game.popups[1][4], "https://www.warcraftlogs.com/character/eu/azjolnerub/Elune")
  local clicked
  local root = { CreateDivider = function() end, CreateTitle = function() end }
  function root.CreateButton(_, _, f) clicked = f end
  game.menus.MENU_UNIT_FRIEND(nil, root, { name = "Chôgun", server = nil })
  clicked()
  same(game.popups[2][4], "https://www.warcraftlogs.com/character/eu/temple-noir/Ch%C3%B4gun")
  local box = { HighlightText = function() end, SetFocus = function() end }
  function box:SetText(text) self.text = text end
  StaticPopupDialogs.PARSEBOOK_URL.OnShow({ EditBox = box }, "https://x")
  same(box.text, "https://x")
end

function tests.clients_without_tooltip_data()
  start({ old = true })
  SlashCmdList.PARSEBOOK("options")
  contains(table.concat(game.printed, "\n"), "hideInCombat = on")
  contains(game.hoverUnit(player("mouseover", "Chôgun", nil)), "Vault of Tests")
  same(game.hoverUnit(nil), "")
end

function tests.answers_are_remembered_and_make_no_garbage()
  start()
  local first = Parsebook.Lookup("Chôgun", "Templenoir")
  same(Parsebook.Lookup("Nobody", "Templenoir"), nil)
  collectgarbage()
  collectgarbage("stop")
  local before = collectgarbage("count")
  for _ = 1, 100 do
    assert(Parsebook.Lookup("Chôgun", "Templenoir") == first)
    assert(Parsebook.Lookup("Nobody", "Templenoir") == nil)
  end
  same(collectgarbage("count"), before, "memory")
  collectgarbage("restart")
  for i = 1, 2000 do Parsebook.Lookup("Nobody" .. i, "Templenoir") end
  same(Parsebook.Lookup("Chôgun", "Templenoir").classId, 9)
end

local names, failures = {}, {}
for name in pairs(tests) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  local ok, message = xpcall(tests[name], debug and debug.traceback or tostring)
  game.remove()
  if not ok then failures[#failures + 1] = name .. ": " .. tostring(message) end
end
if #failures > 0 then
  error(("%d of %d tests failed\n%s"):format(#failures, #names, table.concat(failures, "\n\n")), 0)
end
print(("%d tests passed"):format(#names))
return #names
