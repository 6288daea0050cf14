#include "systems/rocketchat/endpoints/api.hpp"

#include <utility>

#include "systems/rocketchat/endpoints/commits.hpp"
#include "systems/rocketchat/endpoints/room_waiters.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

Api::Api(Serving serving, const EndpointContext& context)
    : serving_(std::move(serving)),
      context_(context),
      commits_(std::make_unique<Commits>(context.executor)),
      waiters_(std::make_unique<RoomWaiters>(context.executor, context.bell, serving_.source)) {}

Api::~Api() = default;

store::Reader& Api::reader() {
  if (!reader_) reader_ = context_.store.open_reader();
  return *reader_;
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

awaitable<Result<bool>> Api::commit(store::Store::Command command) {
  auto pending = commits_->commit(context_.store, command);
  co_return co_await std::move(pending);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
