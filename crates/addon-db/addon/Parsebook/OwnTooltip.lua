-- Ranks beside a row of one of the game's lists: on the game's tooltip where it shows one for that row, else on a
-- tooltip of our own.

local _, ns = ...
if not CreateFrame then return end

local own
-- Rows that take our tooltip away when the mouse leaves them.
local leaving = setmetatable({}, { __mode = "k" })

local function hide()
  if own then own:Hide() end
end

local function ownTooltip()
  own = own or ns.Visible(CreateFrame("GameTooltip", "ParsebookTooltip", UIParent, "GameTooltipTemplate"))
  return own
end

-- Shows our tooltip beside `row`, with a head line; returns whether there was anything to show.
local function showOwn(row, name, realm)
  local tooltip = ownTooltip()
  if not ns.Field(tooltip, "SetOwner") or not ns.Field(tooltip, "AddLine") then return false end
  tooltip:SetOwner(row, "ANCHOR_RIGHT")
  tooltip:AddLine(("%s - %s"):format(name, ns.RealmName(realm) or realm))
  if not ns.AddToTooltip(tooltip, name, realm) then
    tooltip:Hide()
    return false
  end
  tooltip:Show()
  return true
end

-- Shows a character's ranks beside `row`. `again(row)` is called to show them anew when the key goes down or up.
function ns.ShowBeside(row, name, realm, again)
  if not ns.Options.lists or not name or not realm then return hide() end
  if not leaving[row] and ns.Field(row, "HookScript") then
    leaving[row] = true
    row:HookScript("OnLeave", hide)
  end
  if ns.IsOwned(GameTooltip, row) and ns.True(ns.AskFrame(GameTooltip, "IsShown")) then
    hide()
    local added = ns.AddToTooltip(GameTooltip, name, realm)
    if added then GameTooltip:Show() end
    if added or ns.Options.modifierOnly then ns.Remember(GameTooltip, nil, ns.EnterAgain) end
  elseif showOwn(row, name, realm) then
    ns.Remember(own, nil, again)
  end
end
