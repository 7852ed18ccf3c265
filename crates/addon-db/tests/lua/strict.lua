-- Secret values as the client has them, for the tests: what a program may not do with one is an error. Plain Lua cannot
-- know that `if secret`, `secret == 1`, `secret and 1` or `t[secret]` are forbidden; so the addon's source is rewritten
-- before it runs: these go through the four functions below. Everything else is caught by the value itself.

local strict = {}

------------------------------------------------------------------------------------------------------------------------
-- Secret values
------------------------------------------------------------------------------------------------------------------------

local kinds = setmetatable({}, { __mode = "k" })

local function forbidden() error("a secret value was used", 2) end

-- A secret value that `type` calls `kind`.
function strict.secret(kind)
  local value = newproxy(true)
  for _, event in ipairs({
    "index", "newindex", "call", "concat", "len", "eq", "lt", "le", "add", "sub", "mul", "div", "mod", "pow", "unm",
    "tostring",
  }) do
    getmetatable(value)["__" .. event] = forbidden
  end
  kinds[value] = kind or "string"
  return value
end

function strict.isSecret(value)
  return kinds[value] ~= nil
end

local realType = type
-- `type` of the client: a secret looks like any other value of its kind.
function strict.type(value)
  return kinds[value] or realType(value)
end

-- The functions that rewritten source calls.
local function check(value)
  if kinds[value] then error("a secret value was used", 3) end
  return value
end
function strict.truth(value) return check(value) end
function strict.key(value) return check(value) end
function strict.eq(a, b)
  check(a)
  check(b)
  return a == b
end
function strict.ne(a, b)
  check(a)
  check(b)
  return a ~= b
end

------------------------------------------------------------------------------------------------------------------------
-- Reading Lua 5.1
------------------------------------------------------------------------------------------------------------------------

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function if in local nil not or repeat return then true until
  while]]):gmatch("%a+") do KEYWORDS[word] = true end

