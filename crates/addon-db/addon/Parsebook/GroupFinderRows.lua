-- Rows of the group finder: the rank of a group's leader, or of an applicant, for the listed raid and difficulty; and
-- the order of rows by it, if wanted.

local _, ns = ...
if not CreateFrame or not hooksecurefunc then return end

-- Our text on each of the game's rows, which it uses again for other groups.
local texts = setmetatable({}, { __mode = "k" })

local function setText(row, text, place)
  local label = texts[row]
  if not label then
    if not text then return end
    label = ns.Visible(ns.AskFrame(row, "CreateFontString", nil, "OVERLAY", "GameFontHighlightSmall"))
    if not label then return end
    place(label, row)
    texts[row] = label
  end
  label:SetText(text or "")
end

local function underTheName(label, row)
  label:SetPoint("BOTTOMRIGHT", row, "BOTTOMLEFT", 186, 7)
end

local function behindTheName(label, row)
  local name = ns.Field(row, "Name")
  if name then label:SetPoint("LEFT", name, "RIGHT", 4, 0) else label:SetPoint("LEFT", row, "LEFT", 90, 0) end
end

local function isWanted()
  return ns.Options.groupFinder and ns.Options.rows and not (ns.Options.hideInCombat and ns.InCombat())
end

local function updateResult(row)
  local text
  if isWanted() then
    local leader, activity = ns.SearchResult(ns.Field(row, "resultID"))
    text = leader and ns.ActivityText(leader, activity)
  end
  setText(row, text, underTheName)
end

local function updateApplicant(row, applicantID, index)
  local text
  if isWanted() then
    local name, role = ns.Applicant(applicantID, index)
    text = name and ns.ActivityText(name, ns.OwnActivity(), role)
  end
  setText(row, text, behindTheName)
end

if LFGListSearchEntry_Update then hooksecurefunc("LFGListSearchEntry_Update", updateResult) end
if LFGListApplicationViewer_UpdateApplicantMember then
  hooksecurefunc("LFGListApplicationViewer_UpdateApplicantMember", updateApplicant)
end

------------------------------------------------------------------------------------------------------------------------
-- The order of rows
------------------------------------------------------------------------------------------------------------------------

-- Scores and first places of what is being sorted; emptied after each time.
local scores, places = {}, {}

local function isBefore(a, b)
  if scores[a] ~= scores[b] then return scores[a] > scores[b] end
  return places[a] < places[b]
end

-- Sorts a list of ids by score, highest first; who has none stays in the game's order, behind.
local function sortBy(list, scoreOf)
  if type(list) ~= "table" then return end
  for place, id in ipairs(list) do
    if ns.IsSecret(id) then return end
    scores[id], places[id] = scoreOf(id) or -1, place
  end
  table.sort(list, isBefore)
  for id in pairs(places) do scores[id], places[id] = nil, nil end
end

local function scoreOfResult(resultID)
  local leader, activity = ns.SearchResult(resultID)
  return leader and ns.ActivityRank(leader, activity)
end

-- The best of a party that applies together.
local function scoreOfApplicant(applicantID)
  local info = ns.Visible(ns.Ask(C_LFGList and C_LFGList.GetApplicantInfo, applicantID))
  local activity, best = ns.OwnActivity(), nil
  for index = 1, ns.Number(ns.Field(info, "numMembers")) or 1 do
    local name, role = ns.Applicant(applicantID, index)
    local rank = name and ns.ActivityRank(name, activity, role)
    if rank and (not best or rank > best) then best = rank end
  end
  return best
end

local function isSorted()
  return ns.Options.groupFinder and ns.Options.sort and not ns.InCombat()
end

if LFGListUtil_SortSearchResults then
  hooksecurefunc("LFGListUtil_SortSearchResults", function(panel)
    if isSorted() then sortBy(ns.Field(panel, "results"), scoreOfResult) end
  end)
end
if LFGListUtil_SortApplicants then
  hooksecurefunc("LFGListUtil_SortApplicants", function(applicants)
    if isSorted() then sortBy(ns.Visible(applicants), scoreOfApplicant) end
  end)
end
