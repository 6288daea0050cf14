#include "http/admission.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace chatrelay::http {

namespace asio = boost::asio;

namespace {

struct Waiter {
  explicit Waiter(asio::steady_timer& t) : timer(t) {}
  asio::steady_timer& timer;
  bool admitted = false;
};

struct Group {
  std::size_t active = 0;
  std::list<Waiter*> waiting;
};

}  // namespace

struct Admission::State {
  State(asio::any_io_executor e, std::size_t s) : executor(std::move(e)), slots(s) {}

  bool may_enter(const Group& group) const {
    const std::size_t free = slots > active ? slots - active : 0;
    return group.active == 0 || group.active < free;
  }
  void take(Group& group) {
    ++group.active;
    ++active;
  }
  void release(const std::string& name) {
    const auto at = groups.find(name);
    --at->second.active;
    --active;
    if (at->second.active == 0 && at->second.waiting.empty()) groups.erase(at);
    if (waiting > 0) admit_waiting();
  }
  // Round robin over the groups, beginning behind the one that was served last.
  void admit_waiting() {
    auto at = groups.upper_bound(served_last);
    for (std::size_t looked_at = 0; looked_at < groups.size(); ++looked_at) {
      if (at == groups.end()) at = groups.begin();
      Group& group = at->second;
      if (!group.waiting.empty() && may_enter(group)) {
        Waiter* first = group.waiting.front();
        group.waiting.pop_front();
        --waiting;
        take(group);
        first->admitted = true;
        first->timer.cancel();
        served_last = at->first;
      }
      ++at;
    }
  }

  asio::any_io_executor executor;
  std::size_t slots;
  std::size_t active = 0;
  std::size_t waiting = 0;
  std::map<std::string, Group> groups;
  std::string served_last;
  bool closed = false;
};

Admission::Admission(asio::any_io_executor executor, std::size_t slots)
    : state_(std::make_shared<State>(std::move(executor), std::max<std::size_t>(slots, 1))) {}

Admission::Slot& Admission::Slot::operator=(Slot&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(group_, other.group_);
  return *this;
}

Admission::Slot::~Slot() {
  if (state_) state_->release(group_);
}

std::size_t Admission::active() const {
  return state_->active;
}

void Admission::close() {
  state_->closed = true;
  for (auto& [name, group] : state_->groups) {
    for (auto* waiter : group.waiting) waiter->timer.cancel();
  }
}

asio::awaitable<Admission::Slot> Admission::enter(std::string name, SteadyTime deadline) {
  const auto state = state_;
  if (state->closed) co_return Slot();
  Group& group = state->groups[name];
  if (group.waiting.empty() && state->may_enter(group)) {
    state->take(group);
    co_return Slot(state, std::move(name));
  }

  asio::steady_timer timer(state->executor, deadline);
  Waiter waiter(timer);
  group.waiting.push_back(&waiter);
  ++state->waiting;
  // Leaves the queue with the frame, however that ends; gives an admission back that nobody took.
  struct Place {
    Place(State& s, const std::string& n, Waiter& w) : state_of(s), name_of(n), waiter_of(w) {}
    ~Place() {
      if (waiter_of.admitted) {
        if (!taken) state_of.release(name_of);
        return;
      }
      Group& g = state_of.groups[name_of];
      g.waiting.remove(&waiter_of);
      --state_of.waiting;
      if (g.active == 0 && g.waiting.empty()) state_of.groups.erase(name_of);
    }
    State& state_of;
    const std::string& name_of;
    Waiter& waiter_of;
    bool taken = false;
  };
  Place place(*state, name, waiter);
  boost::system::error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await timer.async_wait(token);
  if (!waiter.admitted || state->closed) co_return Slot();
  place.taken = true;
  co_return Slot(state, name);
}

}  // namespace chatrelay::http
