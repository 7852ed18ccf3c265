-- The page in the game's settings, where the client has the modern settings interface.

local _, ns = ...
if not CreateFrame then return end

local L = ns.L

-- The page's category, once there is one.
local category

-- Opens the page; returns whether it could. Not in combat: the game would block it and blame the addon.
function ns.OpenOptions()
  if not category then return false end
  if ns.InCombat() then
    ns.Say(L.NOT_IN_COMBAT)
    return true
  end
  ns.Ask(Settings.OpenToCategory, ns.AskFrame(category, "GetID"))
  return true
end

local function choicesOf(option)
  return function()
    local container = Settings.CreateControlTextContainer()
    for _, choice in ipairs(option.choices) do container:Add(choice, L["CHOICE_" .. choice]) end
    return container:GetData()
  end
end

local function addControl(option, setting, help)
  if option.range and Settings.CreateSlider and Settings.CreateSliderOptions then
    local slider = Settings.CreateSliderOptions(option.range[1], option.range[2], 1)
    local label = MinimalSliderWithSteppersMixin and MinimalSliderWithSteppersMixin.Label
    if label then slider:SetLabelFormatter(label.Right) end
    Settings.CreateSlider(category, setting, slider, help)
  elseif option.choices and Settings.CreateDropdown and Settings.CreateControlTextContainer then
    Settings.CreateDropdown(category, setting, choicesOf(option), help)
  elseif type(option.default) == "boolean" then
    ns.Ask(Settings.CreateCheckbox, category, setting, help)
  end
end

-- Adds the page. To be called once, when the saved options are known.
function ns.AddOptionsPage()
  if not (Settings and Settings.RegisterVerticalLayoutCategory and Settings.RegisterAddOnSetting) then return end
  category = ns.Visible(Settings.RegisterVerticalLayoutCategory("Parsebook"))
  if not category then return end
  for _, option in ipairs(ns.OPTIONS) do
    local key, label, help = option.key, L["OPTION_" .. option.key], L["OPTION_" .. option.key .. "_HELP"]
    local kind = type(option.default)
    local setting = ns.Visible(Settings.RegisterAddOnSetting(
      category, "Parsebook_" .. key, key, ns.Options, kind, label, option.default))
    if setting then
      if setting.SetValueChangedCallback then setting:SetValueChangedCallback(ns.OptionsChanged) end
      addControl(option, setting, help)
    end
  end
  ns.Ask(Settings.RegisterAddOnCategory, category)
end
