-- Tooltips of the group finder: the leader of a listed group, and applicants to the player's own group.

local _, ns = ...
if not CreateFrame or not hooksecurefunc then return end

-- Adds somebody to a tooltip that the game has shown already.
local function add(tooltip, fullName, role)
  local name, realm = ns.NameInList(fullName)
  if not name then return end
  local added = ns.AddToTooltip(tooltip, name, realm, role)
  if added then ns.AskFrame(tooltip, "Show") end
  if added or ns.Options.modifierOnly then ns.Remember(tooltip, nil, ns.EnterAgain) end
end

if LFGListUtil_SetSearchEntryTooltip then
  hooksecurefunc("LFGListUtil_SetSearchEntryTooltip", function(tooltip, resultID)
    if not ns.Options.groupFinder or not ns.Visible(tooltip) then return end
    add(tooltip, (ns.SearchResult(resultID)))
  end)
end

if LFGListApplicantMember_OnEnter then
  hooksecurefunc("LFGListApplicantMember_OnEnter", function(button)
    -- The game shows nothing without a listing of the player's group: then the tooltip is somebody else's.
    if not ns.Options.groupFinder or not ns.IsOwned(GameTooltip, button) then return end
    local applicant = ns.Field(ns.Visible(ns.AskFrame(button, "GetParent")), "applicantID")
    add(GameTooltip, ns.Applicant(applicant, ns.Field(button, "memberIdx")))
  end)
end

-- Who is not the leader may look at applicants as well: the game's cover over them lets the mouse through. Buttons
-- below it are hidden from who may not use them.
local function uncover()
  local viewer = ns.Field(LFGListFrame, "ApplicationViewer")
  local cover = ns.Field(viewer, "UnempoweredCover")
  if not cover or ns.InCombat() then return end
  local isOff = ns.Options.groupFinder
  ns.AskFrame(cover, "EnableMouse", not isOff)
  ns.AskFrame(cover, "SetAlpha", isOff and 0.4 or 1)
end

ns.OnOptions(uncover)
ns.On({ "PLAYER_ENTERING_WORLD" }, uncover)
