-- The address of a character's page on Warcraft Logs, in a box to copy it from; reached by the right-click menu.

local _, ns = ...
if not CreateFrame then return end

-- Letters of realm names without case and marks, as the site's addresses have them.
local PLAIN = {}
for plain, letters in pairs({
  a = "àáâãäåÀÁÂÃÄÅ", c = "çÇ", e = "èéêëÈÉÊË", i = "ìíîïÌÍÎÏ", n = "ñÑ", o = "òóôõöÒÓÔÕÖ", u = "ùúûüÙÚÛÜ",
  ["а"] = "А", ["б"] = "Б", ["в"] = "В", ["г"] = "Г", ["д"] = "Д", ["е"] = "ЕЁё", ["ж"] = "Ж", ["з"] = "З",
  ["и"] = "ИЙй", ["к"] = "К", ["л"] = "Л", ["м"] = "М", ["н"] = "Н", ["о"] = "О", ["п"] = "П", ["р"] = "Р",
  ["с"] = "С", ["т"] = "Т", ["у"] = "У", ["ф"] = "Ф", ["х"] = "Х", ["ц"] = "Ц", ["ч"] = "Ч", ["ш"] = "Ш",
  ["щ"] = "Щ", ["ы"] = "Ы", ["э"] = "Э", ["ю"] = "Ю", ["я"] = "Я",
}) do
  for letter in letters:gmatch("[\194-\244][\128-\191]*") do PLAIN[letter] = plain end
end

-- "Aggra (Português)" to "aggra-portugues", "Azjol-Nerub" to "azjolnerub".
local function slug(realm)
  realm = realm:lower():gsub("\226\128\153", ""):gsub("['%-()]", ""):gsub("%s+", "-")
  return (realm:gsub("[\194-\244][\128-\191]*", PLAIN))
end

-- Everything but letters and digits as %XX.
local function escape(text)
  return (text:gsub("[^%w%-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- The address of a character's page; `realm` is best a display name, which the data knows for every realm in it.
function ns.CharacterUrl(name, realm)
  local region = ns.OwnRegion()
  if not (name and realm and region) then return nil end
  local found = ns.Find(name, realm)
  return ("https://www.warcraftlogs.com/character/%s/%s/%s"):format(
    region:lower(), escape(slug(found and found.realm or realm)), escape(name))
end

StaticPopupDialogs["PARSEBOOK_URL"] = {
  text = "Warcraft Logs: %s\nCopy the address with Ctrl-C.",
  button1 = "OK",
  hasEditBox = true,
  editBoxWidth = 320,
  timeout = 0,
  whileDead = true,
  hideOnEscape = true,
  OnShow = function(self, url)
    local box = self.editBox or self.EditBox
    box:SetText(url)
    box:HighlightText()
    box:SetFocus()
  end,
  EditBoxOnEscapePressed = function(self) self:GetParent():Hide() end,
  EditBoxOnEnterPressed = function(self) self:GetParent():Hide() end,
}

-- Shows the address of a character's page; without a realm, of the player's own realm.
function ns.ShowUrl(name, realm)
  realm = realm or ns.Text(GetRealmName and GetRealmName())
  local url = ns.CharacterUrl(name, realm)
  if url then StaticPopup_Show("PARSEBOOK_URL", name, nil, url) end
  return url
end

local MENUS = {
  "SELF", "PLAYER", "PARTY", "RAID_PLAYER", "FRIEND", "GUILD", "COMMUNITIES_GUILD_MEMBER", "ENEMY_PLAYER",
}

if Menu and Menu.ModifyMenu then
  for _, menu in ipairs(MENUS) do
    Menu.ModifyMenu("MENU_UNIT_" .. menu, function(_, root, context)
      local name, realm = ns.SplitName(ns.Field(context, "name"))
      realm = ns.Text(ns.Field(context, "server")) or realm
      if not name or not ns.Options.menu then return end
      root:CreateDivider()
      root:CreateTitle("Parsebook")
      root:CreateButton("Warcraft Logs page", function() ns.ShowUrl(name, realm) end)
    end)
  end
end
