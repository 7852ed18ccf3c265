-- A small stand-in for the game client: just the functions that Parsebook uses, driven by the tests.

local game = { units = {}, guids = {}, added = {}, printed = {}, hooks = {}, frames = {}, popups = {}, menus = {} }

-- A secret value: every use of it but passing it on is an error, as in client 12.x.
local function forbidden() error("a secret value was used", 2) end
local secretMeta = {}
for _, event in ipairs({ "index", "newindex", "call", "concat", "len", "eq", "lt", "le", "add", "sub", "tostring" }) do
  secretMeta["__" .. event] = forbidden
end
local secrets = setmetatable({}, { __mode = "k" })
function game.secret()
  local value = newproxy(true)
  for key, f in pairs(secretMeta) do getmetatable(value)[key] = f end
  secrets[value] = true
  return value
end

local function newTooltip()
  local tooltip = { lines = {}, shown = true }
  function tooltip:AddLine(text) self.lines[#self.lines + 1] = assert(text) end
  function tooltip:AddDoubleLine(left, right) self.lines[#self.lines + 1] = assert(left) .. " | " .. assert(right) end
  function tooltip.Show() end
  function tooltip:IsShown() return self.shown end
  function tooltip.RefreshData() game.refreshed = (game.refreshed or 0) + 1 end
  function tooltip.HookScript(_, script, f) game.hooks[script] = f end
  -- The modern client: whoever calls this breaks.
  function tooltip.GetUnit() return forbidden() end
  return tooltip
end

-- Puts the globals in place. `options`: region (number), old (a client without tooltip data and 12.x functions).
function game.install(options)
  game.options = options
  local env = {}
  function env.CreateFrame()
    local frame = { events = {} }
    function frame:RegisterEvent(event) self.events[event] = true end
    function frame:UnregisterEvent(event) self.events[event] = nil end
    function frame:SetScript(_, f) self.handler = f end
    game.frames[#game.frames + 1] = frame
    return frame
  end
  env.GameTooltip = newTooltip()
  env.GetCurrentRegion = function() return options.region end
  env.GetNormalizedRealmName = function() return options.realm and options.realm:gsub("[ %-]", "") or nil end
  env.GetRealmName = function() return options.realm end
  env.InCombatLockdown = function() return game.combat end
  env.IsShiftKeyDown = function() return game.shift end
  env.IsControlKeyDown = function() return game.control end
  env.IsAltKeyDown = function() return false end
  env.UnitIsPlayer = function(unit) return game.units[unit] and game.units[unit].player end
  env.UnitName = function(unit)
    local u = game.units[unit]
    if u then return u.name, u.realm end
  end
  env.UnitGUID = function(unit) return game.units[unit] and game.units[unit].guid end
  env.time = function() return options.now end
  env.date = os.date
  env.SlashCmdList, env.StaticPopupDialogs = {}, {}
  env.StaticPopup_Show = function(which, ...) game.popups[#game.popups + 1] = { which, ... } end
  env.hooksecurefunc = function(name, f) game.hooks[name] = f end
  env.LFGListUtil_SetSearchEntryTooltip = function() end
  env.LFGListApplicantMember_OnEnter = function() end
  env.C_LFGList = {
    GetSearchResultInfo = function(id) return game.results and game.results[id] end,
    GetApplicantMemberInfo = function(id, member) return game.applicants[id][member] end,
  }
  local function loadAddOn(name)
    game.loads = (game.loads or 0) + 1
    return game.load(name)
  end
  if options.old then
    env.LoadAddOn = loadAddOn
    env.GameTooltip.GetUnit = function() return "Name", game.hovered end
  else
    env.C_AddOns = { LoadAddOn = loadAddOn }
    env.issecretvalue = function(value) return secrets[value] == true end
    env.UnitTokenFromGUID = function(guid) return game.guids[guid] end
    env.Enum = { TooltipDataType = { Unit = 2 } }
    env.TooltipDataProcessor = { AddTooltipPostCall = function(_, f) game.hooks.unit = f end }
    env.Menu = { ModifyMenu = function(tag, f) game.menus[tag] = f end }
    env.Settings = {
      RegisterVerticalLayoutCategory = function(name)
        return { name = name, settings = {}, GetID = function(self) return self.name end }
      end,
      OpenToCategory = function(id) game.opened = id end,
      RegisterAddOnSetting = function(category, variable, key, tbl, kind, _, default)
        assert(type(default) == kind and tbl[key] ~= nil)
        category.settings[#category.settings + 1] = variable
        return { key = key }
      end,
      CreateCheckbox = function(category, setting, label) assert(category and setting.key and label) end,
      RegisterAddOnCategory = function(category) game.category = category end,
    }
  end
  env.print = function(text) game.printed[#game.printed + 1] = text end
  for key, value in pairs(env) do _G[key] = value end
  game.installed = env
end

-- Takes the globals away again, and what the addon made.
function game.remove()
  for key in pairs(game.installed) do
    if key ~= "print" and key ~= "date" and key ~= "time" then _G[key] = nil end
  end
  _G.print, _G.Parsebook, _G.ParsebookSettings, _G.SLASH_PARSEBOOK1 = game.realPrint, nil, nil, nil
end

function game.fire(event, ...)
  for _, frame in ipairs(game.frames) do
    if frame.events[event] then frame.handler(frame, event, ...) end
  end
end

-- What a tooltip shows after the mouse comes over a unit; `data` stands for the client's tooltip data.
function game.hover(data)
  GameTooltip.lines = {}
  if game.options.old then game.hooks.OnTooltipSetUnit(GameTooltip) else game.hooks.unit(GameTooltip, data) end
  return table.concat(GameTooltip.lines, "\n")
end

-- The same for a unit whose token is known.
function game.hoverUnit(unit)
  game.hovered = unit
  return game.hover({ guid = "Player-1-1", lines = { { unitToken = unit } } })
end

game.realPrint = print
return game
