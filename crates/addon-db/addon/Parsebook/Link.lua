-- The address of a character's page on Warcraft Logs, in a box to copy it from.

local _, ns = ...
if not CreateFrame then return end

local L = ns.L

-- Letters of realm names without case and marks, as the site's addresses have them: each stands for the first of its
-- group.
local LETTERS = "aàáâãäåÀÁÂÃÄÅ cçÇ eèéêëÈÉÊË iìíîïÌÍÎÏ nñÑ oòóôõöÒÓÔÕÖ uùúûüÙÚÛÜ "
  .. "аА бБ вВ гГ дД еЕЁё жЖ зЗ иИЙй кК лЛ мМ нН оО пП рР сС тТ уУ фФ хХ цЦ чЧ шШ щЩ ыЫ эЭ юЮ яЯ"
local LETTER = "[%z\1-\127\194-\244][\128-\191]*"

-- A letter's plain form; nil if it is its own.
local plain
local function plainOf(letter)
  if not plain then
    plain = {}
    for group in LETTERS:gmatch("%S+") do
      local first = group:match(LETTER)
      for other in group:gmatch(LETTER) do plain[other] = first end
    end
  end
  return plain[letter]
end

-- "Aggra (Português)" to "aggra-portugues", "Azjol-Nerub" to "azjolnerub".
local function slug(realm)
  realm = realm:lower():gsub("\226\128\153", ""):gsub("['%-()]", ""):gsub("%s+", "-")
  return (realm:gsub("[\194-\244][\128-\191]*", plainOf))
end

-- Everything but letters and digits as %XX.
local function escape(text)
  return (text:gsub("[^%w%-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- The address of a character's page. The site wants the realm's display name, which the data knows for all its realms.
function ns.CharacterUrl(name, realm)
  local region = ns.OwnRegion()
  if not (name and realm and region) then return nil end
  ns.LoadRegion()
  realm = ns.RealmName(realm) or realm
  -- Of the player's own realm, the game tells the display name too.
  local own = ns.Text(ns.Ask(GetRealmName))
  if own and realm == ns.OwnRealm() then realm = own end
  return ("https://www.warcraftlogs.com/character/%s/%s/%s"):format(region:lower(), escape(slug(realm)), escape(name))
end

if StaticPopupDialogs then
  StaticPopupDialogs["PARSEBOOK_URL"] = {
    text = L.COPY_URL,
    button1 = ns.Text(OKAY) or "OK",
    hasEditBox = true,
    editBoxWidth = 320,
    -- Without this, the limit of whichever dialog was open before cuts the address.
    maxLetters = 0,
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
end

-- Shows the address of a character's page; without a realm, of the player's own realm. Returns it, nil if there is
-- none. Not in combat: then the game's popups are not for addons.
function ns.ShowUrl(name, realm)
  local url = ns.CharacterUrl(name, realm or ns.OwnRealm())
  if not url then return nil end
  if ns.InCombat() then
    ns.Say(url)
  else
    ns.Ask(StaticPopup_Show, "PARSEBOOK_URL", name, nil, url)
  end
  return url
end
