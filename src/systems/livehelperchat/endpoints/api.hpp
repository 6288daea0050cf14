// Api: what the handlers of one source share, and one request as they see it. A handler is called after the limit of
// calls and, where its route says so, after the account was verified; it answers after the commit.
//
// How a handler looks (name what is awaited first; build nothing inside co_await):
//
//   awaitable<Reply> close(Api& api, Ask& ask) {
//     if (!ask.may("lhchat,use", department)) co_return not_permitted(ask.shape(), "lhchat,use");
//     conversations::EndRoom command{api.call(ask), …};
//     auto pending = api.run(std::move(command), &conversations::end_room);
//     const auto answer = co_await std::move(pending);
//     if (!answer) co_return broken(ask.shape(), answer.error());
//     if (!*answer) co_return refused(ask.shape(), answer->refusal);
//     api.ring(answer->value->room.id);
//     co_return done(true);
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/async/callback_waiters.hpp"
#include "http/url.hpp"
#include "presence/presence.hpp"
#include "systems/endpoint_commands.hpp"
#include "systems/endpoints.hpp"
#include "systems/livehelperchat/endpoints/accounts.hpp"
#include "systems/livehelperchat/endpoints/answers.hpp"
#include "systems/livehelperchat/endpoints/limits.hpp"
#include "systems/livehelperchat/endpoints/serving.hpp"
#include "systems/livehelperchat/endpoints/url_form.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

using boost::asio::awaitable;

// One request. What was not said is nullopt; what was said empty is "".
class Ask {
 public:
  Ask(http::Request& request, UrlForm form, Shape shape, WallTime now);

  std::string_view method() const { return request_.method(); }
  const std::string& view() const { return form_.view; }
  Shape shape() const { return shape_; }  // the route's

  // "chat/5" → ordered(0) is "5"; "" if there is none.
  std::string_view ordered(std::size_t index) const { return form_.ordered_at(index); }
  // "(vid)/x" → "x". A name that comes again: the last one counts, as in Live Helper Chat.
  std::optional<std::string> unordered(std::string_view name) const { return form_.single(name); }
  // "(department)/1/2" → {"1","2"}; likewise the last one of that name.
  std::vector<std::string> unordered_all(std::string_view name) const { return form_.multiple(name); }
  // The query, of any method; the last of a name, as PHP has it.
  std::optional<std::string> query(std::string_view name) const;
  bool query_is_broken = false;  // an escape in it is none; then it is empty, and no handler is asked

  // The body, whether it was a form, multipart or JSON: an object. A form's "a[]" and "a[k]" are lists and objects as
  // in PHP; its other values are strings. JSON that is no object, and what does not parse, is {} with a fault.
  // Limit: nobody who may not call, or was not counted, makes us read a body: read_body() comes after that, once. A
  // route that is not counted has none.
  void read_body();
  json::object fields;
  bool body_is_json = false;
  std::string body_fault;  // what was wrong with the body; empty: nothing
  // A field as text: numbers and true ("1"), false and null ("") as PHP would print them; lists and objects: nullopt.
  std::optional<std::string> field(std::string_view name) const;
  // Of the body, else of the query.
  std::optional<std::string> said(std::string_view name) const;
  // As PHP's (int): digits in front, else 0. Never fails.
  static std::int64_t integer(std::string_view text);
  // true, 1: as Live Helper Chat takes switches in the query.
  bool is_on(std::string_view name) const;

  // What a stored event may show as `raw`: view, unordered parameters and fields, without hashes, vids and passwords;
  // null if it is nested too deep, and only its size if that is over 64 KiB.
  json::value raw() const;

  WallTime now;
  const std::string& address() const { return request_.remote; }
  const http::Request& request() const { return request_; }

  // Who asks: set once verified; nullptr on a route that needs no account until Api::authenticate().
  const Account* account = nullptr;
  // Has the account this permission ("lhchat,use"), and may it see the department (nullopt: any of them)? Nobody
  // verified: no.
  bool may(std::string_view permission, std::optional<std::int64_t> department = std::nullopt) const;

 private:
  http::Request& request_;
  UrlForm form_;
  Shape shape_;
  http::Parameters query_;
};

// Thread: ingest's. Lifetime: what the context refers to outlives it.
class Api {
 public:
  Api(Serving serving, const EndpointContext& context);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  const Serving& serving() const { return serving_; }
  const std::string& source() const { return serving_.source; }
  WallTime now() const { return context_.clock.now(); }
  store::Reader& reader();  // opened at the first use, on the thread that uses it
  presence::Board& presence() const { return context_.presence; }
  CallLimits& limits() { return limits_; }

  conversations::Call call(const Ask& ask) const;

  // Verifies the request's Authorization header and sets ask.account; or returns the failure to answer, in the ask's
  // shape. Routes with `needs_account` have done it; others (addmsguser without a hash) call it themselves.
  awaitable<std::optional<Reply>> authenticate(Ask& ask);
  // The operator's number that an account's messages carry: its `id`, else its user's or e-mail's in presence; else
  // one that is made of its name (records.hpp).
  std::int64_t operator_id(const Account& account) const;

  // Who is online as the store has it after a restart; waits for the commit.
  awaitable<Result<bool>> remember_presence();

  // Runs a command of conversations/ in the store and waits for its commit.
  template <class T, class C>
  awaitable<Result<conversations::Answer<T>>> run(C command,
                                                  conversations::Answer<T> (*apply)(store::Transaction&, const C&)) {
    return commands_.run(std::move(command), apply);
  }

  // Something was committed in the room: wakes everybody who waits for news of it.
  void ring(const std::string& room_id) { context_.bell.ring(serving_.source, room_id); }

 private:
  Serving serving_;
  EndpointContext context_;
  CallLimits limits_;
  std::unique_ptr<store::Reader> reader_;
  EndpointCommands commands_;
  CallbackWaiters<bool> remembered_;
  std::unique_ptr<Authentication> authentication_;
};

// ---- the table of handlers

using Handler = awaitable<Reply> (*)(Api& api, Ask& ask);

// One parameter, for the document that describes what is served (GET restapi/swagger); nothing is checked by it.
struct Parameter {
  enum class In { ordered, unordered, query, field };
  std::string_view name;
  In in = In::query;
  std::string_view type = "string";  // of JSON Schema: string, integer, boolean, object, array
  bool required = false;
  std::string_view about = {};
};

struct Route {
  std::string_view view;                  // "fetchchat"
  std::vector<std::string_view> methods;  // GET serves HEAD too; OPTIONS is answered for all
  Handler handler = nullptr;
  bool needs_account = true;
  Shape shape = Shape::result;
  // false: Live Helper Chat answers plain JSON here, whatever `callback` and `format` say.
  bool formatted = true;
  bool counted = true;            // of a route that needs no account: the call counts for its address
  std::string_view summary = {};  // one line for the document
  std::vector<Parameter> parameters = {};
};
// A view may stand in several routes with different methods.

std::vector<Route> status_routes();      // status_*.cpp: isonline, isonlineuser, isonlinedepartment, isonlinechat
std::vector<Route> department_routes();  // department_*.cpp: departments, departaments
std::vector<Route> operator_routes();    // status_*.cpp: setoperatorstatus
std::vector<Route> chat_routes();        // chat_*.cpp: chat, chats, chatscount, startchat, fetchchat, …
std::vector<Route> message_routes();     // message_*.cpp: addmsguser, addmsgadmin, fetchchatmessages
std::vector<Route> tracking_routes();    // tracking_*.cpp: chatcheckoperatormessage, setnewvid

}  // namespace chatrelay::systems::livehelperchat::endpoints
