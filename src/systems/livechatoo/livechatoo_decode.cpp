#include "systems/livechatoo/livechatoo_decode.hpp"

#include <algorithm>

#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/livechatoo/callbacks.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::livechatoo {

namespace {

constexpr double rating_scale = 5;
constexpr std::size_t details_max = 20;

const json::value nothing = json::object{};

struct Decoding {
  const json::value& call;
  const json::value& data;
  const json::value& init;
  const StoredWebhook& webhook;
  Event& event;
};

const json::value& member(const json::value& object, std::string_view key) {
  const json::value* found = find(object, key);
  return found && found->is_object() ? *found : nothing;
}

std::optional<std::string> line_of(const json::value& object, std::string_view key) {
  return text_of(object, key, line_bytes_max);
}

// --- what every callback has

void read_visitor(Decoding& d) {
  Visitor& visitor = d.event.visitor.emplace();
  visitor.id = made_id_of(d.call, "visitor");
  visitor.name = line_of(d.init, "c_name");  // never c_name_byop, which is for operators
  visitor.email = line_of(d.init, "c_email");
  visitor.phone = line_of(d.init, "c_phone");
  visitor.language = line_of(d.init, "lang");
  visitor.user_agent = text_of(d.call, "user_agent", 512);
  const json::value& page = member(d.call, "page");
  visitor.page.url = text_of(page, "url", url_bytes_max);
  visitor.page.title = line_of(page, "title");
  visitor.page.referrer = text_of(page, "referrer", url_bytes_max);
}

// '2,5', ["2", 5] or 2: as Livechatoo takes them.
json::array list_of(const json::value& object, std::string_view key, std::size_t bytes_max, bool split) {
  json::array out;
  const auto add = [&](std::string_view text) {
    text = trim(truncate_utf8(trim(text), bytes_max));
    if (!text.empty() && out.size() < list_max) out.emplace_back(text);
  };
  if (const json::value* list = find(object, key); list && list->is_array()) {
    for (const json::value& one : list->get_array()) {
      const json::value holder = json::object{{"one", one}};
      if (const auto text = text_of(holder, "one", bytes_max)) add(*text);
    }
    return out;
  }
  const std::string text = text_of(object, key, bytes_max * list_max).value_or("");
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = split ? std::min(text.find(',', from), text.size()) : text.size();
    add(std::string_view(text).substr(from, end - from));
    from = end + 1;
  }
  return out;
}

// For rules and agents: what the page told Livechatoo of this chat. It is of the chat, never of the visitor, whose
// fields may be shown to the visitor.
json::object properties_of(const Decoding& d) {
  json::object out;
  for (const char* key : {"departments", "operators"})
    if (json::array list = list_of(d.init, key, id_bytes_max, true); !list.empty()) out[key] = std::move(list);
  if (json::array list = list_of(d.init, "target", url_bytes_max, false); !list.empty())
    out["target"] = std::move(list);
  if (const auto name = line_of(d.init, "c_name_byop")) out["c_name_byop"] = *name;
  if (const auto account = line_of(d.call, "account")) out["account"] = *account;
  return out;
}

// A ticket is one conversation: chat and thread in one.
void read_chat(Decoding& d, const json::value& holder) {
  const auto ticket = ticket_of(holder);
  if (!ticket) return;
  Chat& chat = d.event.chat.emplace();
  chat.id = ticket;
  chat.thread_id = ticket;
  if (json::object properties = properties_of(d); !properties.empty())
    chat.properties["livechatoo"] = std::move(properties);
}

void read_contact(Decoding& d) {
  Visitor& visitor = *d.event.visitor;
  if (auto name = line_of(d.data, "name")) visitor.name = std::move(name);
  if (auto email = line_of(d.data, "email")) visitor.email = std::move(email);
  if (auto phone = line_of(d.data, "phone")) visitor.phone = std::move(phone);
}

void read_operator(Decoding& d) {
  const auto id = text_of(d.data, "operator_id", id_bytes_max);
  if (!id || *id == "0") return;  // nobody
  d.event.agent.emplace().id = id;
}

// `== true` as JavaScript compares.
bool is_true(const json::value& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (!value) return false;
  if (value->is_bool()) return value->get_bool();
  return number_at(object, key) == 1.0;
}

// --- the callbacks. Each returns why it makes no sense, empty if it does.

std::string decode_load(Decoding& d) {
  d.event.type = event_type::visitor_activity;
  if (const auto page = line_of(d.data, "page")) d.event.activity["page"] = *page;
  const json::value* online = find(d.data, "online");
  if (online && (online->is_bool() || number_at(d.data, "online")))
    d.event.activity["online"] = is_true(d.data, "online");
  return {};
}

std::string decode_change(Decoding& d) {
  d.event.type = event_type::visitor_activity;
  if (const auto status = line_of(d.data, "chat_status")) d.event.activity["chat_status"] = *status;
  return {};
}

std::string decode_chat(Decoding& d, bool begins) {
  d.event.type = event_type::incoming_chat;
  d.event.chat.reset();
  read_chat(d, d.data);
  if (!d.event.chat) return "a chat without a ticket";
  d.event.chat->status = "active";
  const auto initiator = line_of(d.data, "initiator").value_or("");
  for (const char* known : {"client", "operator", "api", "trigger"})
    if (initiator == known) d.event.chat->initiator = initiator;
  if (begins) d.event.chat->started_at = d.webhook.received_at;  // of one that runs on, nobody says
  return {};
}

