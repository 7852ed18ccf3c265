-- Parsebook, region EU: raids, newest first, with their encounters in order. Generated, do not edit.
local raid = Parsebook and Parsebook.OpenRegion and Parsebook.OpenRegion(1, "EU", "a1836cec")
if not raid then return end

raid(40, "Vault of Tests", {
  102, "First Boss",
  101, "Middle Boss",
  103, "Last Boss",
})
