-- What of ours is on a tooltip right now, so that pressing or releasing the key shows or hides the bosses at once. Only
-- what we added to is touched, never in combat, and only through what the game lets addons call: a unit is set again
-- (a secure call of the game), a row of a list is entered again, our own tooltip is drawn again.

local _, ns = ...
if not CreateFrame then return end

-- The tooltip we added to and its owner; with a unit, or with what draws it again.
local tooltip, owner, unit, again

local function ownerOf(frame)
  return ns.Visible(ns.AskFrame(frame, "GetOwner"))
end

-- Remembers that lines were added to a tooltip for a unit, or for something that `redraw(owner)` shows again.
function ns.Remember(frame, shownUnit, redraw)
  tooltip, owner, unit, again = frame, ownerOf(frame), shownUnit, redraw
end

local function forget(frame)
  if frame == tooltip then tooltip, owner, unit, again = nil, nil, nil, nil end
end

-- Whether a tooltip belongs to a frame. Where the game does not tell, it does not.
function ns.IsOwned(frame, by)
  if ns.Field(frame, "IsOwned") then return ns.True(frame:IsOwned(by)) end
  local is = ownerOf(frame)
  return is ~= nil and is == by
end

-- Enters a row of a list again, as if the mouse came anew.
function ns.EnterAgain(row)
  ns.Ask(ns.AskFrame(row, "GetScript", "OnEnter"), row)
end

ns.AskFrame(GameTooltip, "HookScript", "OnTooltipCleared", forget)
ns.AskFrame(GameTooltip, "HookScript", "OnHide", forget)

local function refresh()
  local is = ownerOf(tooltip)
  if is ~= owner or not ns.True(ns.AskFrame(tooltip, "IsShown")) then return end
  if again then return again(owner) end
  -- The tooltip of what stood under the mouse fades where nothing does: setting it again would make it stay.
  if is ~= nil and is == UIParent and not ns.True(ns.Ask(UnitExists, "mouseover")) then return end
  ns.AskFrame(tooltip, "SetUnit", unit)
end

ns.On({ "MODIFIER_STATE_CHANGED" }, function(_, _, key)
  if not tooltip or ns.InCombat() then return end
  key = ns.Text(key)
  -- "LSHIFT", "RCTRL", …
  if key and key:sub(2) == ns.Options.modifier then refresh() end
end)
