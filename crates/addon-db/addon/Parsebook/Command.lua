-- /parsebook NAME[-REALM] and its relatives.

local _, ns = ...
if not CreateFrame or not SlashCmdList then return end

local L = ns.L
local say = ns.Say

local HELP = { "HELP_NAME", "HELP_SEARCH", "HELP_URL", "HELP_INFO", "HELP_OPTIONS", "HELP_SET" }

local function showInfo()
  if not ns.LoadRegion(true) then return say(ns.Problem()) end
  local info = Parsebook.GetInfo(ns.OwnRegion())
  say(L.INFO:format(ns.OwnRegion(), info.characters, info.realms) .. " " .. (ns.DateLine() or L.NO_DATE))
  for _, raid in ipairs(info.raids) do say("  " .. L.INFO_RAID:format(ns.RaidName(raid), #raid.encounters)) end
end

-- The target if it is a player, else oneself.
local function targetOrSelf()
  local name, realm = ns.NameOfUnit("target")
  if name then return name, realm end
  return ns.NameOfUnit("player")
end

local function showCharacter(name, realm)
  realm = realm or ns.OwnRealm()
  ns.LoadRegion(true)
  local found = ns.Find(name, realm)
  if not found then
    local shown = realm == ns.OwnRealm() and name or ("%s-%s"):format(name, realm or "?")
    return say(ns.Problem() or L.NO_RANKS:format(shown))
  end
  say(("%s, %s"):format(found.name, found.realm))
  for _, line in ipairs(ns.RankLines(found, true)) do print(line[1] .. "  " .. line[2]) end
  local date = ns.DateLine()
  if date then say(date) end
end

local function setOption(text)
  local key, value = text:match("^(%S+)%s+(%S+)$")
  if key and ns.SetOption(key, value) then
    say(L.IS_NOW:format(key, value))
    if key:lower() == "menu" and value:lower() == "off" then say(L.AFTER_RELOAD) end
    return
  end
  for _, line in ipairs(ns.DescribeOptions()) do say(line) end
end

local COMMANDS = {
  help = function()
    for _, key in ipairs(HELP) do say(L[key]) end
  end,
  info = showInfo,
  options = function(rest)
    if not ns.OpenOptions() then setOption(rest) end
  end,
  set = setOption,
  search = function(rest)
    local name, realm = ns.SplitTyped(rest)
    ns.ShowPanel(name, realm or name and ns.OwnRealm())
  end,
  url = function(rest)
    local name, realm = ns.SplitTyped(rest)
    if not name then name, realm = targetOrSelf() end
    if not ns.ShowUrl(name, realm) then say(L.GIVE_A_NAME) end
  end,
}

SLASH_PARSEBOOK1 = "/parsebook"
SlashCmdList["PARSEBOOK"] = function(text)
  text = (ns.Text(text) or ""):match("^%s*(.-)%s*$")
  local command, rest = text:match("^(%S+)%s*(.*)$")
  local run = command and COMMANDS[command:lower()]
  if run then return run(rest) end
  local name, realm = ns.SplitTyped(text)
  if not name then name, realm = targetOrSelf() end
  if not name then return COMMANDS.help() end
  showCharacter(name, realm)
end
