-- Parsebook, region EU: characters by realm. Generated, do not edit; Parsebook/Decoder.lua reads it.
local realm = Parsebook and Parsebook.OpenPart and Parsebook.OpenPart(1, "EU", "a1836cec", 1700000000, 5)
if not realm then return end

realm("Aegwynn", "Aegwynn", [=[
"l%9p/[+gy{;#a_uF5IM9!L/;M+Ze/Z_9p2Q/n
]=])

realm("Aggra(Português)", "Aggra (Português)", [=[
3y*x)`Sk_53
]=])

realm("Ner'zhul", "Ner’zhul", [=[
g0@oTez@k_53
]=])

realm("Templenoir", "Temple noir", [=[
T}&Kt(M!-,P6T,,asna(
]=])

realm("Ясеневыйлес", "Ясеневый лес", [=[
#u[sQ{AdK_[_53
]=])
