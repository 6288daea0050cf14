#include "presence/upstream.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/json.hpp"
#include "common/log.hpp"

namespace chatrelay::presence {
namespace {

namespace asio = boost::asio;

constexpr std::size_t answer_bytes_max = 4 << 10;  // Limit: {"isonline":true} and some room

std::string with_flags(std::string url, const Upstream& upstream, bool exclude_bot, bool exclude_online_hours) {
  char separator = '?';
  const auto add = [&](std::string_view flag) {
    url += separator;
    url += flag;
    url += "=true";
    separator = '&';
  };
  if (exclude_bot && upstream.exclude_bot) add("exclude_bot");
  if (exclude_online_hours && upstream.exclude_online_hours) add("exclude_online_hours");
  return url;
}

http::ClientRequest request_of(const UpstreamQuestion& question, const Upstream& upstream) {
  http::ClientRequest request;
  request.method = "GET";
  request.url = question.url;
  request.headers = {{"Accept", "application/json"}};
  request.timeout = upstream.timeout;
  request.connect_timeout = std::min(request.connect_timeout, upstream.timeout);
  request.response_bytes_max = answer_bytes_max;
  request.allow_private = upstream.allow_private;
  request.ca_file = upstream.ca_file;
  return request;
}

}  // namespace

std::vector<UpstreamQuestion> upstream_questions(const Settings& settings) {
  std::vector<UpstreamQuestion> questions;
  if (!settings.upstream) return questions;
  const Upstream& upstream = *settings.upstream;
  const std::string base = upstream.url + "/restapi/isonline";
  questions.push_back({with_flags(base, upstream, false, true), Board::Subject::all, 0});
  for (const Department& one : settings.departments)
    if (one.upstream)
      questions.push_back({with_flags(base + "department/" + std::to_string(*one.upstream), upstream, true, true),
                           Board::Subject::department, one.id});
  for (const User& one : settings.users)
    if (one.upstream)
      questions.push_back({base + "user/" + std::to_string(*one.upstream), Board::Subject::user, one.id});
  return questions;
}

std::optional<bool> read_isonline(const http::ClientResponse& response) {
  if (response.progress != http::Progress::answered || response.status != 200) return std::nullopt;
  const auto body = parse_json(response.body);
  const json::value* online = body ? find(*body, "isonline") : nullptr;
  return online && online->is_bool() ? std::optional(online->get_bool()) : std::nullopt;
}

// Shared with the coroutine, which may end after the poll is gone.
struct UpstreamPoll::State {
  State(asio::any_io_executor executor, http::Client& c, Board& b) : client(c), board(b), timer(std::move(executor)) {}

  struct Plan {
    Upstream upstream;
    std::vector<UpstreamQuestion> questions;
  };

  static asio::awaitable<void> run(std::shared_ptr<State> state);
  asio::awaitable<void> poll(std::shared_ptr<const Plan> now);
  void take(const UpstreamQuestion& question, const http::ClientResponse& response, std::optional<bool> online);

  http::Client& client;
  Board& board;
  asio::steady_timer timer;
  std::shared_ptr<const Plan> plan;  // nullptr: nothing is polled
  bool closed = false;
  bool down = false;  // the last question got no answer: said once
  std::uint64_t polls = 0, answered = 0, failed = 0;
};

void UpstreamPoll::State::take(const UpstreamQuestion& question, const http::ClientResponse& response,
                               std::optional<bool> online) {
  if (online) {
    ++answered;
    board.on_upstream(question.subject, question.id, *online);
    if (std::exchange(down, false)) log::info("presence: the upstream system answers again", {{"url", question.url}});
    return;
  }
  ++failed;
  if (std::exchange(down, true)) return;
  log::warn("presence: the upstream system does not say who is online; what it said last counts for a while",
            {{"url", question.url}, {"status", response.status}, {"error", response.error}});
}

asio::awaitable<void> UpstreamPoll::State::poll(std::shared_ptr<const Plan> now) {
  for (const UpstreamQuestion& question : now->questions) {
    http::ClientRequest request = request_of(question, now->upstream);
    const http::ClientResponse response = co_await client.send(std::move(request));
    if (closed || plan != now) co_return;
    const std::optional<bool> online = read_isonline(response);
    take(question, response, online);
    if (response.progress != http::Progress::answered) break;
  }
  ++polls;
}

asio::awaitable<void> UpstreamPoll::State::run(std::shared_ptr<State> state) {
  constexpr auto token = asio::as_tuple(asio::use_awaitable);
  while (!state->closed) {
    const std::shared_ptr<const Plan> now = state->plan;
    if (now) co_await state->poll(now);
    if (state->closed) co_return;
    if (state->plan != now) continue;  // other settings came meanwhile
    if (now)
      state->timer.expires_after(now->upstream.every);
    else
      state->timer.expires_at(asio::steady_timer::time_point::max());
    co_await state->timer.async_wait(token);
  }
}

UpstreamPoll::UpstreamPoll(asio::any_io_executor executor, http::Client& client, Board& board)
    : state_(std::make_shared<State>(executor, client, board)), group_(executor, "presence upstream") {
  group_.spawn(State::run(state_));
}

UpstreamPoll::~UpstreamPoll() {
  close();
}

void UpstreamPoll::use(const Settings& settings) {
  std::vector<UpstreamQuestion> questions = upstream_questions(settings);
  if (questions.empty())
    state_->plan = nullptr;
  else
    state_->plan = std::make_shared<const State::Plan>(State::Plan{*settings.upstream, std::move(questions)});
  state_->timer.cancel();
}

void UpstreamPoll::close() {
  state_->closed = true;
  group_.close();
  group_.cancel_all();
}

asio::awaitable<bool> UpstreamPoll::join(Millis limit) {
  return group_.join(limit);
}

std::uint64_t UpstreamPoll::polls() const {
  return state_->polls;
}
std::uint64_t UpstreamPoll::answered() const {
  return state_->answered;
}
std::uint64_t UpstreamPoll::failed() const {
  return state_->failed;
}

}  // namespace chatrelay::presence
