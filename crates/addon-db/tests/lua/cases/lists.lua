-- Names in the game's lists, and /who in chat.

local t = ...
local game, start = t.game, t.start
local same, contains = t.same, t.contains
local tests = {}

-- A row of a list, entered by the mouse.
local function enter(mixin, fields)
  local row = game.installed.CreateFrame("Button")
  for key, value in pairs(fields) do row[key] = value end
  for key, f in pairs(_G[mixin]) do row[key] = f end
  row:SetScript("OnEnter", row.OnEnter)
  row:Run("OnEnter")
  return row
end

local function own()
  return ParsebookTooltip and ParsebookTooltip:IsShown() and ParsebookTooltip:Text() or ""
end

function tests.guild_and_communities()
  start()
  enter("CommunitiesMemberListEntryMixin", { memberInfo = { name = "Chôgun", classID = 7 } })
  contains(GameTooltip:Text(), "Heroic 2/3")
  enter("CommunitiesMemberListEntryMixin", { memberInfo = { name = "Elune-AzjolNerub", classID = 7 } })
  contains(GameTooltip:Text(), "a member\n")
  contains(GameTooltip:Text(), "Vault of Tests")
  -- A row whose text is not cut has no tooltip of the game.
  GameTooltip:SetOwner(UIParent)
  local row = enter("CommunitiesMemberListEntryMixin", { silent = true, memberInfo = { name = "Chôgun", classID = 7 } })
  same(GameTooltip:Text(), "")
  contains(own(), "Chôgun - Temple noir")
  row:Run("OnLeave")
  same(own(), "")
  enter("CommunitiesMemberListEntryMixin", { silent = true, memberInfo = { name = "Chôgun" } })
  same(own(), "", "a Battle.net community has names of accounts")
end

function tests.friends()
  start()
  game.friends = { { name = "Chôgun" }, { name = "Elune-AzjolNerub" } }
  for id in ipairs(game.friends) do
    local row = enter("FriendsListButtonMixin", { buttonType = 3, id = id })
    contains(own(), "Vault of Tests")
    row:Run("OnLeave")
    same(own(), "")
  end
end

function tests.battle_net_friends()
  start()
  local function hover(account)
    game.accounts = { { gameAccountInfo = account } }
    local row = enter("FriendsListButtonMixin", { buttonType = 2, id = 1 })
    local text = own()
    row:Run("OnLeave")
    return text
  end
  local here = { clientProgram = "WoW", characterName = "Elune", realmName = "AzjolNerub", isInCurrentRegion = true }
  contains(hover(here), "Elune - Azjol-Nerub")
  here.isInCurrentRegion = false
  same(hover(here), "", "another region's namesake")
  same(hover({ clientProgram = "App", characterName = "Elune", realmName = "AzjolNerub" }), "")
  same(hover({ clientProgram = "WoW", characterName = "Elune" }), "", "the realm is not told")
  same(hover({ clientProgram = "WoW", characterName = game.secret(), realmName = game.secret() }), "")
end

function tests.recent_allies_who_window_and_quick_join()
  start()
  enter("RecentAlliesEntryMixin", { elementData = { characterData = { fullName = "Luso-Aggra(Português)" } } })
  contains(GameTooltip:Text(), "an ally\n")
  contains(GameTooltip:Text(), "Vault of Tests")
  game.who = { [4] = { fullName = "Elune-AzjolNerub" } }
  enter("WhoListButtonMixin", { index = 4 })
  contains(own(), "Elune - Azjol-Nerub")
  enter("QuickJoinButtonMixin", { Members = { { playerLink = "|Hplayer:Chôgun:1|h[Chôgun]|h" } } })
  contains(GameTooltip:Text(), "Heroic 2/3")
  SlashCmdList.PARSEBOOK("set lists off")
  enter("WhoListButtonMixin", { index = 4 })
  same(own(), "")
end

function tests.lists_that_are_loaded_later()
  start()
  local mixin = CommunitiesMemberListEntryMixin
  -- The part of the game with the list is not there at login.
  game.install({ region = 3, realm = "Temple noir", now = t.NOW, server = t.OWN_SERVER })
  CommunitiesMemberListEntryMixin = nil
  t.run("Parsebook")
  game.fire("ADDON_LOADED", "Parsebook")
  game.fire("PLAYER_LOGIN")
  CommunitiesMemberListEntryMixin = mixin
  game.fire("ADDON_LOADED", "Blizzard_Communities")
  enter("CommunitiesMemberListEntryMixin", { memberInfo = { name = "Chôgun", classID = 7 } })
  contains(GameTooltip:Text(), "Heroic 2/3")
end

function tests.our_tooltip_follows_the_key()
  start()
  game.friends = { { name = "Chôgun" } }
  enter("FriendsListButtonMixin", { buttonType = 3, id = 1 })
  game.shift = true
  game.fire("MODIFIER_STATE_CHANGED", "LSHIFT", 1)
  contains(own(), "First Boss")
end

function tests.who_in_chat()
  start()
  local function say(text)
    game.printed = {}
    game.fire("CHAT_MSG_SYSTEM", text)
    return t.plain(table.concat(game.printed, "\n"))
  end
  contains(say("|Hplayer:Chôgun|h[Chôgun]|h: Level 80 Troll Shaman - Dornogal"), "Chôgun: WCL 80 · 2/3 H")
  contains(say("|Hplayer:Elune-AzjolNerub|h[Elune-AzjolNerub]|h: Level 80 Elf Mage <Guild (of) + %s> - Dornogal"),
    "Elune: WCL")
  same(say("|Hplayer:Nobody|h[Nobody]|h: Level 80 Troll Shaman - Dornogal"), "")
  same(say("|Hplayer:Chôgun|h[Chôgun]|h has come online."), "")
  same(say(game.secret()), "")
  game.combat = true
  same(say("|Hplayer:Chôgun|h[Chôgun]|h: Level 80 Troll Shaman - Dornogal"), "")
  game.combat = false
  SlashCmdList.PARSEBOOK("set whoChat off")
  same(say("|Hplayer:Chôgun|h[Chôgun]|h: Level 80 Troll Shaman - Dornogal"), "")
end

return tests
