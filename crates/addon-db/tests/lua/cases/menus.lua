-- Right-click menus, addresses, the popup that shows them.

local t = ...
local game, start = t.game, t.start
local same, contains = t.same, t.contains
local tests = {}

-- Opens a menu; returns its entries by their text.
local function open(tag, owner, context)
  local entries = {}
  local root = { CreateDivider = function() end, CreateTitle = function() end }
  function root.CreateButton(_, text, f) entries[text] = f end
  game.menus[tag](owner, root, context)
  return entries
end

local function page(tag, owner, context)
  game.popups = {}
  local entry = open(tag, owner, context)["Warcraft Logs page"]
  if not entry then return nil end
  entry()
  return game.popups[1][4]
end

local CHOGUN = "https://www.warcraftlogs.com/character/eu/temple-noir/Ch%C3%B4gun"
local ELUNE = "https://www.warcraftlogs.com/character/eu/azjolnerub/Elune"

function tests.a_unit_whose_realm_is_not_told_has_no_page()
  start()
  t.player("target", "Chôgun")
  local unit = game.units.target
  unit.guid, unit.relation = ("Player-%d-0000000A"):format(t.OTHER_SERVER), nil
  same(page("MENU_UNIT_TARGET", nil, { name = "Chôgun", unit = "target" }), nil)
  same(page("MENU_UNIT_FRIEND", nil, { name = "Chôgun", guid = unit.guid }), nil)
  unit.realm = game.secret()
  same(page("MENU_UNIT_TARGET", nil, { name = "Chôgun", unit = "target" }), nil)
end

function tests.nothing_is_registered_when_switched_off()
  start({ saved = { menu = false } })
  same(next(game.menus), nil)
  SlashCmdList.PARSEBOOK("set menu on")
  same(page("MENU_UNIT_FRIEND", nil, { name = "Chôgun" }), CHOGUN)
  contains(t.command("set menu off"), "/reload")
  same(next(open("MENU_UNIT_FRIEND", nil, { name = "Chôgun" })), nil)
end

function tests.nothing_is_registered_before_the_options_are_known()
  game.install({ region = 3 })
  t.run("Parsebook")
  same(next(game.menus), nil)
end

local UNIT_MENUS = {
  "SELF", "PLAYER", "PARTY", "RAID_PLAYER", "RAID", "TARGET", "FOCUS", "ENEMY_PLAYER", "ARENAENEMY",
  "WORLD_STATE_SCORE", "FRIEND", "FRIEND_OFFLINE", "BN_FRIEND", "GUILD", "GUILD_OFFLINE",
  "COMMUNITIES_GUILD_MEMBER", "COMMUNITIES_WOW_MEMBER", "CHAT_ROSTER", "RECENT_ALLY", "RECENT_ALLY_OFFLINE",
}

function tests.every_menu_with_a_player_in_it_is_ours_too()
  start()
  for _, tag in ipairs(UNIT_MENUS) do same(type(game.menus["MENU_UNIT_" .. tag]), "function", tag) end
  for _, tag in ipairs({ "MENU_LFG_FRAME_SEARCH_ENTRY", "MENU_LFG_FRAME_MEMBER_APPLY", "MENU_QUICK_JOIN" }) do
    same(type(game.menus[tag]), "function", tag)
  end
end

function tests.a_name_whose_realm_is_hidden_has_no_page()
  start()
  same(page("MENU_UNIT_PLAYER", nil, { name = "Chôgun", server = game.secret() }), nil)
  local guid = ("Player-%d-0000000A"):format(t.OTHER_SERVER)
  game.strangers[guid] = { "Elune", "AzjolNerub" }
  same(page("MENU_UNIT_PLAYER", nil, { name = "Elune", guid = guid }), ELUNE)
end

function tests.menus_of_players()
  start()
  t.player("target", "Elune", "AzjolNerub")
  for _, tag in ipairs(UNIT_MENUS) do
    same(page("MENU_UNIT_" .. tag, nil, { name = "Chôgun" }), CHOGUN, tag)
    same(page("MENU_UNIT_" .. tag, nil, { name = "Elune", server = "AzjolNerub" }), ELUNE, tag)
    same(page("MENU_UNIT_" .. tag, nil, { name = "Toy", unit = "target" }), ELUNE, tag)
    same(page("MENU_UNIT_" .. tag, nil, { name = "A mob", unit = "nobody" }), nil, tag)
    same(page("MENU_UNIT_" .. tag, nil, nil), nil, tag)
    same(page("MENU_UNIT_" .. tag, nil, { name = game.secret(), server = game.secret() }), nil, tag)
    same(page("MENU_UNIT_" .. tag, nil, { name = "Chôgun", server = game.secret() }), nil, tag)
  end
