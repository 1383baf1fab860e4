-- Requests from a template: each %d, of which there are six at most, is replaced by a number that is new in every request.
-- The arguments: a seed below 90, the file of the template, and a bound for the first number, which then repeats.
local number = 10000000
local template, bound

function init(args)
  number = number + (tonumber(args[1]) or 0) * 1000000
  local file = assert(io.open(args[2], "rb"))
  template = file:read("*a")
  file:close()
  bound = tonumber(args[3] or "0")
end

function request()
  number = number + 1
  local first = number
  if bound > 0 then first = number % bound end
  return string.format(template, first, number, number, number, number, number)
end
