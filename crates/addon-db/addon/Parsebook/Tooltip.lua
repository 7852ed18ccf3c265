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
  local unit = ns.Text(ns.Ask(UnitTokenFromGUID, guid))
  if unit then return unit end
  for _, candidate in ipairs(GROUP) do
    if ns.Text(ns.Ask(UnitGUID, candidate)) == guid then return candidate end
  end
  return nil
end

-- The game shows the tooltip after us. With "only with the key", there is nothing yet, but the key must find the unit.
local function addUnit(tooltip, unit)
  if not unit or not ns.Options.tooltip or ns.Options.hideInCombat and ns.InCombat() then return end
  local name, realm = ns.NameOfUnit(unit)
  if not name then return end
  if ns.AddToTooltip(tooltip, name, realm, ns.RoleOfUnit(unit)) or ns.Options.modifierOnly then
    ns.Remember(tooltip, unit)
  end
end

local unitTooltip = ns.Field(Enum, "TooltipDataType") and ns.Field(Enum.TooltipDataType, "Unit")

if ns.Field(TooltipDataProcessor, "AddTooltipPostCall") and unitTooltip then
  TooltipDataProcessor.AddTooltipPostCall(unitTooltip, function(tooltip, data)
    if tooltip == GameTooltip then addUnit(tooltip, unitOf(data)) end
  end)
elseif not issecretvalue and GameTooltip then
  -- Clients from before tooltip data, which have no secret values either.
  ns.AskFrame(GameTooltip, "HookScript", "OnTooltipSetUnit", function(tooltip)
    local _, unit = ns.AskFrame(tooltip, "GetUnit")
    addUnit(tooltip, ns.Text(unit))
  end)
end
