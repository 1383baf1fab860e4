-- A POST of 110 bytes of JSON. Two values of the content, and Authorization, are new in every request.
-- The only argument is a seed below 90, which makes the requests of each run different.
local number = 10000000
local template = table.concat({
  "POST /items HTTP/1.1",
  "Host: 127.0.0.1:8000",
  "User-Agent: python-httpx/0.28.1",
  "Accept: */*",
  "Accept-Encoding: gzip, deflate",
  "Connection: keep-alive",
  "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI%d",
  "Content-Type: application/json",
  "Content-Length: 110",
  "",
  '{"id":%d,"name":"order %d","price":9.5,"quantity":3,"tags":["red","large"],"note":"leave at door"}',
}, "\r\n")

function init(args)
  number = number + (tonumber(args[1]) or 0) * 1000000
end

function request()
  number = number + 1
  return string.format(template, number, number, number)
end
