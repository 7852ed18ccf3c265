-- A stand-in for the game client of 12.x: the functions that Parsebook uses, with secret values that may not be touched
-- (strict.lua), and driven by the tests. `folder` is where this file lies.

local folder = ...
local strict = dofile(folder .. "strict.lua")
local widgets = dofile(folder .. "widgets.lua")

local game = { secret = strict.secret, rewrite = strict.rewrite, options = {} }

-- A function of the client: secret arguments are refused, and tests may replace it by name.
local function guarded(f)
  return function(...)
    for i = 1, select("#", ...) do
      if strict.isSecret((select(i, ...))) then error("a secret value was given to the client", 2) end
    end
    return f(...)
  end
end

local function unitOf(unit) return game.units[unit] end

-- What the client knows of units, by the name of the function.
local UNIT_FUNCTIONS = {
  UnitIsPlayer = function(unit) return unitOf(unit) and unitOf(unit).player end,
  UnitExists = function(unit) return unitOf(unit) ~= nil end,
  UnitName = function(unit)
    local u = unitOf(unit)
    if u then return u.toyName or u.name, u.realm end
  end,
  UnitNameUnmodified = function(unit)
    local u = unitOf(unit)
    if u then return u.name, u.realm end
  end,
  UnitGUID = function(unit) return unitOf(unit) and unitOf(unit).guid end,
  UnitRealmRelationship = function(unit) return unitOf(unit) and unitOf(unit).relation end,
  UnitGroupRolesAssigned = function(unit) return unitOf(unit) and unitOf(unit).role or "NONE" end,
  UnitTokenFromGUID = function(guid) return game.guids[guid] end,
  GetPlayerInfoByGUID = function(guid)
    local known = game.strangers[guid]
    if known then return "Mage", "MAGE", "Elf", "BloodElf", 2, known[1], known[2] end
  end,
}

local function journalFunctions()
  -- { { instance id, raid, map, { { boss, encounter id }, … } }, … } by tier
  local tiers = game.options.journal or {}
  return {
    EJ_GetNumTiers = function() return #tiers end,
    EJ_GetCurrentTier = function() return game.tier end,
    EJ_SelectTier = function(tier) game.tier = tier end,
    EJ_GetInstanceByIndex = function(index)
      local raid = (tiers[game.tier] or {})[index]
      if raid then return raid[1], raid[2], nil, nil, nil, nil, nil, nil, nil, nil, raid[3] end
    end,
    EJ_GetEncounterInfoByIndex = function(index, instance)
      for _, tier in ipairs(tiers) do
        for _, raid in ipairs(tier) do
          local boss = raid[1] == instance and raid[4][index]
          if boss then return boss[1], "", 1000 + index, 1, "", instance, boss[2] end
        end
      end
    end,
  }
end

-- The group finder's own code, as far as it calls what the addon hooks.
local function groupFinderFunctions()
  return {
    LFGListUtil_SetSearchEntryTooltip = function(tooltip) tooltip:AddLine("a group") end,
    LFGListSearchEntry_Update = function() end,
    LFGListApplicationViewer_UpdateApplicantMember = function(row, _, index) row.memberIdx = index end,
    LFGListApplicantMember_OnEnter = function(row)
      if not game.listing then return end
      GameTooltip:SetOwner(row)
      GameTooltip:AddLine("an applicant")
      GameTooltip:Show()
    end,
    LFGListUtil_SortSearchResults = function(panel) table.sort(panel.results) end,
    LFGListUtil_SortApplicants = function(applicants) table.sort(applicants) end,
  }
end

local function listMixins()
  local function entering(text)
    return {
      OnEnter = function(row)
        if row.silent then return end
        GameTooltip:SetOwner(row)
        GameTooltip:AddLine(text)
        GameTooltip:Show()
      end,
    }
  end
  local communities = entering("a member")
  function communities:GetMemberInfo() return self.memberInfo end
  return {
    CommunitiesMemberListEntryMixin = communities,
    RecentAlliesEntryMixin = entering("an ally"),
    QuickJoinButtonMixin = entering("a queue"),
    WhoListButtonMixin = { OnEnter = function() end },
    FriendsListButtonMixin = { OnEnter = function() end },
  }
end

