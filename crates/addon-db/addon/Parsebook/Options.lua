-- What the player can choose, kept in ParsebookSettings. The page is in OptionsPage.lua, `/parsebook set` in
-- Command.lua; both show what stands here.

local addonName, ns = ...
if not CreateFrame then return end

local L = ns.L

-- In the order of the page: key, default, and what it may be: nothing for on and off, { least, most } for a number,
-- a list for a choice. Label and sentence are L["OPTION_" .. key] and L["OPTION_" .. key .. "_HELP"].
local OPTIONS = {
  { key = "tooltip", default = true },
  { key = "groupFinder", default = true },
  { key = "rows", default = true },
  { key = "sort", default = false },
  { key = "lists", default = true },
  { key = "whoChat", default = true },
  { key = "menu", default = true },
  { key = "hideInCombat", default = true },
  { key = "modifier", default = "SHIFT", choices = { "SHIFT", "CTRL", "ALT" } },
  { key = "modifierOnly", default = false },
  { key = "newestOnly", default = true },
  { key = "bestOnly", default = false },
  { key = "mythic", default = true },
  { key = "heroic", default = true },
  { key = "normal", default = true },
  { key = "lfr", default = true },
  { key = "maxLines", default = 6, range = { 1, 20 } },
  { key = "colours", default = "WCL", choices = { "WCL", "BRIGHTNESS", "NONE" } },
  { key = "icons", default = true },
  { key = "englishNames", default = false },
  { key = "notices", default = true },
}
-- Data older than this is called old, in days.
ns.OLD_DAYS = 7

local options = {}
for _, option in ipairs(OPTIONS) do options[option.key] = option.default end
ns.Options, ns.OPTIONS = options, OPTIONS

-- Raised with every change of options, data or names: what was drawn before is drawn anew.
ns.version = 1
function ns.Touch()
  ns.version = ns.version + 1
end

-- Who wants to know of a change of options.
local listeners = {}
function ns.OnOptions(f)
  listeners[#listeners + 1] = f
end

-- To be called after each change of an option.
function ns.OptionsChanged()
  ns.Touch()
  for _, f in ipairs(listeners) do f() end
end

local MODIFIERS = { SHIFT = IsShiftKeyDown, CTRL = IsControlKeyDown, ALT = IsAltKeyDown }

-- Whether the key for every boss is held.
function ns.ModifierDown()
  local isDown = MODIFIERS[options.modifier]
  return isDown ~= nil and ns.True(isDown())
end

-- Whether ranks may be shown now, on a tooltip or in a row.
function ns.Wanted()
  if options.hideInCombat and ns.InCombat() then return false end
  return not options.modifierOnly or ns.ModifierDown()
end

-- A value of an option from text, nil if it cannot be that.
local function parse(option, text)
  if option.range then
    local number = tonumber(text)
    if not number or number ~= math.floor(number) then return nil end
    return number >= option.range[1] and number <= option.range[2] and number or nil
  end
  for _, choice in ipairs(option.choices or {}) do
    if choice == text:upper() then return choice end
  end
  if option.choices then return nil end
  if text == "on" then return true end
  if text == "off" then return false end
end

-- Sets an option from text ("on", "off", a number, or a choice); returns whether there is such an option and value.
function ns.SetOption(key, value)
  key, value = (key or ""):lower(), (value or ""):lower()
  for _, option in ipairs(OPTIONS) do
    if option.key:lower() == key then
      local parsed = parse(option, value)
      if parsed == nil then return false end
      options[option.key] = parsed
      ns.OptionsChanged()
      return true
    end
  end
  return false
end

-- What an option may be set to, as text.
function ns.ChoicesOf(option)
  if option.range then return ("%d-%d"):format(option.range[1], option.range[2]) end
  return (table.concat(option.choices or { "on", "off" }, ", "):lower())
end

-- An option's value as text.
function ns.ValueOf(option)
  local value = options[option.key]
  if type(value) == "boolean" then return value and "on" or "off" end
  return tostring(value):lower()
end

-- One line for each option: value, what it does, what it may be.
function ns.DescribeOptions()
  local lines = {}
  for _, option in ipairs(OPTIONS) do
    lines[#lines + 1] = ("%s = %s  (%s: %s)"):format(
      option.key, ns.ValueOf(option), L["OPTION_" .. option.key], ns.ChoicesOf(option))
  end
  return lines
end

-- A saved value counts if it can be chosen.
local function restore(saved)
  for _, option in ipairs(OPTIONS) do
    local value = saved[option.key]
    if type(value) == "boolean" then value = value and "on" or "off" end
    local parsed = parse(option, tostring(value):lower())
    if parsed ~= nil then options[option.key] = parsed end
  end
end

ns.On({ "ADDON_LOADED" }, function(self, _, name)
  if not ns.Text(name) or name ~= addonName then return end
  self:UnregisterEvent("ADDON_LOADED")
  restore(type(ParsebookSettings) == "table" and ParsebookSettings or {})
  ParsebookSettings = options
  ns.AddOptionsPage()
  ns.OptionsChanged()
end)
