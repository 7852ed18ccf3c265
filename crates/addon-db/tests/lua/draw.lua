-- Draws what a player sees, from the stand-in for the client: lua5.1 draw.lua FOLDER writes FOLDER/addon-LOCALE.svg.
-- The people, raids and bosses are made up. Loaded with a `support` as argument, it answers the drawings by file name.

local given = ...
local here = (arg and arg[0] or "draw.lua"):gsub("[^/]*$", "")
local t = type(given) == "table" and given or assert(loadfile(here .. "support.lua"))(here)
local game = t.game

-- By language: the raid, its bosses, the spec, and the client's words.
local WORLDS = {
  enUS = {
    "Halls of the Ember Court", "Warden Ashkar", "The Hollow Choir", "Queen Sylvara", spec = "Restoration",
    difficulties = { "Normal", "Heroic", "Raid Finder", "Mythic" }, player = "Player",
  },
  deDE = {
    "Hallen des Gluthofs", "Wächter Ashkar", "Der hohle Chor", "Königin Sylvara", spec = "Wiederherstellung",
    difficulties = { "Normal", "Heroisch", "Schlachtzugsbrowser", "Mythisch" },
    player = "Spieler",
  },
  koKR = {
    "잿불 궁정의 전당", "감시자 아쉬카르", "공허한 합창단", "여왕 실바라", spec = "복원",
    difficulties = { "일반", "영웅", "공격대 찾기", "신화" }, player = "플레이어",
  },
  zhCN = {
    "余烬王庭大厅", "守望者阿什卡", "空洞唱诗班", "女王希尔瓦拉", spec = "恢复",
    difficulties = { "普通", "英雄", "随机团队", "史诗" }, player = "玩家",
  },
}
local LOCALES = { "enUS", "deDE", "koKR", "zhCN" }

