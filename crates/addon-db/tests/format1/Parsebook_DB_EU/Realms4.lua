-- Parsebook, region EU: characters by realm. Generated, do not edit; Parsebook/Decoder.lua reads it.
local realm = Parsebook and Parsebook.OpenPart and Parsebook.OpenPart(1, "EU", "a1836cec", 1700000000, 1)
if not realm then return end

realm("AzjolNerub", "Azjol-Nerub", [=[
iCJI:.hk_53
]=])
