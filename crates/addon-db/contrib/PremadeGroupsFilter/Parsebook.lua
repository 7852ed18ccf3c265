-- Ranks of Warcraft Logs for filter and sort expressions of Premade Groups Filter: to be offered there as
-- Plugins/Parsebook.lua. Main.lua calls it where it calls PGF.PutRaiderIOMetrics:
--
--     if PGF.PutParsebookRanks then PGF.PutParsebookRanks(env, searchResultInfo.leaderName) end
--
-- Expressions may then say, for example, `wclheroic > 75`, `haswcl and wcl >= 50`, or sort by `wclmythic desc`.

local PGF = select(2, ...)

local DIFFICULTIES = { wclnormal = 3, wclheroic = 4, wclmythic = 5 }

-- Puts the leader's mean rank in its newest raid into `env`: wcl (hardest difficulty), wclnormal, wclheroic, wclmythic,
-- 0 where there is none; and haswcl.
function PGF.PutParsebookRanks(env, leaderName)
  env.haswcl, env.wcl = false, 0
  for key in pairs(DIFFICULTIES) do env[key] = 0 end
  if not leaderName or not Parsebook or not Parsebook.GetBest then return end
  local name, realm = leaderName:match("^([^%-]+)%-(.+)$")
  name, realm = name or leaderName, realm or GetNormalizedRealmName()
  local best = Parsebook.GetBest(name, realm)
  if not best then return end
  env.haswcl, env.wcl = true, best.rank
  for key, difficulty in pairs(DIFFICULTIES) do
    local of = Parsebook.GetBest(name, realm, best.raid, difficulty)
    env[key] = of and of.rank or 0
  end
end
