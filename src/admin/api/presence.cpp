#include "admin/api/presence.hpp"

#include <limits>

#include "admin/api/handlers.hpp"
#include "admin/api/waiter.hpp"
#include "common/digits.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::api {
namespace {

// A name wins over a number: somebody's username may be digits.
std::optional<std::int64_t> user_of(const presence::Board& board, std::string_view text) {
  if (const auto named = board.user_of(text)) return named;
  const auto id = whole_number<std::int64_t>(text);
  return id && board.has_user(*id) ? id : std::nullopt;
}

std::optional<bool> online_of(const std::string& state) {
  return state == "auto" ? std::nullopt : std::optional(state == "online");
}

json::object done(std::string_view what, json::value id, const std::string& state, bool online) {
  return {{"what", what}, {"id", std::move(id)}, {"state", state}, {"online", online}};
}

}  // namespace

http::Response presence_shown(const presence::Board& board, Fields& fields) {
  if (const auto error = fields.error()) return error_response(*error);
  return json_response(200, board.show());
}

http::Response presence_set(presence::Board& board, Fields& fields) {
  const std::string state = fields.text("state");
  const std::string user = fields.text("user");
  const bool has_department = fields.has("department");
  const auto department = static_cast<std::int64_t>(
      fields.number("department", 0, 1, static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())));
  if (state != "online" && state != "offline" && state != "auto")
    fields.fail("\"state\" must be online, offline or auto (no longer by hand)");
  if (fields.has("user") && user.empty()) fields.fail("\"user\" is empty");
  if (fields.has("user") && has_department) fields.fail("\"user\" and \"department\" cannot be set together");
  if (const auto error = fields.error()) return error_response(*error);
  if (!board.configured())
    return error_response({ErrorKind::conflict, "the configuration has no presence: there is nothing to set"});
  const std::optional<bool> online = online_of(state);
  if (!user.empty()) {
    const auto id = user_of(board, user);
    if (!id) return error_response(not_found("presence has no user " + printable(user, 60)));
    if (const auto set = board.set_user(*id, online); !set) return error_response(set.error());
    return json_response(200, done("user", *id, state, board.user_online(*id)));
  }
  if (has_department) {
    if (const auto set = board.set_department(department, online); !set) return error_response(set.error());
    return json_response(200, done("department", department, state, board.department_online(department)));
  }
  board.set_all(online);
  return json_response(200, done("all", nullptr, state, board.online()));
}

awaitable<http::Response> show_presence(Call& call) {
  co_return presence_shown(call.context().presence, call.fields);
}

// Answers when it is in the store. Whoever listens to the Board's changes has the store remember them on this thread
// too, so none of them overtakes another.
awaitable<http::Response> set_presence(Call& call) {
  presence::Board& board = call.context().presence;
  http::Response response = presence_set(board, call.fields);
  if (response.status != 200) co_return response;
  Waiter<bool> waiter(call.context().executor);
  call.context().store.remember(std::string(presence::remembered_as), board.to_json(), waiter.callback());
  const auto kept = co_await waiter.wait(write_limit);
  if (!kept) co_return error_response(kept.error());
  co_return response;
}

}  // namespace chatrelay::admin::api
