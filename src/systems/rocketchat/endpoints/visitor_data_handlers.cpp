// custom.field, custom.fields, page.visited: what a page tells of its visitor.
#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/rocketchat/endpoints/custom_fields.hpp"
#include "systems/rocketchat/endpoints/visitor_handlers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

using Kind = Property::Kind;

Property required(std::string_view name, Kind kind, const Schema* inner = nullptr) {
  Property property;
  property.name = name;
  property.kind = kind;
  property.required = true;
  property.inner = inner;
  return property;
}

const Schema field_schema{{required("token", Kind::string), required("key", Kind::string),
                           required("value", Kind::string), required("overwrite", Kind::boolean)}};

const Schema listed_field_schema{
    {required("key", Kind::string), required("value", Kind::string), required("overwrite", Kind::boolean)}};
const Schema fields_schema{
    {required("token", Kind::string), required("customFields", Kind::array, &listed_field_schema)}};

const Schema location_schema{{required("href", Kind::string)}};
const Schema page_info_schema{{required("title", Kind::string), required("change", Kind::string),
                               required("location", Kind::object, &location_schema)}};
Property optional_room() {
  Property room;
  room.name = "rid";
  room.nullable = true;
  return room;
}
const Schema page_schema{
    {required("token", Kind::string), optional_room(), required("pageInfo", Kind::object, &page_info_schema)}};

constexpr std::size_t title_bytes_max = 500;   // Limit: of a page's title; the rest is cut off
constexpr std::size_t href_bytes_max = 2'000;  // Limit: of its address, as browsers commonly have it

// The visitor has them now, or the failure to answer.
awaitable<std::optional<http::Response>> set_fields(Api& api, Ask& ask, std::vector<CustomField> custom) {
  Known known;
  const std::string token = ask.string("token");
  if (auto no = api.find(token, std::nullopt, known)) co_return std::move(no);
  if (const auto fault = custom_fault(custom, known.visitor.custom)) co_return failure(*fault);
  conversations::SaveVisitor command;
  command.call = api.call(ask);
  command.token = token;
  command.new_id = new_id();  // used only if the visitor was removed just now
  command.custom = std::move(custom);
  auto pending = api.run(std::move(command), &conversations::save_visitor);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return refused(answer->refusal);
  co_return std::nullopt;
}

awaitable<http::Response> set_field(Api& api, Ask& ask) {
  json::array list;
  list.push_back(ask.input);
  auto pending = set_fields(api, ask, read_custom_fields(list));
  auto failed = co_await std::move(pending);
  if (failed) co_return std::move(*failed);
  json::object field;
  for (const std::string_view key : {"key", "value", "overwrite"}) field[key] = ask.input.get_object().at(key);
  json::object fields;
  fields["field"] = std::move(field);
  co_return success(std::move(fields));
}

awaitable<http::Response> set_several(Api& api, Ask& ask) {
  const std::vector<CustomField> custom = read_custom_fields(ask.input.get_object().at("customFields").get_array());
  auto pending = set_fields(api, ask, custom);
  auto failed = co_await std::move(pending);
  if (failed) co_return std::move(*failed);
  json::array set;
  for (const CustomField& each : custom) {
    json::object field;
    field["Key"] = each.key;  // in capitals, there and here
    field["value"] = each.value;
    field["overwrite"] = each.overwrite;
    set.push_back(std::move(field));
  }
  json::object fields;
  fields["fields"] = std::move(set);
  co_return success(std::move(fields));
}

// As with Rocket.Chat's default, a new address is a visit; a page that merely changes its title is none.
awaitable<http::Response> visit(Api& api, Ask& ask) {
  const json::value& info = ask.input.get_object().at("pageInfo");
  const std::string all_of_title = strict_string_at(info, "title").value_or("");
  const std::string all_of_href = strict_string_at(info.get_object().at("location"), "href").value_or("");
  const std::string title(truncate_utf8(all_of_title, title_bytes_max));
  const std::string href(truncate_utf8(all_of_href, href_bytes_max));
  if (strict_string_at(info, "change") != "url") co_return success({});
  conversations::VisitPage command;
  command.call = api.call(ask);
  command.token = ask.string("token");
  command.room_id = ask.string("rid");
  command.page.url = href;
  command.page.title = title;
  command.change = "url";
  auto pending = api.run(std::move(command), &conversations::visit_page);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return refused(answer->refusal);
  json::object navigation;
  navigation["page"] = json::object{{"title", title}, {"change", "url"}, {"location", json::object{{"href", href}}}};
  navigation["token"] = ask.string("token");
  json::object page;
  page["msg"] = title + " - " + href;
  page["navigation"] = std::move(navigation);
  json::object fields;
  fields["page"] = std::move(page);
  co_return success(std::move(fields));
}

}  // namespace

std::vector<Route> visitor_data_routes() {
  return {
      route("POST", "custom.field", set_field, &field_schema),
      route("POST", "custom.fields", set_several, &fields_schema),
      route("POST", "page.visited", visit, &page_schema),
  };
}

}  // namespace chatrelay::systems::rocketchat::endpoints