local function ranks(difficulty, metric, list)
  local group = { raid = 40, difficulty = difficulty, metric = metric, spec = "Restoration", encounters = {} }
  for id, rank in pairs({ [102] = list[1], [101] = list[2], [103] = list[3] }) do
    if rank then group.encounters[#group.encounters + 1] = { id = id, rank = rank, kills = 3 + rank % 7 } end
  end
  table.sort(group.encounters, function(a, b) return (a.id == 102 and 0 or a.id) < (b.id == 102 and 0 or b.id) end)
  return group
end

local PEOPLE = {
  ["Chôgun"] = {
    realm = "Templenoir", ranks(5, "hps", { 87 }), ranks(4, "hps", { 99, 96, 78 }), ranks(3, "hps", { 100, 91, 95 }),
  },
  Elune = { realm = "AzjolNerub", ranks(4, "dps", { 75, 52, 40 }) },
  Luso = { realm = "Aggra(Português)", ranks(4, "dps", { 31, 22 }) },
  Mirnok = { realm = "Ner'zhul", ranks(5, "dps", { 97, 99 }) },
}

local function begin(locale)
  local world = WORLDS[locale]
  t.start({
    locale = locale, isPlain = true, specs = { [264] = { world.spec, "HEALER" } },
    journal = { { { 10, world[1], 2522, { { world[2], 102 }, { world[3], 101 }, { world[4], 103 } } } } },
  })
  for index, word in ipairs(world.difficulties) do _G["PLAYER_DIFFICULTY" .. (index == 4 and 6 or index)] = word end
  for name, person in pairs(PEOPLE) do Parsebook.Lookup(name, person.realm).ranks = person end
  return world
end

------------------------------------------------------------------------------------------------------------------------
-- From the client's texts to a drawing
------------------------------------------------------------------------------------------------------------------------

local LINE, WIDTH = 18, 470

local function escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"))
end

-- Text with the client's colours; pictures become little squares.
local function spans(text, colour)
  text = text:gsub("|[TA][^|]*|[ta] ?", "\226\150\163 ")
  local out, rest = {}, text
  while rest ~= "" do
    local before, hex, inside, after = rest:match("^(.-)|cff(%x%x%x%x%x%x)(.-)|r(.*)$")
    if not before then before, rest = rest, "" else rest = after end
    if before ~= "" then out[#out + 1] = ('<tspan fill="#%s">%s</tspan>'):format(colour, escape(before)) end
    if hex then out[#out + 1] = ('<tspan fill="#%s">%s</tspan>'):format(hex, escape(inside)) end
  end
  return table.concat(out)
end

local function textAt(x, y, text, colour, anchor)
  return ('<text xml:space="preserve" x="%d" y="%d" text-anchor="%s">%s</text>'):format(
    x, y, anchor or "start", spans(text, colour or "ffffff"))
end

local function box(x, y, height, content)
  return ('<rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="#0d1020" stroke="#6b6b80"/>\n%s\n'):format(
    x, y, WIDTH, height, table.concat(content, "\n"))
end

-- A tooltip: what the addon adds, below the client's own first lines.
local function tooltip(x, y, own)
  local lines = {}
  GameTooltip.AddLine = function(_, text) lines[#lines + 1] = { text } end
  GameTooltip.AddDoubleLine = function(_, left, right) lines[#lines + 1] = { left, right } end
  for _, text in ipairs(own) do lines[#lines + 1] = { text } end
  game.unitCalls[1](GameTooltip, { guid = game.units.mouseover.guid, lines = { { unitToken = "mouseover" } } })
  local content = {}
  for index, line in ipairs(lines) do
    local at = y + 6 + index * LINE
    content[#content + 1] = textAt(x + 10, at, line[1], index == 1 and "0070dd" or "ffffff")
    if line[2] then content[#content + 1] = textAt(x + WIDTH - 10, at, line[2], "ffffff", "end") end
  end
  local height = #lines * LINE + 16
  return box(x, y, height, content), height
end

-- Rows of the group finder with our text in them.
local function rows(x, y, world)
  game.activities = { { mapID = 2522, difficultyID = 15 } }
  local content, at = {}, y + 20
  for id, name in ipairs({ "Mirnok-Ner'zhul", "Chôgun", "Elune-AzjolNerub", "Luso-Aggra(Português)" }) do
    game.results[id] = { leaderName = name, activityIDs = { 1 } }
    local row = game.installed.CreateFrame("Button")
    row.resultID = id
    LFGListSearchEntry_Update(row)
    content[#content + 1] = textAt(x + 10, at, (name:match("^[^%-]+")), "ffd100")
    content[#content + 1] = textAt(x + 10, at + 15, world[1], "808080")
    content[#content + 1] = textAt(x + WIDTH - 10, at + 15, row.labels[1].text, "ffffff", "end")
    at = at + 40
  end
  return box(x, y, 168, content)
end

local function draw(locale)
  local world = begin(locale)
  t.player("mouseover", "Chôgun")
  local own = { "Chôgun", world.player }
  local short, shortHeight = tooltip(10, 10, own)
  game.shift = true
  local long, height = tooltip(30 + WIDTH, 10, own)
  game.shift = false
  local list = rows(10, 30 + shortHeight, world)
  height = math.max(height, shortHeight + 20 + 168) + 20
  return ([[<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-size="13"
  font-family="'Noto Sans','Noto Sans CJK SC','Noto Sans CJK KR','Malgun Gothic','Microsoft YaHei',sans-serif">
<rect width="100%%" height="100%%" fill="#2b2f3a"/>
%s%s%s</svg>
]]):format(2 * WIDTH + 40, height, short, long, list)
end

local drawings = {}
for _, locale in ipairs(LOCALES) do
  drawings["addon-" .. locale .. ".svg"] = draw(locale)
end
game.remove()
if given == t then return drawings end

for name, text in pairs(drawings) do
  local file = assert(io.open(assert(given, "usage: lua5.1 draw.lua FOLDER") .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end
