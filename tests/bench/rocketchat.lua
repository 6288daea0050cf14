-- Calls of Rocket.Chat's livechat API. CHATRELAY_BENCH_ROOMS names a file with a line "token rid" for each room: messages are
-- posted to them in turn. With CHATRELAY_BENCH_GET, that path is fetched instead.
local get = os.getenv("CHATRELAY_BENCH_GET")
local rooms = {}
if not get then
  for line in io.lines(os.getenv("CHATRELAY_BENCH_ROOMS")) do
    local token, rid = line:match("^(%S+) (%S+)$")
    rooms[#rooms + 1] = '{"token":"' .. token .. '","rid":"' .. rid .. '","msg":"hello there, I have a question about my last order, number '
  end
end
local before = "POST /api/v1/livechat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
local fetch = get and "GET " .. get .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
local n = 0

request = function()
  if get then return fetch end
  n = n + 1
  local body = rooms[n % #rooms + 1] .. n .. '"}'
  return before .. #body .. "\r\n\r\n" .. body
end

done = function(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format('RESULT {"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, bad))
end
