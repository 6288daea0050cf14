#include "systems/livechatoo/callbacks.hpp"

#include <algorithm>
#include <array>

#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay::systems::livechatoo {

namespace {

struct Name {
  std::string_view text;
  Callback callback;
};

constexpr std::array names{
    Name{"onload", Callback::load},
    Name{"onchange", Callback::change},
    Name{"onchatstart", Callback::chat_start},
    Name{"onchatopened", Callback::chat_opened},
    Name{"onchatrating", Callback::chat_rating},
    Name{"onofflinemessage", Callback::offline_message},
    Name{"ontrigger", Callback::trigger},
    Name{"onnamerequired", Callback::name_required},
    Name{"onemailrequired", Callback::email_required},
    Name{"onphonerequired", Callback::phone_required},
    Name{"conversion", Callback::conversion},
};

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
}

bool is_ticket_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

}  // namespace

Callback callback_of(std::string_view name) {
  const auto found = std::ranges::find(names, name, &Name::text);
  return found == names.end() ? Callback::unknown : found->callback;
}

std::optional<std::string> text_of(const json::value& object, std::string_view key, std::size_t bytes_max) {
  const json::value* member = find(object, key);
  if (!member || member->is_bool()) return std::nullopt;
  auto text = string_at(object, key);
  if (!text) return std::nullopt;
  std::erase_if(*text, is_control);
  text = std::string(trim(truncate_utf8(*text, bytes_max)));
  return text->empty() ? std::nullopt : text;
}

std::optional<std::string> ticket_of(const json::value& object) {
  auto ticket = text_of(object, "ticket", id_bytes_max + 1);
  if (!ticket || ticket->size() > id_bytes_max || !std::ranges::all_of(*ticket, is_ticket_character))
    return std::nullopt;
  return ticket;
}

std::optional<std::string> made_id_of(const json::value& object, std::string_view key) {
  auto id = strict_string_at(object, key);
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!id || id->size() != 32 || !std::ranges::all_of(*id, is_hex)) return std::nullopt;
  return id;
}

}  // namespace chatrelay::systems::livechatoo
