-- Twelve field lines; the target and three values differ in every request, so that no server answers from a cache.
-- The only argument is a seed below 100, which makes the requests of each run different.
local number = 0

function init(args)
  number = (tonumber(args[1]) or 0) * 10000000
end

function request()
  number = number + 1
  return string.format("GET /items/%d?page=%d&sort=name HTTP/1.1\r\n", number, number)
    .. "Host: 127.0.0.1:8000\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n"
    .. string.format("User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Build/%d\r\n", number)
    .. "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    .. "Accept-Language: en-GB,en;q=0.9,de;q=0.7\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    .. string.format("Referer: http://127.0.0.1:8000/items/%d\r\n", number - 1)
    .. string.format("Cookie: session=%032d; theme=dark; seen=%d\r\n", number, number)
    .. "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n\r\n"
end
