-- The stand-in itself: a secret value is what it is in the client, and touching it is an error. A test
-- that a kinder stand-in passes says nothing.

local t = ...
local game, start = t.game, t.start
local same = t.same
local tests = {}

-- Runs source as the addon's is run, with a secret string and a table.
local function run(source)
  start({ early = true })
  local chunk = assert(loadstring(game.rewrite("local s, t = ...\n" .. source)))
  return pcall(chunk, game.secret("string"), {})
end

function tests.touching_a_secret_is_an_error()
  for _, source in ipairs({
    "if s then end", "if not s then end", "while s do break end", "repeat until s", "return s and 1", "return s or 1",
    "return not s", "return s == 1", "return 'a' ~= s", "return s < 1", "return s .. 'a'", "return #s", "return s + 1",
    "return t[s]", "t[s] = 1", "return { [s] = 1 }", "return s.field", "return s:upper()", "return s()",
    "return ('a'):find(s)", "return ('%s'):format(s)", "return UnitName(s)",
  }) do
    local ok = run(source)
    same(ok, false, source)
  end
end

function tests.a_secret_cannot_be_told_from_its_kind()
  for _, source in ipairs({
    "return type(s) == 'string'", "t[1] = s return rawequal(t[1], s)", "return issecretvalue(s)",
    "local function f(...) return select('#', ...) == 2 end return f(s, 1)",
  }) do
    local ok, answer = run(source)
    same(ok and answer, true, source .. ": " .. tostring(answer))
  end
end

return tests
