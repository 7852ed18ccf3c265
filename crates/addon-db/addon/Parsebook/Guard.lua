-- Values of the game that may be nil or, since 12.0, secret: a secret value must not be compared, joined, used as a key
-- or given to string functions. Whatever comes from the game passes through here first; what is hidden becomes nil.

local _, ns = ...

local isSecret = issecretvalue or function() return false end

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

-- A field of a table that may be nil or secret itself.
function ns.Field(table, key)
  if isSecret(table) or type(table) ~= "table" then return nil end
  return ns.Visible(table[key])
end

-- "Name-Realm" in its parts; without a realm, the second is nil. A name has no hyphen, a realm may.
function ns.SplitName(full)
  full = ns.Text(full)
  if not full then return nil end
  local name, realm = full:match("^%s*([^%s%-]+)%s*%-%s*(.-)%s*$")
  if name then return name, ns.Text(realm) end
  return full:match("^%s*([^%s%-]+)%s*$"), nil
end
