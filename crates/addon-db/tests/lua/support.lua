-- What the test files share: starting the client with the addon, and saying what is expected.

local here, repository = ...
local game = assert(loadfile(here .. "game.lua"))(here)
local support = { game = game, here = here, NOW = 1700000000 + 2 * 86400 }

-- The server of the tests' own realm, Temple noir (EU), and of another one in the region.
support.OWN_SERVER, support.OTHER_SERVER, support.US_SERVER = 1392, 1305, 60

function support.folder(addon)
  if repository then return repository .. "/" .. addon end
  return addon == "Parsebook" and here .. "../../addon/Parsebook" or here .. "fixture/" .. addon
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end
support.read = read

-- Compiled and rewritten files, because every test starts the addon anew.
local compiled = {}
local function compile(path, name, change, isPlain)
  local place = path .. (isPlain and " as written" or "")
  local kept = not change and compiled[place]
  if not kept then
    local source = read(path)
    if change then source = change(name, source) end
    -- The database is big and meets no value of the client before the addon has looked at it.
    local isData = name:find("^Tables") or name:find("^Realms") or name:find("^Raids")
    if not isData and not isPlain then source = game.rewrite(source) end
    kept = assert(loadstring(source, "@" .. name))
    if not change then compiled[place] = kept end
  end
  return kept
end

-- Runs an addon's files in the order of its .toc, as the game does.
function support.run(addon, change, isPlain)
  local namespace = {}
  for line in read(support.folder(addon) .. "/" .. addon .. ".toc"):gmatch("[^\r\n]+") do
    if line:sub(1, 1) ~= "#" then
      compile(support.folder(addon) .. "/" .. line, line, change, isPlain)(addon, namespace)
    end
  end
  return namespace
end

-- Starts the client and the addon, up to the end of the loading screen. `options`: those of game.install, and
-- saved (options of the player), load (instead of loading data), change(file, source) for data files, early (stop
-- before login), isPlain (as written, for measuring).
function support.start(options)
  options = options or {}
  options.region, options.realm = options.region or 3, options.realm or "Temple noir"
  options.now, options.server = options.now or support.NOW, options.server or support.OWN_SERVER
  if game.installed then game.remove() end
  game.install(options)
  game.load = options.load or function(addon)
    support.run(addon, options.change)
    return true
  end
  ParsebookSettings = options.saved
  game.units.player = {
    name = "Elune", realm = nil, player = true, guid = ("Player-%d-00000001"):format(options.server), relation = 1,
  }
  local namespace = support.run("Parsebook", nil, options.isPlain)
  game.fire("ADDON_LOADED", "Parsebook")
  if not options.early then
    game.fire("PLAYER_LOGIN")
    game.fire("PLAYER_ENTERING_WORLD")
  end
  return namespace
end

function support.same(actual, expected, what)
  if actual ~= expected then
    error(("%s: expected\n%s\ngot\n%s"):format(what or "value", tostring(expected), tostring(actual)), 2)
  end
end

function support.contains(text, part)
  if not tostring(text):find(part, 1, true) then error(("%q is not in\n%s"):format(part, tostring(text)), 2) end
end

function support.lacks(text, part)
  if tostring(text):find(part, 1, true) then error(("%q is in\n%s"):format(part, tostring(text)), 2) end
end

-- Makes a player: of the own realm without `realm`, of another server with it.
function support.player(unit, name, realm)
  local isStranger = realm ~= nil and realm ~= ""
  local server = isStranger and support.OTHER_SERVER or game.options.server
  game.units[unit] = {
    name = name, realm = realm, player = true, guid = ("Player-%d-%s"):format(server, unit),
    relation = isStranger and 2 or 1,
  }
  return unit
end

-- Text as the player reads it: without colours and pictures.
function support.plain(text)
  return (text:gsub("|c%x%x%x%x%x%x%x%x", ""):gsub("|r", ""):gsub("|[TA][^|]*|[ta] ?", ""))
end

-- What the command prints.
function support.command(text)
  game.printed = {}
  SlashCmdList.PARSEBOOK(text)
  return table.concat(game.printed, "\n")
end

return support
