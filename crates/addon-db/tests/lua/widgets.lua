-- Frames and tooltips of the stand-in: as much of them as the addon touches, and strict about what an addon may not do.

local widgets = {}

-- `game` is asked for combat, units and the hooks of tooltip data.
function widgets.install(game, isSecret)
  local function noSecret(...)
    for i = 1, select("#", ...) do
      if isSecret((select(i, ...))) then error("a secret value was given to a frame", 3) end
    end
  end

  local Frame = {}
  Frame.__index = Frame

  local function newFrame(kind, name, parent)
    local frame = { kind = kind, parent = parent, events = {}, scripts = {}, shown = true, lines = {} }
    setmetatable(frame, Frame)
    if name then
      _G[name] = frame
      game.named[name] = true
    end
    return frame
  end
  widgets.newFrame = newFrame

  -- What only has to be there.
  for _, method in ipairs({
    "SetSize", "SetMovable", "RegisterForDrag", "StartMoving", "StopMovingOrSizing", "SetAutoFocus", "ClearFocus",
    "HighlightText", "SetFocus", "SetHeight", "SetWidth",
  }) do
    Frame[method] = function(_, ...) noSecret(...) end
  end
  function Frame:RegisterEvent(event) self.events[event] = true end
  function Frame:UnregisterEvent(event) self.events[event] = nil end
  function Frame:SetScript(script, f) self.scripts[script] = { f } end
  function Frame:GetScript(script) return self.scripts[script] and self.scripts[script][1] end
  function Frame:HookScript(script, f)
    assert(script ~= "OnTooltipSetUnit" or game.options.old, "the client has no script OnTooltipSetUnit")
    self.scripts[script] = self.scripts[script] or {}
    table.insert(self.scripts[script], f)
  end
  function Frame:Run(script, ...)
    for _, f in ipairs(self.scripts[script] or {}) do f(self, ...) end
  end
  function Frame:GetParent() return self.parent end
  function Frame:SetPoint(...)
    noSecret(...)
    self.point = { ... }
  end
  function Frame:EnableMouse(on) self.mouse = on end
  function Frame:SetAlpha(alpha) self.alpha = alpha end
  function Frame:SetText(text)
    noSecret(text)
    self.text = text
    if self.kind == "GameTooltip" then self.lines = { text } end
  end
  function Frame:GetText() return self.text end
  function Frame:IsShown() return self.shown end
  function Frame:Show() self.shown = true end
  function Frame:Hide()
    if self.shown then self:Run("OnHide") end
    self.shown = false
  end
  function Frame:CreateFontString()
    local label = newFrame("FontString", nil, self)
    self.labels = self.labels or {}
    table.insert(self.labels, label)
    return label
  end

  -- Tooltips
  function Frame:SetOwner(owner, anchor)
    self:ClearLines()
    self.owner, self.anchor, self.shown = owner, anchor, true
  end
  function Frame:GetOwner() return self.owner end
  function Frame:IsOwned(frame) return self.owner == frame end
  function Frame:ClearLines()
    self.lines = {}
    self:Run("OnTooltipCleared")
  end
  function Frame:AddLine(text)
    noSecret(text)
    self.lines[#self.lines + 1] = assert(text)
  end
  function Frame:AddDoubleLine(left, right)
    noSecret(left, right)
    self.lines[#self.lines + 1] = assert(left) .. " | " .. assert(right)
  end
  function Frame:Text() return table.concat(self.lines, "\n") end
  -- Tainted execution may not rebuild a tooltip from its data, nor ask whom it shows.
  for _, method in ipairs({ "RefreshData", "RebuildFromTooltipInfo", "GetUnit", "ProcessInfo" }) do
    Frame[method] = function() error(method .. " was called by an addon", 2) end
  end
  -- A secure call of the game: clears, writes the game's own line, lets addons add, shows.
  function Frame:SetUnit(unit)
    assert(not game.combat, "a tooltip was set in combat")
    noSecret(unit)
    self:ClearLines()
    self.sets = (self.sets or 0) + 1
    game.showUnit(unit)
  end
end

return widgets
