// Views: what the store keeps, as the JSON of the API. Every text of a stranger leaves here as valid UTF-8.
#pragma once

#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "admin/api/fields.hpp"
#include "deliver/dispatcher.hpp"
#include "deliver/planner.hpp"
#include "store/store.hpp"

namespace chatrelay::admin::api {

json::string text_value(std::string_view bytes);
json::value json_or_text(std::string_view bytes);  // parsed if it is JSON, else the text

json::object view(const store::EventRow& row);
json::object view(const store::StoredEvent& event, const std::vector<store::PlannedPart>& parts);
json::object view(const store::RuleFailure& failure);
json::object view(const store::ChatRow& row);
json::object view(const store::StoredMessage& message);
json::object view(const store::StoredDelivery& delivery);  // without payload
json::object view(const store::StoredAttempt& attempt);
json::object view(const deliver::ReplayPlan& plan, bool with_payloads);

// Rows of a listing with what asks for the next page: {name: [...], "next": number or null}. `rows` holds one more than
// `limit` if there is more.
template <class Row, class Number>
json::object page_of(std::string_view name, std::vector<Row> rows, std::size_t limit, Number number_of) {
  const bool more = rows.size() > limit;
  if (more) rows.resize(limit);
  json::array out;
  for (const Row& row : rows) out.push_back(view(row));
  json::object page;
  page[name] = std::move(out);
  page["next"] = more ? json::value(number_of(rows.back())) : json::value(nullptr);
  return page;
}

// The filters of the listings, read from a request. The page asks for one row more than `limit`.
store::Page read_page(Fields& fields);
store::EventFilter read_event_filter(Fields& fields, WallTime now);
store::ChatFilter read_chat_filter(Fields& fields, WallTime now);
// Errors (in fields): a state that does not exist, a chat without its source.
store::DeliveryFilter read_delivery_filter(Fields& fields, WallTime now);

// By ULID, or by number as listings show it. Errors: not_found.
Result<store::StoredEvent> find_event(store::Reader& reader, std::string_view id);
Result<store::StoredDelivery> find_delivery(store::Reader& reader, std::string_view id);

}  // namespace chatrelay::admin::api
