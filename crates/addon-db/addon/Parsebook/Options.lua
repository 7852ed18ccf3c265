-- What the player can choose. Kept in ParsebookSettings; changed in the game's settings or by `/parsebook set`.

local addonName, ns = ...
if not CreateFrame then return end

-- In the order of the settings page: key, default, label.
local OPTIONS = {
  { "tooltip", true, "Ranks in the tooltips of players" },
  { "groupFinder", true, "Ranks in the group finder: leaders and applicants" },
  { "menu", true, "Warcraft Logs link in the right-click menu" },
  { "hideInCombat", true, "Nothing in tooltips during combat" },
  { "bestOnly", false, "Only the hardest difficulty of each raid" },
  { "newestOnly", false, "Only the newest raid" },
}
-- The key that shows every boss: SHIFT, CTRL or ALT.
local DEFAULT_MODIFIER = "SHIFT"
-- Data older than this is called old.
ns.OLD_DAYS = 7

local options = { modifier = DEFAULT_MODIFIER }
for _, option in ipairs(OPTIONS) do options[option[1]] = option[2] end
ns.Options = options

local MODIFIERS = { SHIFT = IsShiftKeyDown, CTRL = IsControlKeyDown, ALT = IsAltKeyDown }

-- Whether the key for every boss is held.
function ns.ModifierDown()
  local isDown = MODIFIERS[options.modifier] or MODIFIERS[DEFAULT_MODIFIER]
  return isDown and isDown() and true or false
end

-- Sets an option from text ("on", "off", or a key); returns whether there is such an option and value.
function ns.SetOption(key, value)
  key, value = (key or ""):lower(), (value or ""):lower()
  if key == "modifier" then
    if not MODIFIERS[value:upper()] then return false end
    options.modifier = value:upper()
    return true
  end
  for _, option in ipairs(OPTIONS) do
    if option[1]:lower() == key and (value == "on" or value == "off") then
      options[option[1]] = value == "on"
      return true
    end
  end
  return false
end

-- One line for each option with its value.
function ns.DescribeOptions()
  local lines = {}
  for _, option in ipairs(OPTIONS) do
    local key, label = option[1], option[3]
    lines[#lines + 1] = ("%s = %s  (%s)"):format(key, options[key] and "on" or "off", label)
  end
  lines[#lines + 1] = ("modifier = %s  (shows all bosses: shift, ctrl, alt)"):format(options.modifier:lower())
  return lines
end

-- The page's category, once there is one.
local category

-- Opens the page; returns whether there is one.
function ns.OpenOptions()
  if not category then return false end
  Settings.OpenToCategory(category:GetID())
  return true
end

-- The page in the game's settings, where the client has the modern settings interface.
local function addPage()
  if not (Settings and Settings.RegisterVerticalLayoutCategory and Settings.RegisterAddOnSetting) then return end
  category = Settings.RegisterVerticalLayoutCategory("Parsebook")
  for _, option in ipairs(OPTIONS) do
    local key, default, label = option[1], option[2], option[3]
    local id = "Parsebook_" .. key
    local setting = Settings.RegisterAddOnSetting(category, id, key, options, "boolean", label, default)
    Settings.CreateCheckbox(category, setting, label)
  end
  Settings.RegisterAddOnCategory(category)
end

local frame = CreateFrame("Frame")
frame:RegisterEvent("ADDON_LOADED")
frame:SetScript("OnEvent", function(self, _, name)
  if name ~= addonName then return end
  self:UnregisterEvent("ADDON_LOADED")
  local saved = type(ParsebookSettings) == "table" and ParsebookSettings or {}
  for key, default in pairs(options) do
    if type(saved[key]) == type(default) then options[key] = saved[key] end
  end
  ParsebookSettings = options
  addPage()
end)
