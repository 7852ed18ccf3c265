-- Ranks in the tooltips of players. The unit is taken from the tooltip's data, never from GameTooltip:GetUnit() where
-- the client has tooltip data: that would run the game's code tainted, and fail (see Guard.lua for secret values).

local _, ns = ...
if not CreateFrame then return end

-- Units by which a group member is known when the client does not name one for a guid.
local GROUP = { "player", "mouseover", "target", "focus" }
for i = 1, 4 do GROUP[#GROUP + 1] = "party" .. i end
for i = 1, 40 do GROUP[#GROUP + 1] = "raid" .. i end

-- The unit shown by a tooltip with this data, nil if it is hidden.
local function unitOf(data)
  for _, line in ipairs(ns.Field(data, "lines") or {}) do
    local unit = ns.Text(ns.Field(line, "unitToken"))
    if unit then return unit end
  end
  local guid = ns.Text(ns.Field(data, "guid"))
  if not guid then return nil end
  local unit = UnitTokenFromGUID and ns.Text(UnitTokenFromGUID(guid))
  if unit then return unit end
  for _, candidate in ipairs(GROUP) do
    if ns.Text(UnitGUID(candidate)) == guid then return candidate end
  end
  return nil
end

local function addUnit(tooltip, unit)
  if not unit or not ns.Options.tooltip or ns.Visible(UnitIsPlayer(unit)) ~= true then return end
  local name, realm = UnitName(unit)
  ns.AddToTooltip(tooltip, ns.Text(name), ns.Text(realm))
end

if TooltipDataProcessor and TooltipDataProcessor.AddTooltipPostCall then
  TooltipDataProcessor.AddTooltipPostCall(Enum.TooltipDataType.Unit, function(tooltip, data)
    if tooltip == GameTooltip then addUnit(tooltip, unitOf(data)) end
  end)
elseif GameTooltip then
  GameTooltip:HookScript("OnTooltipSetUnit", function(tooltip)
    local _, unit = tooltip:GetUnit()
    addUnit(tooltip, ns.Text(unit))
  end)
end

-- Pressing or releasing the modifier shows or hides the bosses at once.
local frame = CreateFrame("Frame")
frame:RegisterEvent("MODIFIER_STATE_CHANGED")
frame:SetScript("OnEvent", function()
  if ns.Options.tooltip and GameTooltip and GameTooltip.RefreshData and GameTooltip:IsShown() then
    GameTooltip:RefreshData()
  end
end)
