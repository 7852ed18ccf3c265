-- Tests of the addon in a stand-in for the client: lua5.1 suite.lua [REPOSITORY] [PATTERN]
-- REPOSITORY holds Parsebook/ and the test data (Parsebook_DB_EU, Parsebook_DB_KR); default: beside this file.
-- PATTERN chooses tests by name. The tests are in cases/, one file for each part of the addon.

local here = TEST_FOLDER or (arg and arg[0] or "suite.lua"):gsub("[^/]*$", "")
local repository = REPOSITORY or (arg and arg[1] ~= "" and arg[1]) or nil
local pattern = arg and arg[2] or ""

local support = assert(loadfile(here .. "support.lua"))(here, repository)

local FILES = {
  "tooltip", "who", "data", "database", "keys", "group_finder", "lists", "menus", "commands", "options", "names",
  "api", "locales", "broken", "cost", "blizzard", "images", "strict",
}

local tests, names, failures = {}, {}, {}
for _, file in ipairs(FILES) do
  for name, test in pairs(assert(loadfile(here .. "cases/" .. file .. ".lua"))(support)) do
    name = file .. ": " .. name:gsub("_", " ")
    if name:find(pattern) then
      tests[name] = test
      names[#names + 1] = name
    end
  end
end
table.sort(names)
for _, name in ipairs(names) do
  local ok, message = xpcall(tests[name], debug and debug.traceback or tostring)
  support.game.remove()
  if not ok then failures[#failures + 1] = name .. ": " .. tostring(message) end
end
if #failures > 0 then
  error(("%d of %d tests failed\n%s"):format(#failures, #names, table.concat(failures, "\n\n")), 0)
end
print(("%d passed, 0 failed"):format(#names))
return #names
