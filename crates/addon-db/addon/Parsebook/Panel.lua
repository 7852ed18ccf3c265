-- A window with a search box and the ranks of anybody in the data; opened empty it shows the player's own.

local _, ns = ...
if not CreateFrame then return end

local L = ns.L
local WIDTH, LINE_HEIGHT, MARGIN, HEAD = 360, 14, 14, 62

local panel, box
-- Two texts for each line, made when first needed.
local lefts, rights = {}, {}

local function newText(index, side)
  local text = panel:CreateFontString(nil, "OVERLAY", "GameFontHighlightSmall")
  local margin = side == "LEFT" and MARGIN or -MARGIN
  text:SetPoint("TOP" .. side, panel, "TOP" .. side, margin, -HEAD - (index - 1) * LINE_HEIGHT)
  return text
end

local function setLine(index, left, right)
  lefts[index] = lefts[index] or newText(index, "LEFT")
  rights[index] = rights[index] or newText(index, "RIGHT")
  lefts[index]:SetText(left)
  rights[index]:SetText(right)
end

local function setLines(lines)
  for index, line in ipairs(lines) do setLine(index, line[1], line[2]) end
  for index = #lines + 1, #lefts do setLine(index, "", "") end
  panel:SetHeight(HEAD + #lines * LINE_HEIGHT + MARGIN)
end

-- What the panel says of a character.
function ns.PanelLines(name, realm)
  local found = ns.Find(name, realm)
  if not found then
    local shown = realm and ("%s-%s"):format(name, ns.RealmName(realm) or realm) or name
    return { { ns.Problem() or L.NO_RANKS:format(shown), "" } }
  end
  local lines = { { ("%s - %s"):format(found.name, found.realm), found.region } }
  for _, line in ipairs(ns.RankLines(found, true)) do lines[#lines + 1] = line end
  lines[#lines + 1] = { ns.DateLine() or "", "" }
  return lines
end

-- Shows whom the player typed: the own realm where none is told.
local function search(edit)
  local name, realm = ns.SplitTyped(edit:GetText())
  if name then setLines(ns.PanelLines(name, realm or ns.OwnRealm())) end
  edit:ClearFocus()
end

-- Makes the panel; leaves it nil where the game has no frames of these kinds.
local function build()
  local window = ns.Visible(CreateFrame("Frame", "ParsebookPanel", UIParent, "BasicFrameTemplateWithInset"))
  local edit = ns.Visible(CreateFrame("EditBox", nil, window, "SearchBoxTemplate"))
  if not ns.Field(window, "SetSize") or not ns.Field(edit, "SetSize") then return end
  panel, box = window, edit
  panel:SetSize(WIDTH, 200)
  panel:SetPoint("CENTER")
  panel:SetMovable(true)
  panel:EnableMouse(true)
  panel:RegisterForDrag("LeftButton")
  panel:SetScript("OnDragStart", panel.StartMoving)
  panel:SetScript("OnDragStop", panel.StopMovingOrSizing)
  if panel.TitleText then panel.TitleText:SetText("Parsebook") end
  box:SetSize(WIDTH - 3 * MARGIN, 22)
  box:SetPoint("TOPLEFT", MARGIN + 6, -32)
  box:SetAutoFocus(false)
  if box.Instructions then box.Instructions:SetText(L.SEARCH) end
  box:SetScript("OnEnterPressed", search)
  -- Closed by Escape, like the game's own windows.
  if UISpecialFrames then UISpecialFrames[#UISpecialFrames + 1] = "ParsebookPanel" end
end

-- Opens the panel with a character; without one, with the player's own.
function ns.ShowPanel(name, realm)
  if not name then name, realm = ns.NameOfUnit("player") end
  if not panel then build() end
  if not panel then return end
  setLines(name and ns.PanelLines(name, realm) or {})
  panel:Show()
end

-- Opens or closes it, for the button beside the minimap.
function ns.TogglePanel()
  if panel and panel:IsShown() then panel:Hide() else ns.ShowPanel() end
end
