-- /parsebook NAME[-REALM] and its relatives.

local _, ns = ...
if not CreateFrame then return end

local HELP = {
  "/parsebook NAME[-REALM]: ranks of a character",
  "/parsebook url NAME[-REALM]: address of its page on Warcraft Logs",
  "/parsebook info: which data is installed",
  "/parsebook options: the page in the game's settings",
  "/parsebook set OPTION VALUE: change an option; without a value, list them",
}

local function say(text)
  print("|cff66ccffParsebook|r " .. text)
end

local function showInfo()
  if not ns.LoadRegion() then return say(ns.Problem()) end
  local info = Parsebook.GetInfo(ns.OwnRegion())
  say(("region %s: %d characters of %d realms. %s"):format(
    ns.OwnRegion(), info.characters, info.realms, ns.DateLine() or "No ranks."))
  for _, raid in ipairs(info.raids) do say(("  %s, %d bosses"):format(raid.name, #raid.encounters)) end
end

local function showCharacter(text)
  local name, realm = ns.SplitName(text)
  if not name then return say("Give a name, or a name and a realm: Name-Realm.") end
  local found = ns.Find(name, realm)
  if not found then
    return say(ns.Problem() or ("no ranks of %s: not a raider in the recorded raids, hidden, or newer than the data.")
      :format(text))
  end
  say(("%s, %s"):format(found.name, found.realm))
  for _, line in ipairs(ns.RankLines(found, true)) do print(line[1] .. "  " .. line[2]) end
  say(ns.DateLine() or "")
end

local function setOption(text)
  local key, value = text:match("^(%S+)%s+(%S+)$")
  if key and ns.SetOption(key, value) then return say(("%s is now %s."):format(key, value)) end
  for _, line in ipairs(ns.DescribeOptions()) do say(line) end
end

SLASH_PARSEBOOK1 = "/parsebook"
SlashCmdList["PARSEBOOK"] = function(text)
  text = (ns.Text(text) or ""):match("^%s*(.-)%s*$")
  local command, rest = text:match("^(%S+)%s*(.*)$")
  if not command or command == "help" then
    for _, line in ipairs(HELP) do say(line) end
  elseif command == "info" then
    showInfo()
  elseif command == "options" then
    if not ns.OpenOptions() then setOption(rest) end
  elseif command == "set" then
    setOption(rest)
  elseif command == "url" then
    local name, realm = ns.SplitName(rest)
    if not ns.ShowUrl(name, realm) then say("Give a name, or a name and a realm: url Name-Realm.") end
  else
    showCharacter(text)
  end
end
