-- Who is meant: never guessed.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains = t.same, t.contains
local tests = {}

function tests.own_realm()
  start()
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
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
end

function tests.connected_realm_is_the_units_own()
  start({ realm = "Azjol-Nerub" })
  contains(game.hoverUnit(player("party1", "Chôgun", "Templenoir")), "Vault of Tests")
  contains(game.hoverUnit(player("party2", "Elune", "")), "Vault of Tests")
end

function tests.hangul_and_chinese()
  start({ region = 2, server = 205, realm = "아즈샤라" })
  contains(game.hoverUnit(player("mouseover", "가람나래")), "Vault of Tests")
  contains(game.hoverUnit(player("mouseover", "가람")), "Vault of Tests")
  contains(game.hoverUnit(player("mouseover", "天下第一", "불타는군단")), "Vault of Tests")
  same(game.hoverUnit(player("mouseover", "가람나")), "")
end

function tests.units_without_a_token_are_found_by_guid()
  start()
  player("party2", "Chôgun")
  contains(game.hover({ guid = game.units.party2.guid, lines = {} }), "Vault of Tests")
  game.guids["Player-x"] = player("raid7", "Elune", "AzjolNerub")
  contains(game.hover({ guid = "Player-x" }), "Vault of Tests")
  same(game.hover({ guid = "Player-nobody" }), "")
end

function tests.the_region_is_told_by_the_server_not_by_the_installation()
  local ns = start({ region = 1, server = t.OWN_SERVER })
  same(ns.OwnRegion(), "EU")
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
  contains(ns.CharacterUrl("Chôgun", "Templenoir"), "/character/eu/temple-noir/")
  same(start({ region = 3, server = t.US_SERVER, early = true }).OwnRegion(), "US")
  same(start({ region = 3, server = 99999, early = true }).OwnRegion(), "EU", "a server that is not known yet")
  same(start({ region = 72, server = 99999, early = true }).OwnRegion(), nil, "a test region")
end

function tests.a_realm_that_is_not_told_yet_is_nobodys()
  start()
  local stranger = player("mouseover", "Chôgun")
  game.units[stranger].guid = ("Player-%d-0000000A"):format(t.OTHER_SERVER)
  for _, relation in ipairs({ 2, 3, false }) do
    game.units[stranger].relation = relation or nil
    same(game.hoverUnit(stranger), "", "the realm is not told")
  end
  game.strangers[game.units[stranger].guid] = { "Chôgun", "Aegwynn" }
  same(game.hoverUnit(stranger), "", "another realm's namesake")
  game.strangers[game.units[stranger].guid] = { "Wander", "Aegwynn" }
  game.units[stranger].name = "Wander"
  contains(game.hoverUnit(stranger), "Raid 99")
end

function tests.a_secret_realm_is_nobodys()
  start()
  player("mouseover", "Chôgun")
  game.units.mouseover.realm = game.secret()
  same(game.hoverUnit("mouseover"), "")
  game.units.mouseover.realm, game.units.mouseover.relation = nil, game.secret("number")
  same(game.hoverUnit("mouseover"), "")
  game.units.mouseover.relation, game.units.mouseover.guid = nil, game.secret()
  same(game.hoverUnit("mouseover"), "")
end

function tests.the_name_is_the_one_without_toys()
  start()
  player("mouseover", "Chôgun")
  game.units.mouseover.toyName = "Elune"
  contains(game.hoverUnit("mouseover"), "Heroic 2/3")
  game.units.mouseover.name, game.units.mouseover.toyName = "Nobody", "Chôgun"
  same(game.hoverUnit("mouseover"), "")
end

function tests.npcs_are_no_players()
  start({ early = true })
  player("mouseover", "Chôgun")
  game.units.mouseover.player = false
  same(game.hoverUnit("mouseover"), "")
  same(game.loads, 0, "regions loaded")
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
end

function tests.nil_everywhere()
  start()
  same(game.hover(nil), "")
  same(game.hover({}), "")
  same(game.hoverUnit("nobody"), "")
  game.units.mouseover = { player = true }
  same(game.hoverUnit("mouseover"), "")
end

return tests
