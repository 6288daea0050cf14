#include "systems/chatrelay/chatrelay_source.hpp"

#include "common/json.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

namespace {

class ChatrelaySource final : public Source {
 public:
  Verdict admit(const HookRequest&, WallTime) override {
    return reject(404, RejectReason::bad_request, "there is no such source");
  }

  // The body is the event in its own shape, as event/own_event.hpp writes it.
  std::vector<Event> decode(const StoredWebhook& webhook) override {
    std::vector<Event> events;
    auto body = parse_json(webhook.body);
    if (body.has_value() && body->is_object() && strict_string_at(*body, "type")) {
      events.push_back(event_from_json(*body));
      events.back().raw = std::move(*body);
    } else {
      events.push_back(undecodable(webhook, "this is no event of chatrelay's own"));
    }
    number_parts(events, webhook, own_source);
    return events;
  }

  Signed sign(std::string body, WallTime) const override {
    Signed signed_request;
    signed_request.body = std::move(body);
    return signed_request;
  }
};

}  // namespace

std::unique_ptr<Source> make_chatrelay_source() {
  return std::make_unique<ChatrelaySource>();
}

SourceKind chatrelay_kind() {
  return {own_source,
          [](const config::SourceConfig&, const boost::json::object&, config::Problems&) -> std::unique_ptr<Source> {
            return make_chatrelay_source();
          }};
}

}  // namespace chatrelay::systems
