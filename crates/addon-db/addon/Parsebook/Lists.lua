-- Names in the game's lists: guild and communities, friends and Battle.net, recent allies, quick join, /who.

local _, ns = ...
if not CreateFrame then return end

local Ask, Field, Text = ns.Ask, ns.Field, ns.Text

-- Buttons of the friends' list by kind, and the game in Battle.net's words.
local BNET_BUTTON, WOW_BUTTON, WORLD_OF_WARCRAFT = 2, 3, "WoW"

-- Name and realm of a Battle.net friend's character, if it is in this game and region; else nil.
function ns.NameOfAccount(account)
  local game = Field(account, "gameAccountInfo")
  if not game or Text(Field(game, "clientProgram")) ~= WORLD_OF_WARCRAFT then return nil end
  if Field(game, "isInCurrentRegion") == false then return nil end
  local name = Text(Field(game, "characterName"))
  local realm = Text(Field(game, "realmName")) or Text(Field(game, "realmDisplayName"))
  if not name or not realm then return nil end
  return name, realm
end

local function nameOfFriend(button)
  local kind, id = ns.Number(Field(button, "buttonType")), ns.Number(Field(button, "id"))
  if not kind or not id then return nil end
  if kind == (ns.Number(FRIENDS_BUTTON_TYPE_BNET) or BNET_BUTTON) then
    return ns.NameOfAccount(ns.Visible(Ask(C_BattleNet and C_BattleNet.GetFriendAccountInfo, id)))
  elseif kind == (ns.Number(FRIENDS_BUTTON_TYPE_WOW) or WOW_BUTTON) then
    local friend = ns.Visible(Ask(C_FriendList and C_FriendList.GetFriendInfoByIndex, id))
    return ns.NameInList(Field(friend, "name"))
  end
end

-- Communities of Battle.net have names of accounts, and no character class.
local function nameOfMember(row)
  local member = ns.Visible(ns.AskFrame(row, "GetMemberInfo")) or Field(row, "memberInfo")
  if not Field(member, "classID") then return nil end
  return ns.NameInList(Field(member, "name"))
end

local function nameOfAlly(row)
  return ns.NameInList(Field(Field(Field(row, "elementData"), "characterData"), "fullName"))
end

local function nameOfWho(row)
  local index = ns.Number(Field(row, "index"))
  local who = index and ns.Visible(Ask(C_FriendList and C_FriendList.GetWhoInfo, index))
  return ns.NameInList(Field(who, "fullName"))
end

-- The row of quick join that the mouse was on last: the game does not tell whom that list's menu is about.
local quickJoinRow

local function nameOfQuickJoin(row)
  quickJoinRow = row
  local member = Field(Field(row, "Members"), 1)
  local link = Text(Field(member, "playerLink"))
  return ns.NameInList(link and link:match("|Hplayer:([^|:]+)"))
end

-- Whom the menu of quick join is about; nil where it may be one of several.
function ns.NameInQuickJoin()
  local members = Field(quickJoinRow, "Members")
  if not members or Field(members, 2) then return nil end
  return nameOfQuickJoin(quickJoinRow)
end

-- Who a row of the game's lists stands for, by the table of functions that its rows are made with.
local LISTS = {
  CommunitiesMemberListEntryMixin = nameOfMember,
  FriendsListButtonMixin = nameOfFriend,
  RecentAlliesEntryMixin = nameOfAlly,
  WhoListButtonMixin = nameOfWho,
  QuickJoinButtonMixin = nameOfQuickJoin,
}

-- Some lists belong to parts of the game that are loaded later: each is hooked once it is there, before its first row.
local function hookLists()
  for global, nameOf in pairs(LISTS) do
    local mixin = ns.Visible(_G[global])
    if hooksecurefunc and type(Field(mixin, "OnEnter")) == "function" then
      LISTS[global] = nil
      local function enter(row)
        local name, realm = nameOf(row)
        ns.ShowBeside(row, name, realm, ns.EnterAgain)
      end
      hooksecurefunc(mixin, "OnEnter", enter)
    end
  end
end

ns.On({ "ADDON_LOADED" }, function(self)
  hookLists()
  if next(LISTS) == nil then self:UnregisterEvent("ADDON_LOADED") end
end)

------------------------------------------------------------------------------------------------------------------------
-- /who in chat
------------------------------------------------------------------------------------------------------------------------

-- The game's format of such a line as a pattern whose first capture is the name in the link.
local function patternOf(format)
  format = Text(format)
  if not format then return nil end
  format = format:gsub("|Hplayer:%%1?%$?s|h", "\1"):gsub("%%%d?%$?d", "\2"):gsub("%%%d?%$?s", "\3")
  format = format:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
  return "^" .. format:gsub("\1", "|Hplayer:([^|:]+)[^|]*|h"):gsub("\2", "%%d+"):gsub("\3", ".-")
end

local patterns

local function nameInWhoLine(text)
  patterns = patterns or { patternOf(WHO_LIST_FORMAT), patternOf(WHO_LIST_GUILD_FORMAT) }
  for _, pattern in pairs(patterns) do
    local name = text:match(pattern)
    if name then return name end
  end
end

ns.On({ "CHAT_MSG_SYSTEM" }, function(_, _, text)
  text = ns.Options.whoChat and Text(text)
  if not text or ns.Options.hideInCombat and ns.InCombat() then return end
  local name, realm = ns.NameInList(nameInWhoLine(text))
  local found = name and ns.Find(name, realm)
  local headline = found and ns.Headline(found)
  if headline then ns.Say(("%s: %s"):format(name, headline)) end
end)
