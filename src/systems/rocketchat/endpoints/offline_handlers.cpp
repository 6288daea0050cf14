// POST offline.message: a message that is left while nobody is there. Who leaves it need not be known to us, so it is
// taken only when somebody will get it; otherwise the visitor is told at once that it cannot be sent.
#include "common/log.hpp"
#include "common/text.hpp"
#include "systems/rocketchat/endpoints/email_shape.hpp"
#include "systems/rocketchat/endpoints/takers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr std::size_t name_units_max = 256;  // Limit: UTF-16 units, of name, department and host each

Property member(std::string_view name, bool required) {
  Property property;
  property.name = name;
  property.required = required;
  property.nullable = !required;
  return property;
}
const Schema form_schema{{member("name", true), member("email", true), member("message", true),
                          member("department", false), member("host", false)}};

// One text for every cause, as Rocket.Chat has it.
http::Response not_sent() {
  return failure("Error sending Omnichannel offline message");
}

void count_refused(const Api& api, const char* reason) {
  api.metrics()
      .counter("chatrelay_offline_messages_refused_total", "Offline messages that were not taken, by reason",
               {{"source", api.source()}, {"reason", reason}})
      .add();
}

// Empty: it is well written.
const char* fault_of(const Api& api, const conversations::LeaveMessage& form) {
  if (!looks_like_email(form.email)) return "email";
  for (const auto* text :
       {&form.name, form.department ? &*form.department : nullptr, form.host ? &*form.host : nullptr})
    if (text != nullptr && utf16_length(*text) > name_units_max) return "length";
  if (api.is_too_long(form.text)) return "length";
  return "";
}

conversations::LeaveMessage read_form(const Api& api, const Ask& ask) {
  conversations::LeaveMessage form;
  form.call = api.call(ask);
  form.name = std::string(trim(ask.string("name")));
  form.email = std::string(trim(ask.string("email")));
  form.text = ask.string("message");
  form.department = ask.optional_string("department");
  form.host = ask.optional_string("host");
  form.new_id = new_id();
  return form;
}

awaitable<http::Response> leave(Api& api, Ask& ask) {
  if (!api.serving().offline) {
    count_refused(api, "off");
    co_return not_sent();
  }
  conversations::LeaveMessage form = read_form(api, ask);
  if (const char* fault = fault_of(api, form); *fault != '\0') {
    count_refused(api, fault);
    co_return not_sent();
  }
  const Result<bool> taken = has_taker(api, event_type::offline_message);
  if (!taken) co_return broken(taken.error());
  if (!*taken) {
    count_refused(api, "no_rule");
    log::warn("an offline message was refused: no enabled rule takes it, or its destinations are disabled",
              {{"source", api.source()}});
    co_return not_sent();
  }
  auto pending = api.run(std::move(form), &conversations::leave_message);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return not_sent();
  json::object fields;
  fields["message"] = "Livechat offline message sent";
  co_return success(std::move(fields));
}

}  // namespace

std::vector<Route> offline_routes() {
  Route route;
  route.method = "POST";
  route.pattern = "offline.message";
  route.handler = leave;
  route.limit = Limit::offline_message;
  route.schema = &form_schema;
  route.shape = Shape::typed;
  return {route};
}

}  // namespace chatrelay::systems::rocketchat::endpoints
