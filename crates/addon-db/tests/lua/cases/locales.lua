-- Languages: no key missing, none left in English, what is filled in at the same places.

local t = ...
local game = t.game
local same = t.same
local tests = {}

local LOCALES = { "deDE", "esES", "esMX", "frFR", "itIT", "koKR", "ptBR", "ruRU", "zhCN", "zhTW" }

-- The texts of a language, as the game loads them: English first.
local function load(locale)
  game.install({ region = 3, locale = locale })
  local ns = {}
  for _, file in ipairs({ "Guard", "Locales/enUS", "Locales/" .. locale }) do
    assert(loadfile(t.folder("Parsebook") .. "/" .. file .. ".lua"))("Parsebook", ns)
  end
  game.remove()
  return ns.L
end

-- What a text is filled with, in order: "s d s".
local function fillings(text)
  local list = {}
  for place, kind in text:gmatch("%%(%d*)%$?([sd])") do
    list[tonumber(place) or #list + 1] = kind
  end
  return table.concat(list, " ")
end

function tests.each_has_every_key_in_its_own_words()
  local english = load("enUS")
  local count = 0
  for _ in pairs(english) do count = count + 1 end
  same(count > 80, true, "texts: " .. count)
  for _, locale in ipairs(LOCALES) do
    local texts = load(locale)
    for key, text in pairs(english) do
      local translated = texts[key]
      same(translated ~= nil and translated ~= text, true, ("%s.%s"):format(locale, key))
      same(fillings(translated), fillings(text), ("%s.%s"):format(locale, key))
    end
    for key in pairs(texts) do same(english[key] ~= nil, true, ("%s.%s is nowhere used"):format(locale, key)) end
  end
end

function tests.a_language_alone_changes_texts()
  local spanish = load("esES")
  same(load("xxXX" and "enUS").NO_DATE, "No ranks.")
  same(spanish.NO_DATE ~= "No ranks.", true)
end

-- Every text that the code asks for is there, and every text is asked for.
function tests.every_text_is_used()
  local english, source = load("enUS"), {}
  for line in t.read(t.folder("Parsebook") .. "/Parsebook.toc"):gmatch("[^\r\n]+") do
    if line:find("%.lua$") and not line:find("^Locales") and not line:find("^Tables") then
      source[#source + 1] = t.read(t.folder("Parsebook") .. "/" .. line)
    end
  end
  source = table.concat(source)
  for key in source:gmatch("[^%w]L%.([%w_]+)") do same(english[key] ~= nil, true, key) end
  for key in pairs(english) do
    local built = key:match("^OPTION_(%w+)$") or key:match("^OPTION_(%w+)_HELP$") or key:match("^CHOICE_(%w+)$")
    local isUsed = source:find("L." .. key, 1, true) or source:find('"' .. key .. '"', 1, true)
      or built and source:find('"' .. built .. '"', 1, true)
    same(isUsed ~= nil and isUsed ~= false, true, key .. " is used")
  end
end

function tests.titles_and_notes_in_the_toc()
  local toc = t.read(t.folder("Parsebook") .. "/Parsebook.toc")
  for _, locale in ipairs(LOCALES) do
    for _, tag in ipairs({ "Title", "Notes" }) do
      local text = toc:match("## " .. tag .. "%-" .. locale .. ": ([^\r\n]+)")
      same(text ~= nil and text ~= toc:match("## " .. tag .. ": ([^\r\n]+)"), true, tag .. "-" .. locale)
    end
  end
end

return tests
