// chatcheckoperatormessage: a visitor without a chat looks at a page, and asks whether there is anything for it.
// setnewvid: a visitor is known by another vid from now on.
#include <algorithm>
#include <utility>

#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/livehelperchat/endpoints/chat_handlers.hpp"
#include "systems/livehelperchat/endpoints/tracking_visitor.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t attributes_max = 50;       // Limit: of onattr
constexpr std::size_t short_bytes_max = 256;     // Limit: of identifier and tag
constexpr std::size_t rooms_looked_at_max = 20;  // Limit: the newest, for one to go back to

Reply action(std::string_view name, const std::string& vid, json::object args) {
  json::object result;
  result["vid"] = vid;
  result["action"] = name;
  result["args"] = std::move(args);
  return done(std::move(result));
}

Reply go_on(const std::string& vid) {
  json::object result;
  result["action"] = "continue";
  result["vid"] = vid;
  return done(std::move(result));
}

Reply stop_asking() {
  json::object result;
  result["action"] = "disable_check";
  return done(std::move(result));
}

std::vector<std::int64_t> departments_of(const Ask& ask) {
  std::vector<std::int64_t> departments;
  for (const std::string& each : ask.unordered_all("department"))
    if (const std::int64_t number = Ask::integer(each); number > 0) departments.push_back(number);
  return departments;
}

// What a page says of its visitor, as JSON: texts and numbers become custom fields, nothing else does.
void read_attributes(const Ask& ask, conversations::Guest& guest) {
  json::value attributes;
  if (const json::value* given = ask.fields.if_contains("onattr"); given && given->is_object()) attributes = *given;
  if (const auto text = ask.field("onattr"); text && attributes.is_null())
    if (Result<json::value> parsed = parse_json(*text)) attributes = std::move(*parsed);
  if (!attributes.is_object()) return;
  for (const auto& member : attributes.get_object()) {
    if (guest.custom.size() >= attributes_max) return;
    if (!member.value().is_structured() && !member.value().is_null())
      guest.custom.push_back({repair_utf8(member.key()), member.value(), true});
  }
}

void note(json::object& activity, const char* name, const std::optional<std::string>& said) {
  if (said && !said->empty()) activity[name] = truncate_utf8(repair_utf8(*said), short_bytes_max);
}

std::optional<std::string> page_text(const std::optional<std::string>& said) {
  if (!said || said->empty()) return std::nullopt;
  return repair_utf8(*said);
}

conversations::Track track_of(Api& api, const Ask& ask, std::string_view vid,
                              const std::vector<std::int64_t>& departments) {
  conversations::Track track;
  track.call = api.call(ask);
  track.guest = guest_of(ask, vid);
  read_attributes(ask, track.guest);
  // Without count_page it asks and nothing more: the page was counted, or none is looked at.
  if (ask.unordered("count_page").value_or("") == "1") {
    track.page.url = page_text(ask.said("l"));
    track.page.title = page_text(ask.said("dt"));
    track.page.referrer = page_text(ask.said("r"));
  }
  if (!departments.empty()) track.department = std::to_string(departments.front());
  note(track.activity, "identifier", ask.unordered("identifier"));
  note(track.activity, "tag", ask.field("tag"));
  if (const auto active = ask.unordered("uactiv")) track.activity["active"] = *active == "1";
  for (const char* name : {"operator", "priority", "theme", "survey"})
    if (const std::int64_t number = Ask::integer(ask.unordered(name).value_or("")); number > 0)
      track.activity[name] = number;
  return track;
}

// An operator's number in the URL picks whose invitation is wanted, as in Live Helper Chat; 0: anybody's.
bool is_wanted(const Ask& ask, const conversations::Invitation& invitation, const UserOf& users) {
  const std::int64_t wanted = Ask::integer(ask.unordered("operator").value_or(""));
  if (wanted <= 0 || invitation.author.role != "agent") return true;
  return operator_number(invitation.author.id, users) == wanted;
}