end

function tests.a_battle_net_friend_is_its_character()
  start()
  local account = { gameAccountInfo = { clientProgram = "WoW", characterName = "Elune", realmName = "AzjolNerub" } }
  same(page("MENU_UNIT_BN_FRIEND", nil, { name = "Somebody Real", accountInfo = account }), ELUNE)
  same(page("MENU_UNIT_BN_FRIEND", nil, { name = "Chôgun", accountInfo = { gameAccountInfo = {} } }), nil)
end

function tests.entries_and_applicants_of_the_group_finder()
  start()
  game.results = { [5] = { leaderName = "Elune-AzjolNerub" } }
  same(page("MENU_LFG_FRAME_SEARCH_ENTRY", { resultID = 5 }), ELUNE)
  same(page("MENU_LFG_FRAME_SEARCH_ENTRY", { resultID = 6 }), nil)
  game.applicants = { [3] = { { name = "Chôgun" } } }
  local row = game.installed.CreateFrame("Button", nil, { applicantID = 3 })
  row.memberIdx = 1
  same(page("MENU_LFG_FRAME_MEMBER_APPLY", row), CHOGUN)
end

function tests.quick_join_where_it_can_only_be_one()
  start()
  same(page("MENU_QUICK_JOIN"), nil)
  local row = game.installed.CreateFrame("Button")
  row.Members = { { playerLink = "|Hplayer:Chôgun:1|h[Chôgun]|h" } }
  QuickJoinButtonMixin.OnEnter(row)
  same(page("MENU_QUICK_JOIN"), CHOGUN)
  row.Members[2] = { playerLink = "|Hplayer:Elune-AzjolNerub:1|h[Elune]|h" }
  same(page("MENU_QUICK_JOIN"), nil)
end

function tests.the_panel_shows_ranks()
  start()
  open("MENU_UNIT_FRIEND", nil, { name = "Chôgun" })["Show ranks"]()
  same(ParsebookPanel:IsShown(), true)
end

function tests.addresses()
  local ns = start()
  same(ns.CharacterUrl("Chôgun", "Templenoir"), CHOGUN)
  same(ns.CharacterUrl("Nobody", "Templenoir"),
    "https://www.warcraftlogs.com/character/eu/temple-noir/Nobody", "who is not in the data")
  same(ns.CharacterUrl("Nobody", "Ясеневыйлес"), ns.CharacterUrl("Nobody", "Ясеневый лес"))
  same(ns.CharacterUrl("Luso", "Aggra (Português)"), "https://www.warcraftlogs.com/character/eu/aggra-portugues/Luso")
  same(ns.CharacterUrl("Mirnok", "Ner’zhul"), "https://www.warcraftlogs.com/character/eu/nerzhul/Mirnok")
  contains(ns.CharacterUrl("X", "Ревущий фьорд"), "/eu/%D1%80%D0%B5%D0%B2%D1%83%D1%89%D0%B8%D0%B8-%D1%84")
  start({ realm = "Ревущий фьорд" })
  contains(t.command("url X") and game.popups[1][4], "/eu/%D1%80%D0%B5%D0%B2%D1%83%D1%89%D0%B8%D0%B8-%D1%84")
end

function tests.the_popup_does_not_cut_the_address()
  start()
  local popup = StaticPopupDialogs.PARSEBOOK_URL
  same(popup.maxLetters, 0)
  local box = game.installed.CreateFrame("EditBox")
  popup.OnShow({ EditBox = box }, "https://x")
  same(box.text, "https://x")
end

function tests.the_popups_button_is_in_the_clients_words()
  start()
  same(StaticPopupDialogs.PARSEBOOK_URL.button1, "Okay")
end

function tests.no_popup_in_combat()
  start()
  game.combat = true
  contains(t.command("url Chôgun"), CHOGUN)
  same(#game.popups, 0)
end

return tests