std::string decode_rating(Decoding& d) {
  d.event.type = event_type::chat_rated;
  d.event.chat.reset();
  read_chat(d, d.data);
  if (!d.event.chat) return "a rating without a ticket";
  const auto score = number_at(d.data, "rating");
  if (!score || !(*score >= 1 && *score <= rating_scale)) return "a rating that is not 1 to 5";
  d.event.chat->rating = Rating{score, rating_scale, text_of(d.data, "message", text_bytes_max)};
  d.event.chat->department = text_of(d.data, "department_id", id_bytes_max);
  d.event.activity["rated"] = "score_and_comment";
  read_contact(d);
  read_operator(d);
  return {};
}

std::string decode_offline(Decoding& d) {
  d.event.type = event_type::offline_message;
  d.event.chat.reset();  // it is left because there is none
  read_contact(d);
  read_operator(d);
  Message message;
  message.text = text_of(d.data, "message", text_bytes_max);
  if (!message.text && !d.event.visitor->email && !d.event.visitor->phone)
    return "an offline message without a message and without anybody to answer";
  message.author.role = "visitor";
  message.author.id = d.event.visitor->id;
  message.author.name = d.event.visitor->name;
  message.sent_at = d.webhook.received_at;
  d.event.message = std::move(message);
  if (const auto department = text_of(d.data, "department_id", id_bytes_max))
    d.event.activity["department"] = *department;
  return {};
}

std::string decode_trigger(Decoding& d) {
  d.event.type = "trigger_fired";
  json::object trigger;
  if (const auto id = text_of(d.data, "id", id_bytes_max)) trigger["id"] = *id;
  if (const auto title = line_of(d.data, "title")) trigger["title"] = *title;
  if (trigger.empty()) return "a trigger without id and title";
  d.event.activity["trigger"] = std::move(trigger);
  return {};
}

std::string decode_contact(Decoding& d, const char* what) {
  if (!is_true(d.data, "accepted")) {
    d.event.type = "contact_declined";
    d.event.activity["declined"] = what;
    return {};
  }
  if (!line_of(d.data, what)) return std::string("a ") + what + " that was given, but is not there";
  d.event.type = event_type::visitor_updated;
  d.event.activity["given"] = what;
  const std::string_view given(what);  // of the three only the one that was asked for
  Visitor& visitor = *d.event.visitor;
  (given == "name" ? visitor.name : given == "email" ? visitor.email : visitor.phone) = line_of(d.data, what);
  return {};
}

std::string decode_conversion(Decoding& d) {
  d.event.type = "conversion";
  if (!d.event.chat) return "a conversion outside a chat";
  json::object details;
  for (const auto& [key, value] : d.data.get_object()) {
    if (details.size() >= details_max) break;
    const std::string name(truncate_utf8(std::string_view(key), id_bytes_max));
    if (value.is_number() || value.is_bool()) details[name] = value;
    if (value.is_string())
      if (const auto text = line_of(d.data, key)) details[name] = *text;
  }
  d.event.activity["conversion"] = std::move(details);
  return {};
}

std::string decode_callback(Decoding& d, Callback callback) {
  switch (callback) {
    case Callback::load:
      return decode_load(d);
    case Callback::change:
      return decode_change(d);
    case Callback::chat_start:
      return decode_chat(d, true);
    case Callback::chat_opened:
      return decode_chat(d, false);
    case Callback::chat_rating:
      return decode_rating(d);
    case Callback::offline_message:
      return decode_offline(d);
    case Callback::trigger:
      return decode_trigger(d);
    case Callback::name_required:
      return decode_contact(d, "name");
    case Callback::email_required:
      return decode_contact(d, "email");
    case Callback::phone_required:
      return decode_contact(d, "phone");
    case Callback::conversion:
      return decode_conversion(d);
    case Callback::unknown:
      break;
  }
  return "no callback of Livechatoo is named";
}

void introduce_visitor(Event& event) {
  if (event.visitor->id) event.people.push_back(Person{true, *event.visitor, {}, true});
}

}  // namespace

Event decode_livechatoo(const StoredWebhook& webhook) {
  auto body = parse_json(webhook.body);
  if (!body) return undecodable(webhook, body.error().message);
  if (!body->is_object()) return undecodable(webhook, "the body is not a JSON object");
  const std::string name = strict_string_at(*body, "event").value_or("");
  Event event;
  Decoding d{*body, member(*body, "data"), member(*body, "init"), webhook, event};
  read_visitor(d);
  read_chat(d, d.call);
  event.activity["callback"] = std::string(truncate_utf8(name, id_bytes_max));
  if (const auto widget = line_of(*body, "widget")) event.activity["widget"] = *widget;
  if (std::string why = decode_callback(d, callback_of(name)); !why.empty())
    return undecodable(webhook, std::move(why));
  introduce_visitor(event);
  event.raw = std::move(*body);
  return event;
}

}  // namespace chatrelay::systems::livechatoo
