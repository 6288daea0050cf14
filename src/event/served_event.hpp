// Events of conversations that we serve ourselves: no webhook brought them, our own endpoints made them.
//
// The stored body is the event in its own shape (to_json), told apart by its content type, which no sender can give a
// webhook. `raw` holds what the client asked for, without its token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "event/event.hpp"

namespace chatrelay {

inline constexpr const char* served_content_type = "application/vnd.chatrelay.event+json";

std::string served_event_body(const Event& event);
// nullopt: not such a body (a damaged store).
std::optional<Event> served_event_from_body(std::string_view body);

}  // namespace chatrelay
