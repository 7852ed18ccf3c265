-- Values of the game that may be nil or, since 12.0, secret: a secret value must not be compared, joined, used as a key
-- or in a condition, or given to string functions. Whatever comes from the game passes through here first; what is
-- hidden becomes nil. And functions of the game that may be missing: they answer nothing.

local _, ns = ...

local isSecret = issecretvalue or function() return false end

-- Whether a value may not be looked at.
ns.IsSecret = isSecret

-- The value, nil if it is secret.
function ns.Visible(value)
  if isSecret(value) then return nil end
  return value
end

-- The value if it is a string with something in it and not secret, else nil.
function ns.Text(value)
  if isSecret(value) or type(value) ~= "string" or value == "" then return nil end
  return value
end

-- The value if it is a number and not secret, else nil.
function ns.Number(value)
  if isSecret(value) or type(value) ~= "number" then return nil end
  return value
end

-- Whether the value is true itself: neither secret nor anything else.
function ns.True(value)
  return not isSecret(value) and value == true
end

-- A field of a table or frame that may be nil or secret itself.
function ns.Field(table, key)
  if isSecret(table) or type(table) ~= "table" then return nil end
  return ns.Visible(table[key])
end

-- The answer of a function of the game; nothing if there is no such function. What it answers may still be secret.
function ns.Ask(f, ...)
  if isSecret(f) or type(f) ~= "function" then return nil end
  return f(...)
end

-- The same for a method of a frame or tooltip.
function ns.AskFrame(frame, method, ...)
  local f = ns.Field(frame, method)
  if type(f) ~= "function" then return nil end
  return f(frame, ...)
end

-- Calls `f` at events of the game; never where the game has no frame for us.
function ns.On(events, f)
  local frame = ns.Visible(CreateFrame("Frame"))
  if not ns.Field(frame, "RegisterEvent") or not ns.Field(frame, "SetScript") then return end
  for _, event in ipairs(events) do frame:RegisterEvent(event) end
  frame:SetScript("OnEvent", f)
end

-- "Name-Realm" in its parts; without a realm, the second is nil. A name has no hyphen, a realm may.
function ns.SplitName(full)
  full = ns.Text(full)
  if not full then return nil end
  local name, realm = full:match("^%s*([^%s%-]+)%s*%-%s*(.-)%s*$")
  if name then return name, ns.Text(realm) end
  return full:match("^%s*([^%s%-]+)%s*$"), nil
end

-- The same for what a player types: a blank may stand for the hyphen.
function ns.SplitTyped(text)
  text = ns.Text(text)
  if not text then return nil end
  local name, realm = text:match("^%s*([^%s%-]+)[%s%-]*(.-)%s*$")
  return name, ns.Text(realm)
end

-- Whether the player is in combat. Where the game does not tell, no.
function ns.InCombat()
  return ns.True(ns.Ask(InCombatLockdown))
end

-- A line in the player's chat.
function ns.Say(text)
  print("|cff66ccffParsebook|r " .. text)
end
