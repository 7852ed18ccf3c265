-- The addon's entry in the list of addons at the minimap, by functions that Parsebook.toc names.

local _, ns = ...
if not CreateFrame then return end

-- Left: the panel. Right: the options.
function Parsebook_OnAddonCompartmentClick(_, button)
  if ns.Text(button) == "RightButton" then
    if not ns.OpenOptions() then ns.Say(ns.L.NO_PAGE) end
  else
    ns.TogglePanel()
  end
end

-- The player's own ranks at a glance.
function Parsebook_OnAddonCompartmentEnter(_, button)
  if not button or ns.IsSecret(button) then return end
  local name, realm = ns.NameOfUnit("player")
  ns.ShowBeside(button, name, realm, function(row) Parsebook_OnAddonCompartmentEnter(nil, row) end)
end
