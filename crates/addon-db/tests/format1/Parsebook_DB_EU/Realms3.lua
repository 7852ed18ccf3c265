-- Parsebook, region EU: characters by realm. Generated, do not edit; Parsebook/Decoder.lua reads it.
local realm = Parsebook and Parsebook.OpenPart and Parsebook.OpenPart(1, "EU", "a1836cec", 0, 0)
if not realm then return end
