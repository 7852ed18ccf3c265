-- The colour of a rank. Runs in plain Lua too, for Parsebook.GetColor.

local _, ns = ...

-- Least rank and its colour, by the option `colours`. WCL's own; one that differs in brightness alone, which everybody
-- can tell apart; and none.
local PALETTES = {
  WCL = {
    { 100, "e5cc80" }, -- gold
    { 99, "e268a8" }, -- pink
    { 95, "ff8000" }, -- orange
    { 75, "a335ee" }, -- purple
    { 50, "0070ff" }, -- blue
    { 25, "1eff00" }, -- green
    { 0, "808080" }, -- grey
  },
  BRIGHTNESS = {
    { 100, "ffffff" },
    { 99, "ffe680" },
    { 95, "f0c850" },
    { 75, "d0ac48" },
    { 50, "ac9458" },
    { 25, "8a7c5c" },
    { 0, "707070" },
  },
  NONE = { { 0, "ffffff" } },
}

-- Six hexadecimal digits for a rank of 0 to 100.
function ns.HexOfRank(rank)
  for _, band in ipairs(PALETTES[ns.Options and ns.Options.colours] or PALETTES.WCL) do
    if rank >= band[1] then return band[2] end
  end
  return "808080"
end

-- A rank in its colour, for chat and tooltips.
function ns.ColourRank(rank)
  return ("|cff%s%d|r"):format(ns.HexOfRank(rank), rank)
end

-- Text in a colour.
function ns.Grey(text)
  return "|cff808080" .. text .. "|r"
end
