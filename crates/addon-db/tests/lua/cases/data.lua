-- Loading the data at login, and what is said when there is none.

local t = ...
local game, start, player = t.game, t.start, t.player
local same, contains = t.same, t.contains
local tests = {}

local function printed() return table.concat(game.printed, "\n") end

function tests.loaded_at_login_not_at_the_first_hover()
  start()
  same(game.loads, 1)
  same(printed(), "")
  game.hoverUnit(player("mouseover", "Chôgun"))
  same(game.loads, 1)
end

function tests.each_reason_is_told_once_at_login_with_what_to_do()
  for reason, words in pairs({
    MISSING = "Install the addon Parsebook_DB_EU", DISABLED = "Tick Parsebook_DB_EU", CORRUPT = "anew",
    INTERFACE_VERSION = "Update the addon Parsebook_DB_EU", DEP_MISSING = "anew",
  }) do
    start({ load = function() return nil, reason end })
    same(#game.printed, 1, reason)
    contains(printed(), words)
    contains(printed(), reason)
    game.fire("PLAYER_ENTERING_WORLD")
    same(#game.printed, 1, "said twice")
    same(game.hoverUnit(player("mouseover", "Chôgun")), "")
    same(#game.printed, 1, "said while hovering")
    contains(t.command("Chôgun"), reason)
    contains(t.command("info"), reason)
  end
end

function tests.what_failed_is_tried_again()
  local fails = true
  local options = {}
  options.load = function(addon)
    if fails then return nil, "DISABLED" end
    t.run(addon)
    return true
  end
  start(options)
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
  local loads = game.loads
  game.hoverUnit("mouseover")
  same(game.loads, loads, "tried while hovering")
  fails = false
  game.fire("PLAYER_ENTERING_WORLD")
  contains(game.hoverUnit("mouseover"), "Vault of Tests")
end

-- The first loading of the data breaks off, as the client ends what takes too long.
local function startWithABrokenLoading()
  local tries = 0
  start({ early = true, load = function(addon)
    tries = tries + 1
    if tries == 1 then error("script ran too long") end
    t.run(addon)
    return true
  end })
end

function tests.a_loading_that_breaks_off_is_tried_again()
  startWithABrokenLoading()
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
  contains(game.hoverUnit("mouseover"), "Vault of Tests")
  contains(t.command("info"), "region EU: 6 characters")
end

-- Whether the game sees the error or not: it is no reason to say that somebody has no ranks.
function tests.a_loading_that_broke_off_blames_nobody()
  startWithABrokenLoading()
  pcall(game.hoverUnit, player("mouseover", "Chôgun"))
  contains(t.command("Chôgun"), "Chôgun, Temple noir")
  contains(t.command("info"), "region EU: 6 characters")
end

function tests.a_loading_that_always_breaks_off_is_told()
  start({ load = function() error("script ran too long") end })
  for _ = 1, 10 do game.hoverUnit(player("mouseover", "Chôgun")) end
  same(game.loads <= 4, true, "tries: " .. game.loads)
  same(#game.printed, 1)
  contains(printed(), "/reload")
  contains(t.command("info"), "did not load to its end")
  contains(t.command("Chôgun"), "did not load to its end")
end

function tests.half_a_region_is_no_region()
  start({ metadata = { ["X-Parsebook-Files"] = "4" }, change = function(file, source)
    return file == "Realms3.lua" and "" or source
  end })
  same(#game.printed, 1)
  contains(printed(), "did not load to its end")
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
  start({ metadata = { ["X-Parsebook-Files"] = "4" } })
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
end

function tests.old_ranks_are_told_at_login()
  start({ now = t.NOW + 30 * 86400 })
  same(#game.printed, 1)
  contains(printed(), "32 days old")
  start({ now = t.NOW + 30 * 86400, saved = { notices = false } })
  same(#game.printed, 0)
end

-- Readers of formats that no data has are given back, as far as the game tells what there is.
function tests.readers_that_nothing_needs_are_given_back()
  local function addons(own, other)
    return {
      Parsebook = { Title = "Parsebook" }, Parsebook_DB_EU = own and { ["X-Parsebook-Format"] = own },
      Parsebook_DB_KR = other and { ["X-Parsebook-Format"] = other },
    }
  end
  local function readers(options)
    local ns = start(options)
    return (ns.Decoder and "2" or "") .. (ns.Decoder1 and "1" or "") .. (ns.Tables and " 2" or "")
      .. (ns.Tables1 and " 1" or "")
  end
  same(readers(), "21 1", "where the game does not tell, all are kept")
  same(readers({ addons = addons("2") }), "2")
  contains(game.hoverUnit(player("mouseover", "Chôgun")), "Vault of Tests")
  same(readers({ addons = addons("2", "1") }), "21 1", "another region's are told, too")
  local function missing() return nil, "MISSING" end
  same(readers({ load = missing, addons = addons(nil, "2") }), "2 2")
  same(readers({ load = missing, addons = addons() }), "")
  -- Data that comes nevertheless is refused, as that of an unknown format is.
  same(Parsebook.OpenRegion(2, "KR", "checksum"), nil)
  contains(printed(), "KR has format 2")
  same(Parsebook.Lookup("Elune", "Azshara", "KR"), nil)
end

function tests.a_test_region_has_no_data()
  start({ region = 72, server = 99999 })
  same(game.loads, 0)
  contains(printed(), "no data for this region")
  same(game.hoverUnit(player("mouseover", "Chôgun")), "")
end

return tests
