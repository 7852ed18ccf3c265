-- Each function of the client absent, answering nil, and answering secrets, one at a time: no Lua error, and nobody
-- else's ranks.

local t = ...
local game, start, player = t.game, t.start, t.player
local tests = {}

local CHOGUN, SECRET = "Heroic 2/3", "a secret"

-- Everything a player can do in a minute; returns all that was shown.
local function useEverything()
  local shown = {}
  local function see(text) shown[#shown + 1] = text or "" end
  game.results = { [5] = { leaderName = "Chôgun", activityIDs = { 1 } } }
  game.activities = { { mapID = 2522, difficultyID = 15 } }
  game.applicants, game.listing = { [3] = { { name = "Chôgun", role = "HEALER" } } }, { activityIDs = { 1 } }
  game.friends, game.who = { { name = "Chôgun" } }, { { fullName = "Chôgun" } }
  game.accounts = { { gameAccountInfo = { clientProgram = "WoW", characterName = "Elune", realmName = "AzjolNerub" } } }
  see(game.hoverUnit(player("mouseover", "Chôgun")))
  see(game.hoverUnit(player("mouseover", "Nobody")))
  see(game.hover({ guid = game.units.mouseover.guid }))
  for _, key in ipairs({ "LSHIFT", "LCTRL" }) do game.fire("MODIFIER_STATE_CHANGED", key, 1) end

  local row = game.newFrame("Button", nil, { applicantID = 3 })
  row.resultID, row.memberIdx, row.index, row.id = 5, 1, 1, 1
  if LFGListUtil_SetSearchEntryTooltip then LFGListUtil_SetSearchEntryTooltip(GameTooltip, 5) end
  if LFGListSearchEntry_Update then LFGListSearchEntry_Update(row) end
  if LFGListApplicantMember_OnEnter then LFGListApplicantMember_OnEnter(row) end
  if LFGListApplicationViewer_UpdateApplicantMember then LFGListApplicationViewer_UpdateApplicantMember(row, 3, 1) end
  if LFGListUtil_SortSearchResults then LFGListUtil_SortSearchResults({ results = { 5 } }) end
  if LFGListUtil_SortApplicants then LFGListUtil_SortApplicants({ 3 }) end
  for _, mixin in ipairs({ "FriendsListButtonMixin", "WhoListButtonMixin", "QuickJoinButtonMixin" }) do
    for kind = 2, 3 do
      row.buttonType = kind
      if _G[mixin] then _G[mixin].OnEnter(row) end
      if ParsebookTooltip then see(ParsebookTooltip:Text()) end
    end
  end
  for _, f in pairs(game.menus) do
    local root = { CreateDivider = function() end, CreateTitle = function() end }
    function root.CreateButton(_, _, click) click() end
    f(row, root, { name = "Chôgun", unit = "mouseover" })
    f(row, root, { name = "Chôgun", guid = game.units.mouseover.guid })
    f(row, root, { name = "A Friend", accountInfo = game.accounts[1] })
  end
  game.fire("CHAT_MSG_SYSTEM", "|Hplayer:Chôgun|h[Chôgun]|h: Level 80 Troll Shaman - Dornogal")
  for _, text in ipairs({
    "", "Chôgun", "Elune-Azjol-Nerub", "info", "options", "set", "set sort on", "url Chôgun", "url", "search Chôgun",
  }) do
    if SlashCmdList then see(t.command(text)) end
  end
  if Parsebook_OnAddonCompartmentEnter then
    Parsebook_OnAddonCompartmentEnter("Parsebook", row)
    Parsebook_OnAddonCompartmentClick("Parsebook", "LeftButton")
  end
  Parsebook.Lookup("Chôgun", "Templenoir")
  Parsebook.LookupUnit("mouseover")
  Parsebook.GetBest("Chôgun", "Templenoir")
  Parsebook.AddToTooltip(GameTooltip, "mouseover")
  Parsebook.GetVersion()
  return table.concat(shown, "\n")
end

-- Tables and functions of the client's own Lua, which may be gone with the next patch.
local GAME_LUA = {
  "hooksecurefunc", "GameTooltip", "TooltipDataProcessor", "Enum", "Menu", "Settings", "C_LFGList", "C_AddOns",
  "C_FriendList", "C_BattleNet", "StaticPopup_Show", "StaticPopupDialogs", "SlashCmdList", "UIParent",
  "UISpecialFrames", "LFGListFrame", "LFGListUtil_SetSearchEntryTooltip", "LFGListSearchEntry_Update",
  "LFGListApplicantMember_OnEnter", "LFGListApplicationViewer_UpdateApplicantMember", "LFGListUtil_SortSearchResults",
  "LFGListUtil_SortApplicants", "WHO_LIST_FORMAT", "WHO_LIST_GUILD_FORMAT", "OKAY", "PLAYER_DIFFICULTY2",
  "FriendsListButtonMixin", "CommunitiesMemberListEntryMixin", "INLINE_HEALER_ICON", "issecretvalue",
  "Settings.OpenToCategory", "Settings.CreateCheckbox", "Settings.CreateSlider", "Settings.CreateDropdown",
  "Settings.RegisterAddOnSetting", "Settings.RegisterAddOnCategory", "Settings.RegisterVerticalLayoutCategory",
  "Menu.ModifyMenu", "TooltipDataProcessor.AddTooltipPostCall",
}

local function try(name, how)
  local ok, message = pcall(function()
    local journal = { { { 10, "Vault", 2522, { { "A", 102 } } } } }
    start({ broken = { name, how }, saved = { sort = true }, journal = journal })
    -- Without the stand-in's own tooltip there is nothing to hover over.
    if GameTooltip then return useEverything() end
  end)
  if not ok then error(("%s %s: %s"):format(name, how, tostring(message)), 0) end
  t.lacks(message or "", SECRET)
end

for _, name in ipairs(game.functionNames()) do
  for _, how in ipairs({ "absent", "nil", "secret" }) do
    tests[("%s %s"):format(name, how)] = function() try(name, how) end
  end
end
-- Without CreateFrame there is no game, and the files are read for their data alone.
for _, how in ipairs({ "nil", "secret" }) do
  tests["CreateFrame " .. how] = function() try("CreateFrame", how) end
end
for _, how in ipairs({ "absent", "nil", "secret" }) do
  tests["date " .. how] = function() try("date", how) end
end
for _, name in ipairs(GAME_LUA) do
  tests[name .. " absent"] = function() try(name, "absent") end
end

-- Where it is not known who it is, nothing is shown.
for name, hows in pairs({
  UnitIsPlayer = { "absent", "nil", "secret" }, UnitNameUnmodified = { "nil", "secret" },
  UnitRealmRelationship = { "secret" }, GetNormalizedRealmName = { "secret" },
}) do
  for _, how in ipairs(hows) do
    tests[("nobody is shown with %s %s"):format(name, how)] = function()
      start({ broken = { name, how } })
      if name == "GetNormalizedRealmName" then GetRealmName = function() end end
      t.same(game.hoverUnit(player("mouseover", "Chôgun")), "")
    end
  end
end

function tests.the_whole_minute_works_when_nothing_is_broken()
  start({ saved = { sort = true } })
  t.contains(useEverything(), CHOGUN)
  t.lacks(useEverything(), SECRET)
end

return tests
