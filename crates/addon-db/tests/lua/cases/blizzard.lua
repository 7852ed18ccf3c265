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
      return (text:gsub("\r", ""))
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

-- Stands for whatever else the client has: may be called, indexed and joined, and is nothing in particular.
local anything = setmetatable({}, {
  __index = function(self) return self end,
  __call = function(self) return self end,
  __concat = function() return "" end,
})

-- Puts functions of one of the client's files in place, as written there. What they ask for and the stand-in does not
-- have is `anything`.
local function borrow(source, names)
  -- The client's texts are not here: what is written with them is empty.
  local texts = setmetatable({ format = function() return "" end }, { __index = string })
  local environment = setmetatable({ string = texts, format = texts.format }, {
    __index = function(_, name)
      if _G[name] ~= nil then return _G[name] end
      return anything
    end,
  })
  for _, name in ipairs(names) do
    local own = assert(source:match("(function " .. name .. "%(.-\nend)\n"), name)
    local f = assert(loadstring(own .. "\nreturn " .. name))
    local made = {}
    setfenv(f, setmetatable({}, {
      __index = environment, __newindex = function(_, _, value) made[1] = value end,
    }))
    pcall(f)
    setfenv(made[1], environment)
    _G[name] = made[1]
  end
end

-- The client's own group finder with our hooks around it: it works, and our lines are where they belong.
function tests.the_group_finders_own_code_runs_with_our_hooks()
  t.start({ early = true })
  borrow(find({ "Blizzard_GroupFinder/Mainline/LFGList.lua" }), {
    "LFGListUtil_SetSearchEntryTooltip", "LFGListSearchEntry_OnEnter", "LFGListApplicantMember_OnEnter",
    "LFGListUtil_SortApplicantsCB", "LFGListUtil_SortApplicants",
  })
  local game = t.game
  setmetatable(Enum, { __index = function() return anything end })
  setmetatable(C_LFGList, { __index = function() return function() end end })
  C_LFGList.GetSearchResultMemberCounts = function() return { TANK = 1, HEALER = 1, DAMAGER = 1 } end
  C_LFGList.GetSearchResultEncounterInfo = function() return {} end
  C_LFGList.GetApplicantInfo = function(id) return { numMembers = 1, displayOrderID = -id, comment = "" } end
  t.run("Parsebook")
  game.fire("ADDON_LOADED", "Parsebook")
  game.results = { [5] = {
    name = "A group", leaderName = "Chôgun", activityIDs = { 1 }, comment = "", voiceChat = "", numMembers = 3, age = 5,
    requiredItemLevel = 0, requiredHonorLevel = 0, numBNetFriends = 0, numCharFriends = 0, numGuildMates = 0,
    crossFactionListing = true,
  } }
  game.activities = { { fullName = "A raid", categoryID = 3 } }
  game.applicants = { [3] = { { name = "Chôgun" } } }
  local row = game.installed.CreateFrame("Button", nil, { applicantID = 3 })
  row.resultID, row.memberIdx, row.isSelected = 5, 1, true
  row.Highlight = game.installed.CreateFrame("Texture")

  GameTooltip:SetOwner(UIParent)
  GameTooltip:AddLine("somebody else's")
  LFGListApplicantMember_OnEnter(row)
  t.same(GameTooltip:Text(), "somebody else's", "without a listing")
  local ok, message = pcall(LFGListSearchEntry_OnEnter, row)
  t.same(ok, true, message)
  t.contains(GameTooltip:Text(), "A group")
  t.contains(GameTooltip:Text(), "Heroic 2/3")
  local applicants = { 1, 2, 3 }
  LFGListUtil_SortApplicants(applicants)
  t.same(table.concat(applicants, " "), "3 2 1", "the client's own order")
end

return tests