-- Tokens as { text, kind, line breaks before it }; kinds: name, keyword, value, sign.
local function tokens(source)
  local list, at, breaks = {}, 1, ""
  local function take(text, kind)
    list[#list + 1] = { text = text, kind = kind, breaks = breaks }
    breaks, at = "", at + #text
  end
  while at <= #source do
    local rest = source:sub(at, at + 200)
    local long = rest:match("^%-?%-?%[(=*)%[")
    if rest:match("^%-%-") and not rest:match("^%-%-%[=*%[") then
      at = (source:find("\n", at, true) or #source + 1)
    elseif long and (rest:match("^%[") or rest:match("^%-%-%[")) then
      local _, stop = source:find("]" .. long .. "]", at, true)
      local text = source:sub(at, stop)
      if text:sub(1, 2) == "--" then
        breaks, at = breaks .. text:gsub("[^\n]", ""), stop + 1
      else
        take(text, "value")
      end
    elseif rest:match("^\n") then
      breaks, at = breaks .. "\n", at + 1
    elseif rest:match("^%s") then
      at = at + 1
    elseif rest:match("^[%a_]") then
      local word = source:match("^[%w_]+", at)
      take(word, KEYWORDS[word] and "keyword" or "name")
    elseif rest:match("^%.?%d") then
      take(source:match("^0[xX]%x+", at) or source:match("^[%d%.]+[eE]?[%+%-]?%d*", at), "value")
    elseif rest:match("^[\"']") then
      local quote, stop = rest:sub(1, 1), at + 1
      while source:sub(stop, stop) ~= quote do stop = stop + (source:sub(stop, stop) == "\\" and 2 or 1) end
      take(source:sub(at, stop), "value")
    else
      take(rest:match("^%.%.%.") or rest:match("^%.%.") or rest:match("^[=~<>]=") or rest:sub(1, 1), "sign")
    end
  end
  list[#list + 1] = { text = "", kind = "end", breaks = breaks }
  return list
end

------------------------------------------------------------------------------------------------------------------------
-- Writing it again
------------------------------------------------------------------------------------------------------------------------

local LEFT = {
  ["or"] = 1, ["and"] = 2, ["<"] = 3, [">"] = 3, ["<="] = 3, [">="] = 3, ["~="] = 3, ["=="] = 3, [".."] = 5,
  ["+"] = 6, ["-"] = 6, ["*"] = 7, ["/"] = 7, ["%"] = 7, ["^"] = 10,
}
local RIGHT = setmetatable({ [".."] = 4, ["^"] = 9 }, { __index = LEFT })
local UNARY = 8

-- Rewrites a chunk; line numbers stay.
function strict.rewrite(source)
  local list, at = tokens(source), 1
  local block, expression, call

  local function peek() return list[at].text, list[at].kind end
  local function take()
    local token = list[at]
    at = at + 1
    return token.breaks .. " " .. token.text
  end
  local function accept(text)
    if list[at].text == text and list[at].kind ~= "value" then return take() end
  end
  local function expect(text)
    return accept(text) or error(("%s expected, not %s"):format(text, list[at].text))
  end

  local function body()
    local code = expect("(")
    while peek() ~= ")" do code = code .. take() end
    return code .. expect(")") .. block() .. expect("end")
  end

  local function expressions()
    local code = expression()
    while peek() == "," do code = code .. take() .. expression() end
    return code
  end

  local function constructor()
    local code = expect("{")
    while peek() ~= "}" do
      if peek() == "[" then
        code = code .. take() .. "__key(" .. expression() .. ")" .. expect("]") .. expect("=") .. expression()
      elseif list[at].kind == "name" and list[at + 1].text == "=" then
        code = code .. take() .. take() .. expression()
      else
        code = code .. expression()
      end
      code = code .. (accept(",") or accept(";") or "")
    end
    return code .. expect("}")
  end

  local function arguments()
    if list[at].kind == "value" then return take() end
    if peek() == "{" then return constructor() end
    local code = expect("(")
    if peek() ~= ")" then code = code .. expressions() end
    return code .. expect(")")
  end

  function call()
    local code
    if peek() == "(" then code = take() .. expression() .. expect(")") else code = take() end
    while true do
      local text, kind = peek()
      if kind == "value" or text == "(" or text == "{" then
        code = code .. arguments()
      elseif text == "." then
        code = code .. take() .. take()
      elseif text == ":" then
        code = code .. take() .. take() .. arguments()
      elseif text == "[" then
        code = code .. take() .. "__key(" .. expression() .. ")" .. expect("]")
      else
        return code
      end
    end
  end

  local function operand()
    local text, kind = peek()
    if text == "not" and kind == "keyword" then
      return take() .. " __truth(" .. expression(UNARY) .. ")"
    elseif (text == "-" or text == "#") and kind == "sign" then
      return take() .. expression(UNARY)
    elseif kind == "value" or text == "nil" or text == "true" or text == "false" or text == "..." then
      return take()
    elseif text == "{" then
      return constructor()
    elseif text == "function" then
      return take() .. body()
    end
    return call()
  end

  function expression(limit)
    local code = operand()
    while list[at].kind ~= "value" and LEFT[peek()] and LEFT[peek()] > (limit or 0) do
      local operator = peek()
      local sign = take()
      local other = expression(RIGHT[operator])
      if operator == "==" or operator == "~=" then
        code = (operator == "==" and " __eq(" or " __ne(") .. code .. "," .. other .. ")"
      elseif operator == "and" or operator == "or" then
        code = " __truth(" .. code .. ")" .. sign .. other
      else
        code = code .. sign .. other
      end
    end
    return code
  end

  local function condition() return " __truth(" .. expression() .. ")" end

  local function statement()
    local text = peek()
    if text == "if" then
      local code = take() .. condition() .. expect("then") .. block()
      while peek() == "elseif" do code = code .. take() .. condition() .. expect("then") .. block() end
      if peek() == "else" then code = code .. take() .. block() end
      return code .. expect("end")
    elseif text == "while" then
      return take() .. condition() .. expect("do") .. block() .. expect("end")
    elseif text == "do" then
      return take() .. block() .. expect("end")
    elseif text == "repeat" then
      return take() .. block() .. expect("until") .. condition()
    elseif text == "for" then
      local code = take()
      while peek() ~= "=" and peek() ~= "in" do code = code .. take() end
      return code .. take() .. expressions() .. expect("do") .. block() .. expect("end")
    elseif text == "function" then
      local code = take()
      while peek() ~= "(" do code = code .. take() end
      return code .. body()
    elseif text == "local" then
      local code = take()
      if peek() == "function" then return code .. take() .. take() .. body() end
      code = code .. take()
      while peek() == "," do code = code .. take() .. take() end
      if peek() == "=" then code = code .. take() .. expressions() end
      return code
    elseif text == "return" then
      local code, next = take(), peek()
      if next ~= "end" and next ~= "else" and next ~= "elseif" and next ~= "until" and next ~= "" and next ~= ";" then
        code = code .. expressions()
      end
      return code
    elseif text == "break" then
      return take()
    end
    local code = call()
    while peek() == "," do code = code .. take() .. call() end
    if peek() == "=" then code = code .. take() .. expressions() end
    return code
  end

  function block()
    local code = ""
    while true do
      local text, kind = peek()
      if kind == "end" or text == "end" or text == "else" or text == "elseif" or text == "until" then return code end
      code = code .. statement() .. (accept(";") or "")
    end
  end

  return "local __truth, __key, __eq, __ne = STRICT.truth, STRICT.key, STRICT.eq, STRICT.ne; " .. block()
end

return strict
