-- Measures a set of Lua files: what loading costs, what stays in memory, what the collector pays, how fast lookups are.
-- Called with the name of a measurement and its arguments; returns numbers.

local clock = os.clock

local function collect()
  collectgarbage() collectgarbage()
end

-- Milliseconds of a full collection, the best of some.
local function collectionTime()
  collect()
  local best = math.huge
  for _ = 1, 25 do
    local start = clock()
    collectgarbage()
    best = math.min(best, clock() - start)
  end
  return best * 1e3
end

local measure = {}

-- Files and the namespaces they share: { path, path, ... } run in order.
-- Returns seconds to compile and run, kilobytes kept, peak kilobytes, milliseconds a full collection takes longer.
function measure.load(before, files)
  local namespace = {}
  for _, path in ipairs(before) do assert(loadfile(path))("Parsebook", namespace) end
  local ownNamespace = {}
  local emptyCollection = collectionTime()
  local kept = collectgarbage("count")
  local peak = 0
  local start = clock()
  for _, path in ipairs(files) do
    assert(loadfile(path))("Parsebook_DB", ownNamespace)
    peak = math.max(peak, collectgarbage("count"))
  end
  local seconds = clock() - start
  collect()
  return seconds, collectgarbage("count") - kept, peak - kept, collectionTime() - emptyCollection
end

-- Looks up what `next` returns (name and realm, nil at the end), some of them again, many times. `next` is given the
-- microseconds of the lookup before. Returns how many were found, and of repeated lookups mean microseconds and bytes.
function measure.lookup(next, region)
  local lookup = Parsebook.Lookup
  local n, found = 0, 0
  local again, garbage, repeated = 0, 0, 0
  collect()
  local name, realm = next()
  while name do
    local start = clock()
    local result = lookup(name, realm, region)
    local time = clock() - start
    n = n + 1
    if result then found = found + 1 end
    if n % 64 == 1 then
      collectgarbage("stop")
      local before = collectgarbage("count")
      start = clock()
      for _ = 1, 50 do lookup(name, realm, region) end
      again = again + clock() - start
      repeated = repeated + 50
      garbage = garbage + collectgarbage("count") - before
      collectgarbage("restart")
    end
    name, realm = next(time * 1e6)
  end
  return found, again / repeated * 1e6, garbage * 1024 / repeated
end

return measure
