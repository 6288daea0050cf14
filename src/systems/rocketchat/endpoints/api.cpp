#include "systems/rocketchat/endpoints/api.hpp"

#include <utility>

#include "systems/rocketchat/endpoints/room_waiters.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

Api::Api(Serving serving, const EndpointContext& context)
    : serving_(std::move(serving)),
      context_(context),
      commands_(context.executor, context.store),
      waiters_(std::make_unique<RoomWaiters>(context.executor, context.bell, serving_.source)) {}

Api::~Api() = default;

store::Reader& Api::reader() {
  if (!reader_) reader_ = context_.store.open_reader();
  return *reader_;
}

bool Api::is_too_long(std::string_view said) const {
  return utf16_length(said) > static_cast<std::size_t>(serving_.message_length_max);
}

conversations::Call Api::call(const Ask& ask) const {
  return {serving_.source, ask.now, ask.raw()};
}

std::optional<http::Response> Api::find(std::string_view token, std::optional<std::string_view> room_id, Known& known) {
  const auto visitor = reader().own_visitor(source(), token);
  if (!visitor) return broken(visitor.error());
  if (!*visitor) return refused(conversations::Refusal::unknown_visitor);
  known.visitor = conversations::view(**visitor);
  if (!room_id) return std::nullopt;
  const auto room = reader().own_room(source(), *room_id);
  if (!room) return broken(room.error());
  if (!*room || (**room).visitor != known.visitor.pk) return refused(conversations::Refusal::unknown_room);
  known.room = conversations::view(**room);
  return std::nullopt;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