bool opens_to(const Ask& ask, const conversations::RoomView& room) {
  return !room.key.empty() && ask.account->sees(department_number(room.department));
}

// A first look without writing: what changes nothing costs no commit.
struct Look {
  std::optional<conversations::VisitorView> visitor;
  bool has_invitation = false;
  bool has_room = false;  // to go back to
};

Result<Look> look(Api& api, const Ask& ask, const std::string& token) {
  Look seen;
  const auto stored = api.reader().own_visitor(api.source(), token);
  if (!stored) return stored.error();
  if (!*stored) return seen;
  seen.visitor = conversations::view(**stored);
  const auto rooms = api.reader().own_rooms((**stored).pk, rooms_looked_at_max);
  if (!rooms) return rooms.error();
  std::vector<conversations::RoomView> views;
  for (const store::OwnRoom& room : *rooms) views.push_back(conversations::view(room));
  const bool is_in_chat = std::any_of(views.begin(), views.end(), [](const auto& room) { return room.open; });
  const auto invitation = conversations::waiting_invitation(*seen.visitor);
  seen.has_invitation = invitation && !is_in_chat && is_wanted(ask, *invitation, user_of(api));
  // Whose window is open sees the answer there.
  const bool window_open = ask.unordered("wopen").value_or("0") == "1";
  if (!api.serving().tracking.reopen || window_open) return seen;
  // The hash goes to an account that may have the chat anyway: a vid alone opens none.
  const auto room = conversations::room_to_go_back_to(*seen.visitor, views);
  seen.has_room = room && opens_to(ask, *room);
  return seen;
}

Reply invitation_shown(const Ask& ask, const std::string& vid, const conversations::Invitation& shown) {
  const bool is_operator = shown.author.role == "agent";
  json::object args;
  args["name_support"] = shown.author.name ? json::value(*shown.author.name) : json::value();
  args["message"] = shown.text;
  args["url_append"] = url_append(ask, vid, is_operator);
  return action("read_message", vid, std::move(args));
}

// What waits for the visitor; it is told once. nullopt: nothing.
awaitable<std::optional<Reply>> what_waits(Api& api, Ask& ask, const Look& seen, const std::string& vid) {
  if (seen.has_invitation) {
    conversations::ByToken command{api.call(ask), visitor_token(vid)};
    auto pending = api.run(std::move(command), &conversations::show_invitation);
    const auto shown = co_await std::move(pending);
    if (!shown) co_return broken(ask.shape(), shown.error());
    if (*shown) co_return invitation_shown(ask, vid, *shown->value);
  }
  if (!seen.has_room) co_return std::nullopt;
  conversations::ByToken command{api.call(ask), visitor_token(vid)};
  auto pending = api.run(std::move(command), &conversations::call_back);
  const auto called = co_await std::move(pending);
  if (!called) co_return broken(ask.shape(), called.error());
  if (!*called) co_return std::nullopt;
  const conversations::RoomView& room = called->value->room;
  if (!opens_to(ask, room)) co_return std::nullopt;  // another one than a moment ago
  json::object args;
  args["chat_id"] = static_cast<std::int64_t>(room.pk);
  args["hash"] = room.key;
  co_return action("reopen_chat", vid, std::move(args));
}

