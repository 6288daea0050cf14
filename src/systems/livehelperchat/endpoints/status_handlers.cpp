#include "systems/livehelperchat/endpoints/status_handlers.hpp"

#include <string>

#include "http/etag.hpp"
#include "systems/livehelperchat/endpoints/chat_lookup.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::string_view set_any_operator = "lhuser,setopstatus";

bool is_true(const Ask& ask, std::string_view name) {
  return ask.query(name) == "true";
}

Reply answer(Api& api, const Ask& ask, bool online) {
  const Millis most = api.serving().status_cache;
  const Millis max_age = most.count() > 0 ? api.presence().fresh_for(most) : most;
  return status_reply(online, max_age, ask.request().header("If-None-Match"));
}

awaitable<Reply> is_online(Api& api, Ask& ask) {
  co_return answer(api, ask, api.presence().online(read_question(ask)));
}

awaitable<Reply> is_online_user(Api& api, Ask& ask) {
  co_return answer(api, ask, api.presence().user_online(Ask::integer(ask.ordered(0))));
}

awaitable<Reply> is_online_department(Api& api, Ask& ask) {
  co_return answer(api, ask, api.presence().department_online(Ask::integer(ask.ordered(0)), read_question(ask)));
}

// A chat without a department is anybody's.
awaitable<Reply> is_online_chat(Api& api, Ask& ask) {
  const auto chat = find_chat(api, Ask::integer(ask.ordered(0)));
  if (!chat) co_return broken(ask.shape(), chat.error());
  if (!*chat) co_return failed(ask.shape(), "Chat could not be found!");
  const presence::Question question = read_question(ask);
  const std::int64_t department = (**chat).department();
  const presence::Board& board = api.presence();
  co_return answer(api, ask, department > 0 ? board.department_online(department, question) : board.online(question));
}

std::optional<std::int64_t> named_operator(const presence::Board& board, const Ask& ask) {
  if (const auto number = ask.said("user_id"); number && !number->empty()) {
    const std::int64_t user = Ask::integer(*number);
    return board.has_user(user) ? std::optional(user) : std::nullopt;
  }
  for (const char* name : {"username", "email"})
    if (const auto said = ask.said(name); said && !said->empty()) return board.user_of(*said);
  return std::nullopt;
}

// Live Helper Chat lets every account set every operator's status. So do we, unless the account's permissions are
// listed: then one's own, or the permission.
awaitable<Reply> set_operator_status(Api& api, Ask& ask) {
  const auto user = named_operator(api.presence(), ask);
  if (!user) co_return failed(ask.shape(), "User could not be found!");
  if (!ask.may(set_any_operator) && api.operator_id(*ask.account) != *user)
    co_return not_permitted(ask.shape(), set_any_operator);
  const bool online = ask.said("status") == "true";
  api.presence().set_user(*user, online);
  auto pending = api.remember_presence();
  const Result<bool> kept = co_await std::move(pending);
  if (!kept) co_return broken(ask.shape(), kept.error());
  json::object body;
  body["offline"] = online ? 0 : 1;
  co_return Reply(json::value(std::move(body)));
}

// ---- the table

using In = Parameter::In;

const Parameter exclude_bot{"exclude_bot", In::query, "boolean", false, "people alone, no bots"};
const Parameter ignore_user_status{"ignore_user_status", In::query, "boolean", false, "hours and bots, not operators"};
const Parameter include_users{"include_users", In::query, "boolean", false, "operators too"};
const Parameter exclude_online_hours{"exclude_online_hours", In::query, "boolean", false, "without the hours"};

Route status_route(std::string_view view, Handler handler, std::string_view summary,
                   std::vector<Parameter> parameters) {
  Route route;
  route.view = view;
  route.methods = {"GET", "POST"};
  route.handler = handler;
  route.needs_account = false;
  route.counted = false;  // an answer that says "too many" would cost as much as this one
  route.shape = Shape::result_400;
  route.summary = summary;
  route.parameters = std::move(parameters);
  return route;
}

}  // namespace

presence::Question read_question(const Ask& ask) {
  presence::Question question;
  question.exclude_bot = is_true(ask, "exclude_bot");
  question.ignore_user_status = is_true(ask, "ignore_user_status");
  question.include_users = is_true(ask, "include_users");
  question.exclude_online_hours = is_true(ask, "exclude_online_hours");
  return question;
}

// The tag is the answer itself: everything else about it stands in the URL.
Reply status_reply(bool online, Millis max_age, std::string_view if_none_match) {
  const std::string tag = online ? "\"online\"" : "\"offline\"";
  Reply reply = Reply::empty();
  if (http::names_etag(if_none_match, tag)) {
    reply.status = 304;
  } else {
    json::object body;
    body["isonline"] = online;
    reply.body = std::move(body);
  }
  const auto seconds = max_age.count() / 1000;
  reply.headers.emplace_back("Cache-Control",
                             seconds > 0 ? "public, max-age=" + std::to_string(seconds) : std::string("no-cache"));
  reply.headers.emplace_back("ETag", tag);
  return reply;
}

std::vector<Route> status_routes() {
  Route chat = status_route("isonlinechat", &is_online_chat, "Is anybody of this chat's department online?",
                            {{"chat_id", In::ordered, "integer", true, "the chat's number"},
                             exclude_bot,
                             ignore_user_status,
                             include_users,
                             exclude_online_hours});
  chat.counted = true;  // it is looked up in the store
  return {status_route("isonline", &is_online, "Is anybody online?",
                       {exclude_bot, ignore_user_status, include_users, exclude_online_hours}),
          status_route("isonlineuser", &is_online_user, "Is this operator online?",
                       {{"user_id", In::ordered, "integer", true, "the operator's number"}}),
          status_route("isonlinedepartment", &is_online_department, "Is anybody of this department online?",
                       {{"department_id", In::ordered, "integer", true, "the department's number"},
                        exclude_bot,
                        ignore_user_status,
                        include_users,
                        exclude_online_hours}),
          chat};
}

std::vector<Route> operator_routes() {
  Route route;
  route.view = "setoperatorstatus";
  route.methods = {"GET", "POST"};
  route.handler = &set_operator_status;
  route.shape = Shape::result;
  route.summary = "Sets an operator online or offline";
  route.parameters = {{"status", In::query, "string", true, "\"true\": online; all else: offline"},
                      {"user_id", In::query, "integer", false, "the operator's number, or"},
                      {"username", In::query, "string", false, "the user name, or"},
                      {"email", In::query, "string", false, "the e-mail address"}};
  return {route};
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
