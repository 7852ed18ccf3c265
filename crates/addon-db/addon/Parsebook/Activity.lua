-- What is listed in the group finder: raid and difficulty of an activity, leader of a group, members of an application.

local _, ns = ...
if not CreateFrame then return end

local Field, Text, Number, True = ns.Field, ns.Text, ns.Number, ns.True

-- The game's difficulties of raids.
local DIFFICULTIES = { [17] = 1, [14] = 3, [15] = 4, [16] = 5 }

-- By activity id: { raid, difficulty }, or false for what is no raid in the data. Emptied when names are read anew.
local known, knownVersion = {}, nil

local function readActivity(id)
  local info = ns.Visible(ns.Ask(C_LFGList and C_LFGList.GetActivityInfoTable, id))
  local raid = ns.RaidOfMap(Number(Field(info, "mapID")))
  local difficulty = DIFFICULTIES[Number(Field(info, "difficultyID")) or 0]
    or True(Field(info, "isMythicActivity")) and 5
    or True(Field(info, "isHeroicActivity")) and 4
    or True(Field(info, "isNormalActivity")) and 3
  return raid and difficulty and { raid, difficulty } or false
end

-- Raid and difficulty of an activity in Warcraft Logs' numbers; nil if it is no raid in the data.
function ns.Activity(id)
  id = Number(id)
  if not id then return nil end
  if knownVersion ~= ns.version then known, knownVersion = {}, ns.version end
  local activity = known[id]
  if activity == nil then
    activity = readActivity(id)
    known[id] = activity
  end
  if not activity then return nil end
  return activity[1], activity[2]
end

-- The first activity of a listing.
local function activityOf(listing)
  return Number(Field(Field(listing, "activityIDs"), 1)) or Number(Field(listing, "activityID"))
end

-- Leader and activity of a search result; nil for what is hidden.
function ns.SearchResult(resultID)
  resultID = Number(resultID)
  local result = resultID and ns.Visible(ns.Ask(C_LFGList and C_LFGList.GetSearchResultInfo, resultID))
  if not result then return nil end
  return Text(Field(result, "leaderName")), activityOf(result)
end

-- The activity of the player's own listing.
function ns.OwnActivity()
  return activityOf(ns.Visible(ns.Ask(C_LFGList and C_LFGList.GetActiveEntryInfo)))
end

-- Full name and role of one member of an application; nil for what is hidden.
function ns.Applicant(applicantID, index)
  applicantID, index = Number(applicantID), Number(index)
  if not applicantID or not index then return nil end
  local name, _, _, _, _, _, _, isHealer, isDamage, role = ns.Ask(
    C_LFGList and C_LFGList.GetApplicantMemberInfo, applicantID, index)
  role = Text(role)
  -- Before a role is given: a healer is one who offers nothing else.
  if not role or role == "NONE" then role = True(isHealer) and not True(isDamage) and "HEALER" or nil end
  return Text(name), role
end

-- The best group finder text of somebody for an activity; nil without.
function ns.ActivityText(fullName, activity, role)
  local raid, difficulty = ns.Activity(activity)
  if not raid then return nil end
  local found = ns.Find(ns.NameInList(fullName))
  return found and ns.RowText(found, raid, difficulty, role)
end

-- The mean rank of somebody for an activity in exactly its difficulty; nil without.
function ns.ActivityRank(fullName, activity, role)
  local raid, difficulty = ns.Activity(activity)
  if not raid then return nil end
  local found = ns.Find(ns.NameInList(fullName))
  local group = found and ns.BestGroup(found, raid, difficulty, role)
  return group and ns.MeanRank(group)
end
