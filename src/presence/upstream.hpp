// UpstreamPoll: asks a real Live Helper Chat who is online, again and again, and tells the Board.
//
// One poll asks its questions (restapi/isonline, isonlinedepartment/ID, isonlineuser/ID) one after the other; the next
// begins `every` after it has ended, so polls never overlap. When the server cannot be reached the rest of the poll is
// left out. An answer is taken only if it is 200 with {"isonline": true or false}; what is not answered is told to
// nobody: the Board lets old answers count for `keep`, then takes the fallback.
// Thread: the executor's, for every member.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/task_group.hpp"
#include "http/client.hpp"
#include "presence/presence.hpp"

namespace chatrelay::presence {

// One request of a poll and whom its answer is about.
struct UpstreamQuestion {
  std::string url;
  Board::Subject subject = Board::Subject::all;
  std::int64_t id = 0;  // ours
};
std::vector<UpstreamQuestion> upstream_questions(const Settings& settings);

// nullopt: not an answer of Live Helper Chat's.
std::optional<bool> read_isonline(const http::ClientResponse& response);

class UpstreamPoll {
 public:
  // Lifetime: client and board outlive the poll's last coroutine: close(), then join().
  UpstreamPoll(boost::asio::any_io_executor executor, http::Client& client, Board& board);
  ~UpstreamPoll();
  UpstreamPoll(const UpstreamPoll&) = delete;
  UpstreamPoll& operator=(const UpstreamPoll&) = delete;

  // Polls what these settings name, beginning at once; without `upstream` nothing. Again: a poll under way is given up
  // after the request under way, whose answer is dropped.
  void use(const Settings& settings);
  void close();
  boost::asio::awaitable<bool> join(Millis limit);  // false: the time was over

  // Counts since the start, for metrics and tests.
  std::uint64_t polls() const;     // that have ended
  std::uint64_t answered() const;  // questions that got an answer
  std::uint64_t failed() const;    // questions that got none

 private:
  struct State;
  std::shared_ptr<State> state_;
  TaskGroup group_;
};

}  // namespace chatrelay::presence
