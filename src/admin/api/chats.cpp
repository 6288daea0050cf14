// GET /api/chats and /api/chats/{source}/{id}: conversations, with their transcript, deliveries and links.
#include "admin/api/handlers.hpp"
#include "admin/api/links.hpp"
#include "admin/api/standstill.hpp"
#include "admin/api/views.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::api {
namespace {

Result<json::value> read_chat(ReadAccess& access, const Standstill& standstill, const std::string& source,
                              const std::string& chat_id, const std::string& thread_id) {
  store::ChatFilter filter;
  filter.source = source;
  filter.chat_id = chat_id;
  filter.page.limit = 1;
  const auto rows = access.reader.list_chats(filter);
  if (!rows) return rows.error();
  if (rows->empty())
    return not_found("there is no chat " + printable(chat_id, 60) + " from source " + printable(source, 60));
  const auto conversation = access.reader.conversation(source, chat_id);
  if (!conversation) return conversation.error();
  const auto messages = access.reader.messages(source, chat_id, thread_id, 0);
  if (!messages) return messages.error();
  store::DeliveryFilter of_chat;
  of_chat.chat = {source, chat_id};
  of_chat.page.limit = page_max;
  const auto deliveries = standstill.list(access.reader, of_chat);
  if (!deliveries) return deliveries.error();

  json::object out = view(rows->front());
  out["state"] = *conversation ? (*conversation)->state : json::value(nullptr);
  json::array transcript, sent;
  for (const store::StoredMessage& message : *messages) transcript.push_back(view(message));
  for (const store::StoredDelivery& delivery : *deliveries) sent.push_back(view(delivery));
  out["transcript"] = std::move(transcript);
  out["deliveries"] = std::move(sent);
  const auto links = access.reader.links_of_chat(source, chat_id);
  if (!links) return links.error();
  auto shown = links_view(access.reader, *links);
  if (!shown) return shown.error();
  out["links"] = std::move(*shown);
  return out;
}

}  // namespace

awaitable<http::Response> list_chats(Call& call) {
  store::ChatFilter filter = read_chat_filter(call.fields, call.now());
  filter.page = read_page(call.fields);
  if (const auto error = call.fields.error()) co_return error_response(*error);
  std::function<Result<json::value>(ReadAccess&)> read = [filter](ReadAccess& access) -> Result<json::value> {
    auto rows = access.reader.list_chats(filter);
    if (!rows) return rows.error();
    return json::value(
        page_of("chats", std::move(*rows), filter.page.limit - 1, [](const store::ChatRow& row) { return row.pk; }));
  };
  const auto result = co_await call.services->reads.run(std::move(read));
  co_return answer(result);
}

awaitable<http::Response> show_chat(Call& call) {
  const std::string thread_id = call.fields.text("thread");
  if (const auto error = call.fields.error()) co_return error_response(*error);
  const Standstill standstill(call.context().destination_status());
  std::function<Result<json::value>(ReadAccess&)> read = [standstill, source = call.names["source"],
                                                          chat_id = call.names["id"], thread_id](ReadAccess& access) {
    return read_chat(access, standstill, source, chat_id, thread_id);
  };
  const auto result = co_await call.services->reads.run(std::move(read));
  co_return answer(result);
}

}  // namespace chatrelay::admin::api
