-- The drawings in the documentation show what the addon shows today. `lua5.1 tests/lua/draw.lua ../../docs/images` in
-- crates/addon-db draws them anew.

local t = ...
local tests = {}

function tests.the_drawings_of_the_readme_are_up_to_date()
  local count = 0
  for name, drawing in pairs(assert(loadfile(t.here .. "draw.lua"))(t)) do
    t.same(t.read(t.here .. "../../../../docs/images/" .. name), drawing, name)
    t.same(#drawing < 100000, true, name)
    count = count + 1
  end
  t.same(count, 4)
end

return tests
