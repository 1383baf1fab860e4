-- A POST with a path parameter, two query parameters and 86 bytes of JSON. The shelf, the title and Authorization are new
-- in every request. The only argument is a seed below 90, which makes the requests of each run different.
local number = 10000000
local template = table.concat({
  "POST /shelves/%d/notes?draft=true&page=2 HTTP/1.1",
  "Host: 127.0.0.1:8000",
  "User-Agent: python-httpx/0.28.1",
  "Accept: */*",
  "Accept-Encoding: gzip, deflate",
  "Connection: keep-alive",
  "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI%d",
  "Content-Type: application/json",
  "Content-Length: 86",
  "",
  '{"title":"note %d","text":"buy milk and bread","tags":["red","large"],"stars":4}',
}, "\r\n")

function init(args)
  number = number + (tonumber(args[1]) or 0) * 1000000
end

function request()
  number = number + 1
  return string.format(template, number, number, number)
end
