-- Classes and specs: Warcraft Logs' ids and slugs, the game's ids, names and icons.

local _, ns = ...

-- By Warcraft Logs' class id: the game's name of the class, then its specs, each with the game's id. Texts, because a
-- player meets few of them, and tables would take four times the memory.
local CLASSES = {
  "deathknight Blood=250 Frost=251 Unholy=252",
  "druid Balance=102 Feral=103 Guardian=104 Restoration=105",
  "hunter BeastMastery=253 Marksmanship=254 Survival=255",
  "mage Arcane=62 Fire=63 Frost=64",
  "monk Brewmaster=268 Windwalker=269 Mistweaver=270",
  "paladin Holy=65 Protection=66 Retribution=70",
  "priest Discipline=256 Holy=257 Shadow=258",
  "rogue Assassination=259 Outlaw=260 Subtlety=261",
  "shaman Elemental=262 Enhancement=263 Restoration=264",
  "warlock Affliction=265 Demonology=266 Destruction=267",
  "warrior Arms=71 Fury=72 Protection=73",
  "demonhunter Havoc=577 Vengeance=581 Devourer=1480",
  "evoker Devastation=1467 Preservation=1468 Augmentation=1473",
}

-- The spec's name in the player's language, its icon and its role; the slug in words where the game does not know it.
function ns.Spec(classId, slug)
  if not slug then return nil end
  local class = CLASSES[classId]
  local _, stop = (class or ""):find(" " .. slug .. "=", 1, true)
  local id = stop and tonumber(class:match("^%d+", stop + 1))
  local words = slug:gsub("(%l)(%u)", "%1 %2")
  if not id then return words end
  local _, name, _, icon, role = ns.Ask(GetSpecializationInfoByID, id)
  name, icon, role = ns.Text(name), ns.Visible(icon), ns.Text(role)
  if not name or ns.Options and ns.Options.englishNames then name = words end
  return name, icon, role
end

-- Little pictures before a headline: class, spec, role; "" where the client has none.
function ns.Icons(classId, icon, role)
  local class, pictures = CLASSES[classId], ""
  if class then pictures = ("|A:classicon-%s:14:14|a "):format(class:match("^%l+")) end
  if icon then pictures = pictures .. ("|T%s:14:14:0:0:64:64:4:60:4:60|t "):format(tostring(icon)) end
  local picture = role and ns.Text(_G["INLINE_" .. role .. "_ICON"])
  return picture and pictures .. picture .. " " or pictures
end
