-- Ranks in the group finder: the leader of a listed group, and applicants to the player's own group.

local _, ns = ...
if not CreateFrame or not hooksecurefunc then return end

local function add(tooltip, fullName)
  local name, realm = ns.SplitName(fullName)
  if name and ns.Options.groupFinder then ns.AddToTooltip(tooltip, name, realm) end
end

if LFGListUtil_SetSearchEntryTooltip then
  hooksecurefunc("LFGListUtil_SetSearchEntryTooltip", function(tooltip, resultID)
    resultID = ns.Visible(resultID)
    local result = resultID and C_LFGList.GetSearchResultInfo(resultID)
    add(tooltip, ns.Field(result, "leaderName"))
  end)
end

if LFGListApplicantMember_OnEnter then
  hooksecurefunc("LFGListApplicantMember_OnEnter", function(button)
    local applicant = ns.Field(button:GetParent(), "applicantID")
    local member = ns.Field(button, "memberIdx")
    if applicant and member then add(GameTooltip, (C_LFGList.GetApplicantMemberInfo(applicant, member))) end
  end)
end
