-- luacheck settings: Lua 5.1 and exactly the functions of the game that the addon uses.
std = "lua51"
max_line_length = 120
exclude_files = { "tests/lua/fixture" }

files["addon"] = {
  globals = { "Parsebook", "ParsebookSettings", "SlashCmdList", "SLASH_PARSEBOOK1", "StaticPopupDialogs" },
  read_globals = {
    "C_AddOns", "C_LFGList", "CreateFrame", "Enum", "GameTooltip", "GetCurrentRegion", "GetNormalizedRealmName",
    "GetRealmName", "hooksecurefunc", "InCombatLockdown", "IsAltKeyDown", "IsControlKeyDown", "IsShiftKeyDown",
    "issecretvalue", "LFGListApplicantMember_OnEnter", "LFGListUtil_SetSearchEntryTooltip", "LoadAddOn", "Menu",
    "Settings", "StaticPopup_Show", "TooltipDataProcessor", "UnitGUID", "UnitIsPlayer", "UnitName",
    "UnitTokenFromGUID", "date", "time",
  },
}
files["addon/Parsebook/Tables.lua"] = { max_line_length = false }
-- The tests set the game's globals themselves.
files["tests"] = {
  globals = {
    "GameTooltip", "GAME_STUB", "Parsebook", "ParsebookSettings", "REPOSITORY", "SlashCmdList", "StaticPopupDialogs",
  },
}
files["examples"] = { read_globals = { "Parsebook" } }
