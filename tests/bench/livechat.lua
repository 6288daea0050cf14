-- A LiveChat incoming_event of about 0.7 KB with an event id of its own for each request, 1,000 chats.
-- CHATRELAY_BENCH_RUN makes the ids of one run differ from those of another: a repeated id would be a duplicate.
local run = os.getenv("CHATRELAY_BENCH_RUN") or "0"
local head = '{"webhook_id":"2cd0122d-f5ac-447d-8106-94e7b405b66d","secret_key":"laudla991lamda0pnoaa0","action":"incoming_event",'
  .. '"organization_id":"390e44e6-f1e6-0368c-z6ddb-74g14508c2ex","payload":{"chat_id":"PJ0MRSHT'
local middle = '","thread_id":"K600PKZON8","event":{"id":"K600PKZON8_'
local tail = '","custom_id":"31-0C-1C-07-DB-16","type":"message","author_id":"b7eff798-f8df-4364-8059-649c35c9ed0c",'
  .. '"created_at":"2026-11-20T10:00:00.010200Z","text":"hello there, I have a question about my last order","visibility":"all",'
  .. '"properties":{"property_namespace":{"property_name":"property_value"}}}},"additional_data":{"chat_properties":{'
  .. '"routing":{"continuous":true,"pinned":true},"source":{"client_id":"c5e4f61e1a6c3b1521b541bc5c5a2ac5"}},'
  .. '"chat_presence_user_ids":["b7eff798-f8df-4364-8059-649c35c9ed0c","smith@example.com"]}}'
local path = os.getenv("CHATRELAY_BENCH_PATH") or "/hooks/livechat"
local before = "POST " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
local n = 0

request = function()
  n = n + 1
  local body = head .. (n % 1000) .. middle .. run .. "_" .. n .. tail
  return before .. #body .. "\r\n\r\n" .. body
end

done = function(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format('RESULT {"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, bad))
end