awaitable<Reply> check_operator_message(Api& api, Ask& ask) {
  const std::vector<std::int64_t> departments = departments_of(ask);
  const std::string address(trim(ask.field("ip").value_or("")));
  const auto disabled = [&](std::int64_t id) {
    const Department* department = api.serving().department(id);
    return department && department->disabled;
  };
  if (api.serving().tracking.ignores(address, departments) ||
      (!departments.empty() && std::all_of(departments.begin(), departments.end(), disabled)))
    co_return stop_asking();
  const std::string agent = ask.field("ua").value_or("");
  if (is_crawler(agent)) co_return stop_asking();

  const std::string said = ask.unordered("vid").value_or("");
  const std::string vid = is_usable_vid(said) ? said : new_vid();
  const std::string token = visitor_token(vid);
  const Result<Look> seen = look(api, ask, token);
  if (!seen) co_return broken(ask.shape(), seen.error());
  conversations::Track track = track_of(api, ask, vid, departments);
  if (!seen->visitor || conversations::would_track(*seen->visitor, track)) {
    auto pending = api.run(std::move(track), &conversations::track);
    const auto tracked = co_await std::move(pending);
    if (!tracked) co_return broken(ask.shape(), tracked.error());
    if (!*tracked) co_return refused(ask.shape(), tracked->refusal);
  }
  auto waiting = what_waits(api, ask, *seen, vid);
  std::optional<Reply> told = co_await std::move(waiting);
  if (told) co_return std::move(*told);
  co_return go_on(vid);
}

awaitable<Reply> set_new_vid(Api& api, Ask& ask) {
  if (!ask.may(use_permission)) co_return not_permitted(ask.shape(), use_permission);
  const std::string vid = ask.said("vid").value_or("");
  const std::string wanted = ask.said("new").value_or("");
  if (vid.empty() || !is_usable_vid(wanted))
    co_return failed(ask.shape(), "The new vid needs 21 to 50 letters, digits, - and _");
  conversations::Rename command;
  command.call = api.call(ask);
  command.token = visitor_token(vid);
  command.new_token = visitor_token(wanted);
  command.retired_token = visitor_token(new_vid());
  auto pending = api.run(std::move(command), &conversations::rename);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  co_return done("merged");
}

}  // namespace

std::vector<Route> tracking_routes() {
  using In = Parameter::In;
  Route check;
  check.view = "chatcheckoperatormessage";
  check.methods = {"GET", "POST"};
  check.handler = check_operator_message;
  check.shape = Shape::errors;
  check.summary = "A visitor looks at a page, and asks whether anything waits for it";
  check.parameters = {{"vid", In::unordered, "string", false, "The visitor; the answer's is to be used from then on"},
                      {"count_page", In::unordered, "integer", false, "1: the page is looked at"},
                      {"tz", In::unordered, "string", false, "Time zone: hours from UTC, or a name"},
                      {"operator", In::unordered, "integer", false, "Whose message is wanted"},
                      {"theme", In::unordered, "integer", false, "Given back in url_append"},
                      {"priority", In::unordered, "integer", false, "Given back in url_append"},
                      {"survey", In::unordered, "integer", false, "Given back in url_append"},
                      {"department", In::unordered, "integer", false, "The departments that the page is for"},
                      {"identifier", In::unordered, "string", false, "Of the page, for rules"},
                      {"ua", In::unordered, "string", false, "Given back in url_append"},
                      {"uactiv", In::unordered, "integer", false, "1: the visitor is active"},
                      {"wopen", In::unordered, "integer", false, "1: the chat's window is open"},
                      {"ip", In::field, "string", false, "The visitor's address"},
                      {"dt", In::field, "string", false, "The page's title"},
                      {"l", In::field, "string", false, "The page's address"},
                      {"r", In::field, "string", false, "The page before"},
                      {"ua", In::field, "string", false, "The visitor's browser"},
                      {"onattr", In::field, "string", false, "What is known of the visitor, as JSON"},
                      {"tag", In::field, "string", false, "For rules"}};
  Route rename;
  rename.view = "setnewvid";
  rename.methods = {"POST"};
  rename.handler = set_new_vid;
  rename.shape = Shape::result;
  rename.formatted = false;
  rename.summary = "The visitor is known by another vid";
  rename.parameters = {{"vid", In::field, "string", true, "The vid until now"},
                       {"new", In::field, "string", true, "The vid from now on"}};
  return {check, rename};
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
