#include "deliver/renderer.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "rules/late_payload.hpp"

namespace chatrelay::deliver {

Renderer::Renderer() : thread_([this] { run(); }) {}

Renderer::~Renderer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    waiting_.clear();
  }
  wake_.notify_one();
  thread_.join();
}

void Renderer::render(const std::string& destination, std::string inputs, boost::json::object links, Done done) {
  {
    const std::lock_guard lock(mutex_);
    auto queue = std::ranges::find(waiting_, destination, [](const auto& entry) { return entry.first; });
    if (queue == waiting_.end()) queue = waiting_.insert(queue, {destination, {}});
    queue->second.push_back({std::move(inputs), std::move(links), std::move(done)});
  }
  wake_.notify_one();
}

void Renderer::run() {
  rules::LateRenderer renderer;  // its programs belong to this thread
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    const Order order = std::move(waiting_.front().second.front());
    waiting_.front().second.pop_front();
    if (waiting_.front().second.empty())
      waiting_.pop_front();
    else
      waiting_.splice(waiting_.end(), waiting_, waiting_.begin());
    lock.unlock();
    try {
      order.done(renderer.render(order.inputs, order.links));
    } catch (const std::exception& e) {
      order.done(Error(ErrorKind::internal, std::string("rendering: ") + e.what()));
    }
    lock.lock();
  }
}

}  // namespace chatrelay::deliver
