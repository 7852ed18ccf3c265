-- Entries in the game's right-click menus: the page on Warcraft Logs, and the ranks in our panel. Menus that an addon
-- has changed may block some of the game's own entries in combat (a fault of the client), so with the option off,
-- nothing is registered at all.

local _, ns = ...
if not CreateFrame then return end

local L = ns.L
local Field, Text = ns.Field, ns.Text

-- Menus of players, without "MENU_UNIT_".
local UNIT_MENUS = {
  "SELF", "PLAYER", "PARTY", "RAID_PLAYER", "RAID", "TARGET", "FOCUS", "ENEMY_PLAYER", "ARENAENEMY",
  "WORLD_STATE_SCORE", "FRIEND", "FRIEND_OFFLINE", "BN_FRIEND", "GUILD", "GUILD_OFFLINE", "COMMUNITIES_GUILD_MEMBER",
  "COMMUNITIES_WOW_MEMBER", "CHAT_ROSTER", "RECENT_ALLY", "RECENT_ALLY_OFFLINE",
}

-- Whom a menu of the game is about.
local function nameInContext(_, context)
  local account = Field(context, "accountInfo")
  if account then return ns.NameOfAccount(account) end
  local unit = Text(Field(context, "unit"))
  if unit then return ns.NameOfUnit(unit) end
  local name, realm = ns.SplitName(Field(context, "name"))
  if not name or ns.IsSecret(context.server) then return nil end
  realm = Text(Field(context, "server")) or realm
  if not realm then
    local guid = Field(context, "guid")
    if guid then realm = ns.RealmOfGuid(guid) else realm = ns.OwnRealm() end
  end
  if not realm then return nil end
  return name, realm
end

local function nameOfEntry(row)
  return ns.NameInList((ns.SearchResult(Field(row, "resultID"))))
end

local function nameOfApplicant(row)
  local applicant = Field(ns.Visible(ns.AskFrame(row, "GetParent")), "applicantID")
  return ns.NameInList((ns.Applicant(applicant, Field(row, "memberIdx"))))
end

local function register(tag, nameOf)
  Menu.ModifyMenu(tag, function(owner, root, context)
    if not ns.Options.menu or ns.IsSecret(root) or not root then return end
    local name, realm = nameOf(owner, context)
    if not name then return end
    root:CreateDivider()
    root:CreateTitle("Parsebook")
    root:CreateButton(L.MENU_RANKS, function() ns.ShowPanel(name, realm) end)
    root:CreateButton(L.MENU_PAGE, function() ns.ShowUrl(name, realm) end)
  end)
end

local registered = false

ns.OnOptions(function()
  if registered or not ns.Options.menu or not ns.Field(Menu, "ModifyMenu") then return end
  registered = true
  for _, menu in ipairs(UNIT_MENUS) do register("MENU_UNIT_" .. menu, nameInContext) end
  register("MENU_LFG_FRAME_SEARCH_ENTRY", nameOfEntry)
  register("MENU_LFG_FRAME_MEMBER_APPLY", nameOfApplicant)
  register("MENU_QUICK_JOIN", function() return ns.NameInQuickJoin() end)
end)
