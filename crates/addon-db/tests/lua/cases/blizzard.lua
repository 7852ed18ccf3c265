-- Optional: the client's own interface files, unchanged, from the folder that PARSEBOOK_BLIZZARD_UI names (a copy of
-- Interface/AddOns as Blizzard ships it; never part of this repository). Says that it is skipped without.

local t = ...
local tests = {}
local folder = os and os.getenv and os.getenv("PARSEBOOK_BLIZZARD_UI")

local function find(names)
  for _, name in ipairs(names) do
    local file = io.open(folder .. "/" .. name, "rb")
    if file then
      local text = file:read("*a")
      file:close()
      return text
    end
  end
  error("not found below PARSEBOOK_BLIZZARD_UI: " .. table.concat(names, ", "))
end

if not folder or folder == "" then
  function tests.skipped_because_PARSEBOOK_BLIZZARD_UI_is_not_set() t.same(#tests, 0) end
  return tests
end

-- Whether a file of the client still has the function, written as the addon expects it.
local EXPECTED = {
  { { "Blizzard_GroupFinder/Mainline/LFGList.lua" }, {
    "function LFGListUtil_SetSearchEntryTooltip(tooltip, resultID", "function LFGListSearchEntry_Update(self)",
    "function LFGListApplicantMember_OnEnter(self)", "function LFGListUtil_SortApplicants(applicants)",
    "function LFGListApplicationViewer_UpdateApplicantMember(member, appID, memberIdx",
    "function LFGListUtil_SortSearchResults(self)", 'SetTag("MENU_LFG_FRAME_SEARCH_ENTRY")',
    'SetTag("MENU_LFG_FRAME_MEMBER_APPLY")', "self.UnempoweredCover:SetShown(",
  } },
  { { "Blizzard_FriendsFrame/Mainline/FriendsFrame.lua" }, {
    "function FriendsListButtonMixin:OnEnter()", "function WhoListButtonMixin:OnEnter()",
    "self.buttonType == FRIENDS_BUTTON_TYPE_BNET",
  } },
  { { "Blizzard_Communities/CommunitiesMemberList.lua" }, {
    "function CommunitiesMemberListEntryMixin:OnEnter()", "function CommunitiesMemberListEntryMixin:GetMemberInfo()",
  } },
  { { "Blizzard_RecentAllies/Blizzard_RecentAlliesTemplates.lua" }, {
    "function RecentAlliesEntryMixin:OnEnter()", "characterData.fullName",
  } },
  { { "Blizzard_QuickJoin/QuickJoin.lua" }, { "function QuickJoinButtonMixin:OnEnter()" } },
  { { "Blizzard_UnitPopupShared/UnitPopupShared.lua" }, { 'SetTag("MENU_UNIT_"..which, contextData)' } },
}

function tests.what_the_addon_hooks_is_there()
  for _, expected in ipairs(EXPECTED) do
    local source = find(expected[1])
    for _, part in ipairs(expected[2]) do t.contains(source, part) end
  end
end

-- The group finder's own applicant code, run: without a listing it shows nothing, and so do we.
function tests.the_group_finders_own_code_runs_with_our_hooks()
  t.start()
  local source = find({ "Blizzard_GroupFinder/Mainline/LFGList.lua" })
  local own = source:match("(function LFGListApplicantMember_OnEnter%(self%).-\nend)\n")
  local environment = setmetatable({}, { __index = _G })
  local chunk = assert(loadstring(own))
  setfenv(chunk, environment)()
  LFGListApplicantMember_OnEnter = environment.LFGListApplicantMember_OnEnter
  t.run("Parsebook")
  t.game.fire("ADDON_LOADED", "Parsebook")
  local row = t.game.installed.CreateFrame("Button", nil, { applicantID = 3 })
  row.memberIdx = 1
  t.game.applicants = { [3] = { { name = "Chôgun" } } }
  GameTooltip:SetOwner(UIParent)
  GameTooltip:AddLine("somebody else's")
  LFGListApplicantMember_OnEnter(row)
  t.same(GameTooltip:Text(), "somebody else's")
end

return tests
