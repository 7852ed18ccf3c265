-- The group finder: tooltips, rows, order, and the plugin for Premade Groups Filter.

local t = ...
local game, start = t.game, t.start
local same, contains, lacks = t.same, t.contains, t.lacks
local tests = {}

-- Instance 10 on map 2522 is the data's raid, boss by boss; difficulties by the game's numbers.
local JOURNAL = { { { 10, "Vault of Tests", 2522, { { "First Boss", 102 }, { "Last Boss", 103 } } } } }
local HEROIC, NORMAL, MYTHIC, DUNGEON = 1, 2, 3, 4

local function begin(options)
  options = options or {}
  options.journal = JOURNAL
  local ns = start(options)
  game.activities = {
    [HEROIC] = { mapID = 2522, difficultyID = 15 }, [NORMAL] = { mapID = 2522, isNormalActivity = true },
    [MYTHIC] = { mapID = 2522, difficultyID = 16 }, [DUNGEON] = { mapID = 1, difficultyID = 8 },
  }
  return ns
end

local function newRow(fields)
  local row = game.installed.CreateFrame("Button")
  row.Name = game.installed.CreateFrame("FontString")
  for key, value in pairs(fields) do row[key] = value end
  return row
end

local function textOf(row)
  return t.plain(row.labels and row.labels[1].text or "")
end

function tests.leaders_tooltip()
  start()
  game.results = { [5] = { leaderName = "Elune-AzjolNerub" }, [6] = { leaderName = "Chôgun" } }
  for id in pairs(game.results) do
    GameTooltip:SetOwner(UIParent)
    LFGListUtil_SetSearchEntryTooltip(GameTooltip, id)
    contains(GameTooltip:Text(), "Vault of Tests")
  end
  SlashCmdList.PARSEBOOK("set groupFinder off")
  GameTooltip:SetOwner(UIParent)
  LFGListUtil_SetSearchEntryTooltip(GameTooltip, 5)
  same(GameTooltip:Text(), "a group")
end

function tests.applicants_tooltip_only_where_it_belongs_to_the_button()
  start()
  game.applicants = { [3] = { { name = "Nobody" }, { name = "Luso-Aggra(Português)" } } }
  local row = newRow({ memberIdx = 2, parent = { applicantID = 3 } })
  GameTooltip:SetOwner(UIParent)
  GameTooltip:AddLine("somebody else's")
  LFGListApplicantMember_OnEnter(row)
  same(GameTooltip:Text(), "somebody else's", "without a listing")
  game.listing = { activityIDs = { 1 } }
  LFGListApplicantMember_OnEnter(row)
  contains(GameTooltip:Text(), "Vault of Tests")
end

function tests.who_is_not_the_leader_may_hover_too()
  start()
  local cover = LFGListFrame.ApplicationViewer.UnempoweredCover
  same(cover.mouse, false)
  SlashCmdList.PARSEBOOK("set groupFinder off")
  same(cover.mouse, true)
end

function tests.rows_show_the_rank_of_the_listed_raid_and_difficulty()
  begin()
  local function row(leader, activity)
    game.results[9] = { leaderName = leader, activityIDs = { activity } }
    local made = newRow({ resultID = 9 })
    LFGListSearchEntry_Update(made)
    return textOf(made)
  end
  same(row("Chôgun", HEROIC), "80 2/3 H")
  same(row("Chôgun", NORMAL), "10 3/3 N")
  same(row("Chôgun", MYTHIC), "80 2/3 H", "the hardest there is")
  same(row("Chôgun", DUNGEON), "")
  same(row("Nobody", HEROIC), "")
  game.results[8] = { leaderName = game.secret(), activityIDs = game.secret("table") }
  local hidden = newRow({ resultID = 8 })
  LFGListSearchEntry_Update(hidden)
  same(textOf(hidden), "")
end

function tests.a_row_that_is_used_again_is_written_anew()
  begin()
  game.results = {
    { leaderName = "Chôgun", activityIDs = { HEROIC } }, { leaderName = "Nobody", activityIDs = { HEROIC } },
  }
  local row = newRow({ resultID = 1 })
  LFGListSearchEntry_Update(row)
  same(textOf(row), "80 2/3 H")
  row.resultID = 2
  LFGListSearchEntry_Update(row)
  same(textOf(row), "")
  row.resultID, game.combat = 1, true
  LFGListSearchEntry_Update(row)
  same(textOf(row), "", "in combat")
  game.combat = false
  SlashCmdList.PARSEBOOK("set rows off")
  LFGListSearchEntry_Update(row)
  same(textOf(row), "")
  same(#row.labels, 1)
end

function tests.applicants_by_their_role()
  begin()
  game.listing = { activityIDs = { HEROIC } }
  local found = Parsebook.Lookup("Chôgun", "Templenoir")
  table.insert(found.ranks, 2, {
    raid = 40, difficulty = 4, metric = "hps", encounters = { { id = 101, rank = 33, kills = 1 } },
  })
  game.applicants = { [3] = {
    { name = "Chôgun", role = "HEALER" }, { name = "Chôgun", role = "DAMAGER" }, { name = "Chôgun", heals = true },
  } }
  for index, expected in ipairs({ "33 1/3 H", "80 2/3 H", "33 1/3 H" }) do
    local row = newRow({})
    LFGListApplicationViewer_UpdateApplicantMember(row, 3, index)
    same(textOf(row), expected)
  end
  table.remove(found.ranks, 2)
end

function tests.sorted_by_rank_if_wanted()
  begin()
  game.listing = { activityIDs = { HEROIC } }
  for id, leader in ipairs({ "Nobody", "Chôgun", "Elune-AzjolNerub", "Nobody" }) do
    game.results[id] = { leaderName = leader, activityIDs = { HEROIC } }
    game.applicants[id] = { { name = leader } }
  end
  local panel, applicants = { results = { 4, 3, 2, 1 } }, { 4, 3, 2, 1 }
  LFGListUtil_SortSearchResults(panel)
  same(table.concat(panel.results, " "), "1 2 3 4", "the game's order")
  SlashCmdList.PARSEBOOK("set sort on")
  LFGListUtil_SortSearchResults(panel)
  same(table.concat(panel.results, " "), "3 2 1 4")
  LFGListUtil_SortApplicants(applicants)
  same(table.concat(applicants, " "), "3 2 1 4")
end

function tests.plugin_for_premade_groups_filter()
  begin()
  local PGF = {}
  assert(loadfile(t.here .. "../../contrib/PremadeGroupsFilter/Parsebook.lua"))("PremadeGroupsFilter", PGF)
  local env = {}
  PGF.PutParsebookRanks(env, "Chôgun-Templenoir")
  same(env.haswcl, true)
  same(("%d %d %d %d"):format(env.wcl, env.wclnormal, env.wclheroic, env.wclmythic), "80 10 80 0")
  PGF.PutParsebookRanks(env, nil)
  same(("%s %d %d"):format(tostring(env.haswcl), env.wcl, env.wclheroic), "false 0 0")
  PGF.PutParsebookRanks(env, "Elune-Azjol-Nerub")
  same(env.haswcl, true)
  Parsebook = nil
  PGF.PutParsebookRanks(env, "Chôgun")
  same(env.haswcl, false)
end

function tests.names_in_the_players_language_find_the_raid_too()
  begin({ locale = "deDE" })
  game.results[1] = { leaderName = "Chôgun", activityIDs = { HEROIC } }
  local row = newRow({ resultID = 1 })
  LFGListSearchEntry_Update(row)
  same(textOf(row), "80 2/3 HC")
  lacks(row.labels[1].text, "Heroic")
end

return tests
