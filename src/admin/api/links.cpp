// GET /api/links: which record a chat became at each destination, and back.
#include "admin/api/links.hpp"

#include <set>

#include "admin/api/handlers.hpp"
#include "admin/api/views.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::api {
namespace {

constexpr std::size_t links_max = 500;            // Limit: in one answer
constexpr std::size_t chats_of_visitor_max = 20;  // Limit: for each link

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text_value(text));
}

// The chats that a link leads back to, the last active ones first.
Result<json::array> chats_of(store::Reader& reader, const store::StoredLink& link) {
  json::array out;
  if (link.scope != store::LinkScope::visitor) {
    out.push_back(text_value(link.subject.chat_id));
    return out;
  }
  store::ChatFilter filter;
  filter.source = link.subject.source;
  filter.visitor = link.subject.visitor_id;
  filter.page.limit = chats_of_visitor_max;
  const auto rows = reader.list_chats(filter);
  if (!rows) return rows.error();
  for (const store::ChatRow& row : *rows)
    if (row.visitor_id == link.subject.visitor_id) out.push_back(text_value(row.chat_id));
  return out;
}

Result<json::value> read_links_of_chat(ReadAccess& access, const std::string& source, const std::string& chat_id) {
  const auto links = access.reader.links_of_chat(source, chat_id);
  if (!links) return links.error();
  auto shown = links_view(access.reader, *links);
  if (!shown) return shown.error();
  return json::value(json::object{{"links", std::move(*shown)}});
}

Result<json::value> read_links_of_remote(ReadAccess& access, const store::LinkFilter& filter) {
  const auto links = access.reader.find_links(filter);
  if (!links) return links.error();
  auto shown = links_view(access.reader, *links);
  if (!shown) return shown.error();
  for (std::size_t i = 0; i < links->size(); ++i) {
    auto chats = chats_of(access.reader, (*links)[i]);
    if (!chats) return chats.error();
    (*shown)[i].as_object()["chats"] = std::move(*chats);
  }
  return json::value(json::object{{"links", std::move(*shown)}});
}

}  // namespace

Result<json::array> links_view(store::Reader& reader, const std::vector<store::StoredLink>& links) {
  json::array out;
  for (const store::StoredLink& link : links) {
    const auto delivery = reader.delivery(link.delivery);
    if (!delivery) return delivery.error();
    out.push_back(json::object{{"destination", text_value(link.destination)},
                               {"scope", store::to_string(link.scope)},
                               {"source", text_value(link.subject.source)},
                               {"visitor_id", text_or_null(link.subject.visitor_id)},
                               {"chat_id", text_or_null(link.subject.chat_id)},
                               {"thread_id", text_or_null(link.subject.thread_id)},
                               {"key", text_value(link.key)},
                               {"value", text_value(link.value)},
                               {"delivery", *delivery ? json::value((*delivery)->id) : json::value(nullptr)},
                               {"event_seq", *delivery ? json::value((*delivery)->event.seq) : json::value(nullptr)},
                               {"saved_at", format_rfc3339(link.saved_at)}});
  }
  return out;
}

Result<json::array> links_of_event(store::Reader& reader, const std::string& source,
                                   const std::vector<store::PlannedPart>& parts, const json::value& decoded) {
  std::set<std::string> chats, visitors;
  for (const store::PlannedPart& part : parts)
    if (!part.chat_id.empty()) chats.insert(part.chat_id);
  if (chats.empty() && decoded.is_array())
    for (const json::value& event : decoded.get_array())
      if (const json::value* visitor = find(event, "visitor"))
        if (const auto id = string_at(*visitor, "id")) visitors.insert(*id);
  std::vector<store::StoredLink> all;
  const auto add = [&](Result<std::vector<store::StoredLink>> links) -> Result<void> {
    if (!links) return links.error();
    all.insert(all.end(), links->begin(), links->end());
    return {};
  };
  for (const std::string& chat : chats)
    if (const auto added = add(reader.links_of_chat(source, chat)); !added) return added.error();
  for (const std::string& visitor : visitors) {
    store::LinkSubject subject;
    subject.source = source;
    subject.visitor_id = visitor;
    if (const auto added = add(reader.links(subject, "")); !added) return added.error();
  }
  if (all.size() > links_max) all.resize(links_max);
  return links_view(reader, all);
}

awaitable<http::Response> list_links(Call& call) {
  const std::string source = call.fields.text("source"), chat = call.fields.text("chat");
  store::LinkFilter filter;
  filter.value = call.fields.text("remote");
  filter.destination = call.fields.text("destination");
  filter.key = call.fields.text("key");
  filter.limit = links_max;
  const bool of_chat = !source.empty() && !chat.empty(), of_remote = !filter.value.empty();
  if (source.empty() != chat.empty())
    call.fields.fail("\"source\" and \"chat\" belong together: the same chat id may come from two sources");
  else if (of_chat == of_remote)
    call.fields.fail("give either \"source\" and \"chat\", or \"remote\": an id at a destination");
  else if (of_chat && !(filter.destination.empty() && filter.key.empty()))
    call.fields.fail("\"destination\" and \"key\" go with \"remote\"");
  if (const auto error = call.fields.error()) co_return error_response(*error);
  std::function<Result<json::value>(ReadAccess&)> read = [=](ReadAccess& access) {
    return of_chat ? read_links_of_chat(access, source, chat) : read_links_of_remote(access, filter);
  };
  const auto result = co_await call.services->reads.run(std::move(read));
  co_return answer(result);
}

}  // namespace chatrelay::admin::api
