// Renderer: a thread that renders what uses links, for the dispatcher. Apart, because an expression may take a second,
// and what hangs in one destination's deliveries must not stop another's (Invariant 3): destinations take turns.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <boost/json.hpp>

#include "common/error.hpp"

namespace chatrelay::deliver {

class Renderer {
 public:
  using Done = std::function<void(Result<std::string>)>;

  Renderer();
  ~Renderer();  // drops what waits; its callbacks do not come
  Renderer(const Renderer&) = delete;
  Renderer& operator=(const Renderer&) = delete;

  // Limit: as many wait as the dispatcher sets aside. `done` comes on the renderer's thread.
  void render(const std::string& destination, std::string inputs, boost::json::object links, Done done);

 private:
  struct Order {
    std::string inputs;
    boost::json::object links;
    Done done;
  };
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<std::pair<std::string, std::deque<Order>>>
      waiting_;        // by destination, next turn first; protected by mutex_
  bool stop_ = false;  // protected by mutex_
  std::thread thread_;
};

}  // namespace chatrelay::deliver
