-- A browser's GET with twelve fields. The target and four of the fields (User-Agent, Referer, Cookie, X-Request-Id)
-- are new in every request, so that no server answers from a cache.
-- The only argument is a seed below 90, which makes the requests of each run different.
local number = 10000000
local template = table.concat({
  "GET /items/%d?page=%d&sort=name HTTP/1.1",
  "Host: 127.0.0.1:8000",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.%d Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/json;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Language: en-GB,en;q=0.9,de;q=0.7",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Referer: http://127.0.0.1:8000/items?after=%d",
  "Cookie: session=8f14e45fceea167a5a36dedd%d; theme=dark; seen=1",
  "X-Request-Id: 2c624232-cc22-4e18-8d5e-9fb1%d",
  "Sec-Fetch-Dest: empty",
  "Sec-Fetch-Mode: cors",
  "Sec-Fetch-Site: same-origin",
  "Connection: keep-alive",
  "",
  "",
}, "\r\n")

function init(args)
  number = number + (tonumber(args[1]) or 0) * 1000000
end

function request()
  number = number + 1
  return string.format(template, number, number, number, number, number, number)
end
