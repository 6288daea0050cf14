// What is served about chats, but for their messages.
#include "systems/livehelperchat/endpoints/chat_handlers.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

using In = Parameter::In;

const Parameter id_in_path{"id", In::ordered, "integer", true, "The chat"};
const Parameter chat_id{"chat_id", In::query, "integer", true, "The chat"};
const Parameter posted_chat_id{"chat_id", In::field, "integer", true, "The chat"};
const Parameter hash{"hash", In::query, "string", true, "The chat's"};

Route route(std::string_view view, std::vector<std::string_view> methods, Handler handler, Shape shape,
            std::string_view summary, std::vector<Parameter> parameters) {
  Route made;
  made.view = view;
  made.methods = std::move(methods);
  made.handler = handler;
  made.shape = shape;
  made.summary = summary;
  made.parameters = std::move(parameters);
  return made;
}

Route without_account(Route made) {
  made.needs_account = false;
  return made;
}

std::vector<Parameter> filters() {
  return {{"limit", In::query, "integer", false, "How many, 20 unless said; at most 200"},
          {"offset", In::query, "integer", false, "How many are passed over"},
          {"status", In::query, "integer", false, "1 to 5"},
          {"status_ids", In::query, "string", false, "0 to 5, with commas"},
          {"departament_id", In::query, "integer", false, "The department"},
          {"departament_ids", In::query, "string", false, "Departments, with commas"},
          {"user_id", In::query, "integer", false, "The operator"},
          {"user_ids", In::query, "string", false, "Operators, with commas"},
          {"vid", In::query, "string", false, "The visitor"},
          {"email", In::query, "string", false, "The visitor's"},
          {"phone", In::query, "string", false, "The visitor's"},
          {"nick", In::query, "string", false, "The visitor's"},
          {"id_gt", In::query, "integer", false, "Newer than this chat"},
          {"id_lt", In::query, "integer", false, "Older than this chat"},
          {"time_gt", In::query, "integer", false, "Begun after, in seconds"},
          {"time_lt", In::query, "integer", false, "Begun before, in seconds"},
          {"last_user_msg_time_gt", In::query, "integer", false, "The visitor spoke after, in seconds"},
          {"delay", In::query, "integer", false, "Begun so many seconds ago at least"},
          {"has_operator", In::query, "boolean", false, "Served by somebody"},
          {"include_messages", In::query, "boolean", false, "With the newest 50 messages of each"},
          {"ignore_fields", In::query, "string", false, "Members to leave out, with commas"}};
}

std::vector<Route> reading() {
  return {
      route("chat", {"GET"}, get_chat, Shape::chat_400, "A chat",
            {id_in_path,
             {"hash", In::query, "string", false, "The chat's; must fit if it is given"},
             {"attr", In::query, "string", false, "These members alone, with commas"}}),
      route("fetchchat", {"GET", "POST"}, fetch_chat, Shape::result, "A chat",
            {chat_id, {"hash", In::query, "string", false, "The chat's; must fit if it is given"}}),
      route("chats", {"GET"}, show_chats, Shape::result, "Chats, newest first", filters()),
      route("chatscount", {"GET"}, count_chats, Shape::result, "How many chats", filters()),
      route("checkchatstatus", {"GET", "POST"}, check_chat_status, Shape::errors, "How a chat stands", {chat_id, hash}),
  };
}

std::vector<Route> beginning() {
  return {
      route("startchat", {"POST"}, start_chat, Shape::errors, "Begins a chat, as the start form does",
            {{"vid", In::unordered, "string", false, "The visitor"},
             {"department", In::unordered, "integer", false, "Unless DepartamentID is given"},
             {"operator", In::unordered, "integer", false, "Who shall serve it"},
             {"priority", In::unordered, "integer", false, "Of the chat"},
             {"theme", In::unordered, "integer", false, "Of the chat"},
             {"Username", In::field, "string", false, "The visitor's name"},
             {"Email", In::field, "string", false, "The visitor's"},
             {"Phone", In::field, "string", false, "The visitor's"},
             {"Question", In::field, "string", false, "The first message"},
             {"DepartamentID", In::field, "integer", false, "The department"},
             {"URLRefer", In::field, "string", false, "The page"},
             {"r", In::field, "string", false, "Where the visitor came from"},
             {"operator", In::field, "integer", false, "Who shall serve it"},
             {"ip", In::field, "string", false, "The visitor's address"},
             {"data", In::field, "string", false, "Attributes: {\"name\":{\"val\":\"value\"}} as JSON"},
             {"proactive", In::field, "boolean", false, "It answers an invitation"}}),
      route("chat", {"POST"}, post_chat, Shape::chat_400, "Begins a chat",
            {{"vid", In::field, "string", false, "The visitor"},
             {"department", In::field, "array", false, "The department"},
             {"theme", In::field, "integer", false, "Of the chat"},
             {"invitation_id", In::field, "integer", false, "Of the chat"},
             {"fields", In::field, "object", false, "Of the start form"},
             {"chat_variables", In::field, "object", false, "Given back as they are"},
             {"additional_data", In::field, "array", false, "Attributes: key and value"},
             {"main_attr", In::field, "object", false, "Columns of the chat"},
             {"messages", In::field, "array", false, "What was said before"}}),
  };
}

std::vector<Route> changing() {
  return {
      route("chat", {"PUT"}, put_chat, Shape::chat_400, "Changes columns of a chat",
            {id_in_path,
             {"nick", In::field, "string", false, "The visitor's name"},
             {"email", In::field, "string", false, "The visitor's"},
             {"phone", In::field, "string", false, "The visitor's"},
             {"ip", In::field, "string", false, "The visitor's address"},
             {"dep_id", In::field, "integer", false, "The department"},
             {"user_id", In::field, "integer", false, "The operator; 0: nobody"},
             {"status", In::field, "integer", false, "0 to 5"},
             {"remarks", In::field, "string", false, "Like every other column that is text or a number"}}),
      route("chat", {"DELETE"}, delete_chat, Shape::chat_400, "Removes a chat with its messages", {id_in_path}),
      route("setchatstatus", {"POST"}, set_chat_status, Shape::result_400, "Sets a chat's status",
            {posted_chat_id, {"status", In::field, "integer", true, "0 to 5; 2 closes it"}}),
      route("updatechatattributes", {"POST"}, update_chat_attributes, Shape::errors, "Adds attributes to a chat",
            {posted_chat_id,
             {"hash", In::field, "string", true, "The chat's"},
             {"data", In::field, "string", true, "Attributes: {\"name\":{\"val\":\"value\"}} as JSON"}}),
      without_account(route("closechatasvisitor", {"GET", "POST"}, close_chat_as_visitor, Shape::result,
                            "The visitor closes the chat", {chat_id, hash})),
  };
}

}  // namespace

std::vector<Route> chat_routes() {
  std::vector<Route> routes = reading();
  for (Route& each : beginning()) routes.push_back(std::move(each));
  for (Route& each : changing()) routes.push_back(std::move(each));
  return routes;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
