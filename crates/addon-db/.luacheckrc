-- luacheck settings: Lua 5.1 and exactly the functions of the game that the addon uses.
std = "lua51"
max_line_length = 120
exclude_files = { "tests/lua/fixture" }

-- Functions and tables of the client, some of which a client may not have.
local CLIENT = {
  "C_AddOns", "C_BattleNet", "C_FriendList", "C_LFGList", "CreateFrame", "EJ_GetCurrentTier",
  "EJ_GetEncounterInfoByIndex", "EJ_GetInstanceByIndex", "EJ_GetNumTiers", "EJ_SelectTier", "Enum",
  "FRIENDS_BUTTON_TYPE_BNET", "FRIENDS_BUTTON_TYPE_WOW", "GameTooltip", "GetCurrentRegion", "GetLocale",
  "GetNormalizedRealmName", "GetPlayerInfoByGUID", "GetRealmID", "GetRealmName", "GetSpecializationInfoByID",
  "hooksecurefunc", "InCombatLockdown", "IsAltKeyDown", "IsControlKeyDown", "IsShiftKeyDown", "issecretvalue",
  "LFGListApplicantMember_OnEnter", "LFGListApplicationViewer_UpdateApplicantMember", "LFGListFrame",
  "LFGListSearchEntry_Update", "LFGListUtil_SetSearchEntryTooltip", "LFGListUtil_SortApplicants",
  "LFGListUtil_SortSearchResults", "LoadAddOn", "Menu", "MinimalSliderWithSteppersMixin", "OKAY", "Settings",
  "StaticPopup_Show", "TooltipDataProcessor", "UIParent", "UnitExists", "UnitGroupRolesAssigned", "UnitGUID",
  "UnitIsPlayer", "UnitName", "UnitNameUnmodified", "UnitRealmRelationship", "UnitTokenFromGUID",
  "WHO_LIST_FORMAT", "WHO_LIST_GUILD_FORMAT", "date", "time",
}

files["addon"] = {
  globals = {
    "Parsebook", "Parsebook_OnAddonCompartmentClick", "Parsebook_OnAddonCompartmentEnter", "ParsebookSettings",
    "SlashCmdList", "SLASH_PARSEBOOK1", "StaticPopupDialogs", "UISpecialFrames",
  },
  read_globals = CLIENT,
}
files["addon/Parsebook/Tables.lua"] = { max_line_length = false }
files["addon/Parsebook/Tables1.lua"] = { max_line_length = false }
-- Locals of a step may bear the name of a part of the state.
files["addon/Parsebook/Decoder.lua"] = { ignore = { "431" }, max_line_length = 122 }
-- Sentences of other languages count bytes, not letters.
files["addon/Parsebook/Locales"] = { max_line_length = false }
-- A part of another addon, to be offered there.
files["contrib"] = { read_globals = { "GetNormalizedRealmName", "Parsebook" } }
-- The tests set the game's globals themselves.
files["tests"] = {
  globals = {
    "C_LFGList", "Enum", "CommunitiesMemberListEntryMixin", "GameTooltip", "GetRealmName", "LFGListApplicantMember_OnEnter", "Parsebook",
    "ParsebookPanel", "ParsebookSettings", "ParsebookTooltip", "PLAYER_DIFFICULTY2", "REPOSITORY", "SlashCmdList",
    "StaticPopupDialogs", "TEST_FOLDER", "UnitGroupRolesAssigned", "UnitGUID", "UnitIsPlayer", "UnitNameUnmodified",
    "UnitRealmRelationship", "time",
  },
  read_globals = {
    "LFGListApplicationViewer_UpdateApplicantMember", "LFGListFrame",
    "LFGListSearchEntry_OnEnter", "LFGListSearchEntry_Update", "LFGListUtil_SetSearchEntryTooltip", "LFGListUtil_SortApplicants",
    "LFGListUtil_SortSearchResults", "Parsebook_OnAddonCompartmentClick", "Parsebook_OnAddonCompartmentEnter",
    "QuickJoinButtonMixin", "UIParent",
  },
}
-- The stand-in takes and gives any global.
files["tests/lua/game.lua"] = { ignore = { "122/_G" } }
files["examples"] = { read_globals = { "Parsebook" } }