-- Settings: a page of controls with their sentences.
local function settingsFunctions()
  local function control(category, setting, help)
    category.controls[#category.controls + 1] = { key = assert(setting.key), help = assert(help) }
  end
  return {
    RegisterVerticalLayoutCategory = function(name)
      return { name = name, controls = {}, GetID = function(self) return self.name end }
    end,
    OpenToCategory = function(id)
      assert(not game.combat, "the options were opened in combat")
      game.opened = id
    end,
    RegisterAddOnSetting = function(category, _, key, tbl, kind, label, default)
      assert(category and type(default) == kind and tbl[key] ~= nil and label)
      return { key = key, SetValueChangedCallback = function(_, f) game.changed[key] = f end }
    end,
    CreateCheckbox = control,
    CreateSliderOptions = function() return { SetLabelFormatter = function() end } end,
    CreateSlider = function(category, setting, _, help) control(category, setting, help) end,
    CreateDropdown = function(category, setting, choices, help)
      assert(#choices() > 0)
      control(category, setting, help)
    end,
    CreateControlTextContainer = function()
      local list = {}
      return { Add = function(_, ...) list[#list + 1] = { ... } end, GetData = function() return list end }
    end,
    RegisterAddOnCategory = function(category) game.category = category end,
  }
end

local function loadAddOn(name)
  game.loads = game.loads + 1
  return game.load(name)
end

-- Every global of the client that is a function of C, by name: what tests take away one by one.
local function clientFunctions(options)
  local functions = {
    GetLocale = function() return options.locale or "enUS" end,
    GetCurrentRegion = function() return options.region end,
    GetRealmID = function() return options.server end,
    GetNormalizedRealmName = function() return options.realm and (options.realm:gsub("[ %-]", "")) end,
    GetRealmName = function() return options.realm end,
    InCombatLockdown = function() return game.combat end,
    IsShiftKeyDown = function() return game.shift end,
    IsControlKeyDown = function() return game.control end,
    IsAltKeyDown = function() return false end,
    GetSpecializationInfoByID = function(id)
      local spec = (options.specs or {})[id]
      if spec then return id, spec[1], "", 135846, spec[2] end
    end,
    time = function() return options.now end,
  }
  for name, f in pairs(UNIT_FUNCTIONS) do functions[name] = f end
  for name, f in pairs(journalFunctions()) do functions[name] = f end
  return functions
end

-- The same inside the client's tables.
local function clientTables()
  return {
    C_LFGList = {
      GetSearchResultInfo = function(id) return game.results[id] end,
      GetActivityInfoTable = function(id) return game.activities[id] end,
      GetActiveEntryInfo = function() return game.listing end,
      GetApplicantInfo = function(id) return game.applicants[id] and { numMembers = #game.applicants[id] } end,
      GetApplicantMemberInfo = function(id, index)
        local member = (game.applicants[id] or {})[index]
        if member then return member.name, "MAGE", "Mage", 80, 700, 0, nil, member.heals, member.hits, member.role end
      end,
    },
    C_AddOns = {
      LoadAddOn = loadAddOn,
      -- `addons`: fields of the .toc files by addon; `metadata`: of every addon.
      GetAddOnMetadata = function(addon, key)
        return ((game.options.addons or {})[addon] or game.options.metadata or {})[key]
      end,
    },
    C_FriendList = {
      GetFriendInfoByIndex = function(id) return game.friends[id] end,
      GetWhoInfo = function(id) return game.who[id] end,
    },
    C_BattleNet = { GetFriendAccountInfo = function(id) return game.accounts[id] end },
  }
end

-- The client's functions by name ("UnitName", "C_LFGList.GetActiveEntryInfo"), for the tests that break each.
function game.functionNames()
  local names = {}
  for name in pairs(clientFunctions({})) do names[#names + 1] = name end
  for table, functions in pairs(clientTables()) do
    for name in pairs(functions) do names[#names + 1] = table .. "." .. name end
  end
  table.sort(names)
  return names
end

local function modernOnly(env)
  env.issecretvalue = strict.isSecret
  env.Enum = { TooltipDataType = { Unit = 2 } }
  env.TooltipDataProcessor = {
    AddTooltipPostCall = function(kind, f)
      assert(kind == 2)
      game.unitCalls[#game.unitCalls + 1] = f
    end,
  }
  env.Menu = { ModifyMenu = function(tag, f) game.menus[tag] = f end }
  env.Settings = settingsFunctions()
end

local function hooksecurefunc(table, name, f)
  if type(table) == "string" then table, name, f = _G, table, name end
  local original = assert(table[name], name)
  table[name] = function(...)
    original(...)
    f(...)
  end
end

-- Puts the globals in place. `options`: region (number), realm, now, locale, old (a client without tooltip data and
-- 12.x functions), broken = { name of a function, "absent" | "nil" | "secret" }.
function game.install(options)
  game.options, game.tier = options, 1
  for _, key in ipairs({
    "units", "guids", "strangers", "printed", "frames", "popups", "menus", "unitCalls", "changed", "named", "results",
    "activities", "applicants", "friends", "who", "accounts",
  }) do
    game[key] = {}
  end
  game.combat, game.shift, game.control, game.loads, game.listing, game.opened = false, false, false, 0, nil, nil
  game.realType, game.realPrint = type, game.realPrint or print
  widgets.install(game, strict.isSecret)

  local env = {
    STRICT = strict, type = strict.type, date = os.date, SlashCmdList = {}, StaticPopupDialogs = {},
    UISpecialFrames = {}, PLAYER_DIFFICULTY1 = "Normal", PLAYER_DIFFICULTY2 = "Heroic", PLAYER_DIFFICULTY3 = "LFR",
    PLAYER_DIFFICULTY6 = "Mythic", INLINE_HEALER_ICON = "|A:healer|a", OKAY = "Okay",
    WHO_LIST_FORMAT = "|Hplayer:%s|h[%s]|h: Level %d %s %s - %s",
    WHO_LIST_GUILD_FORMAT = "|Hplayer:%s|h[%s]|h: Level %d %s %s <%s> - %s",
    print = function(text) game.printed[#game.printed + 1] = text end,
    hooksecurefunc = hooksecurefunc,
    StaticPopup_Show = guarded(function(which, ...)
      assert(not game.combat, "a popup was opened in combat")
      game.popups[#game.popups + 1] = { which, ... }
    end),
  }
  function env.CreateFrame(kind, name, parent)
    local frame = widgets.newFrame(kind, name, parent)
    game.frames[#game.frames + 1] = frame
    return frame
  end
  -- For what is the game's own, whatever is broken for addons.
  game.newFrame = env.CreateFrame
  env.UIParent, env.GameTooltip = widgets.newFrame("Frame"), widgets.newFrame("GameTooltip")
  env.LFGListFrame = { ApplicationViewer = { UnempoweredCover = widgets.newFrame("Frame") } }
  for name, f in pairs(clientFunctions(options)) do env[name] = guarded(f) end
  for name, functions in pairs(clientTables()) do
    env[name] = {}
    for key, f in pairs(functions) do env[name][key] = guarded(f) end
  end
  for name, f in pairs(groupFinderFunctions()) do env[name] = f end
  for name, mixin in pairs(listMixins()) do env[name] = mixin end
  if options.old then
    env.LoadAddOn, env.C_AddOns = loadAddOn, nil
    env.GameTooltip.GetUnit = function() return "Name", game.hovered end
  else
    modernOnly(env)
  end
  if options.broken then game.breakFunction(env, options.broken[1], options.broken[2]) end
  for key, value in pairs(env) do _G[key] = value end
  game.installed = env
end

-- Makes a function of the client absent, or answer nil or secrets alone.
function game.breakFunction(env, name, how)
  local table, key = env, name
  if name:find(".", 1, true) then
    table, key = env[name:match("^[^.]+")], name:match("[^.]+$")
    if not table then return end
  end
  if how == "absent" then
    table[key] = nil
    if table == env then _G[key] = nil end
  elseif how == "nil" then
    table[key] = function() end
  else
    table[key] = guarded(function() return strict.secret(), strict.secret(), strict.secret(), strict.secret() end)
  end
end

local LUA_GLOBALS = { print = true, type = true, date = true, time = true }

-- Takes the globals away again, and what the addon made.
function game.remove()
  for key in pairs(game.installed) do
    if not LUA_GLOBALS[key] then _G[key] = nil end
  end
  for key in pairs(game.named) do _G[key] = nil end
  for key in pairs(_G) do
    if key:find("^Parsebook") or key:find("^SLASH_PARSEBOOK") then _G[key] = nil end
  end
  _G.print, _G.type, _G.date, _G.time = game.realPrint, game.realType, nil, nil
end

function game.fire(event, ...)
  for _, frame in ipairs(game.frames) do
    if frame.events[event] then frame:Run("OnEvent", event, ...) end
  end
end

-- What the client does to show a unit: its own line, then the addons' calls, then Show.
function game.show(data)
  GameTooltip.shown = true
  GameTooltip:AddLine("somebody")
  if game.options.old then
    GameTooltip:Run("OnTooltipSetUnit")
  else
    for _, f in ipairs(game.unitCalls) do f(GameTooltip, data) end
  end
end

function game.showUnit(unit)
  game.hovered = unit
  game.show({ guid = game.units[unit] and game.units[unit].guid, lines = { { unitToken = unit } } })
end

-- What the addon adds to a tooltip when the mouse comes over something with this data.
function game.hover(data)
  GameTooltip:SetOwner(UIParent)
  game.show(data)
  return (GameTooltip:Text():gsub("^somebody\n?", ""))
end

-- The same for a unit whose token is known.
function game.hoverUnit(unit)
  game.hovered = unit
  local known = game.units[unit]
  return game.hover({ guid = known and known.guid, lines = { { unitToken = unit } } })
end

return game
