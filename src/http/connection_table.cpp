#include "http/connection_table.hpp"

#include "http/address.hpp"

namespace chatrelay::http {

namespace asio = boost::asio;
using boost::system::error_code;

void ConnectionControl::cut() {
  timed_out = true;
  deadline = SteadyTime::max();
  if (wake) wake->cancel();
  error_code ec;
  socket.cancel(ec);
}

void ConnectionTable::add(ConnectionControl& control, const asio::ip::address& peer, bool counts) {
  all_.push_back(control);
  ++size_;
  if (!counts) return;
  control.counted = true;
  control.counted_as = counted_address(peer);
  ++by_address_[control.counted_as];
}

void ConnectionTable::remove(ConnectionControl& control) {
  control.order_hook.unlink();
  if (!control.all_hook.is_linked()) return;
  control.all_hook.unlink();
  --size_;
  if (!control.counted) return;
  const auto found = by_address_.find(control.counted_as);
  if (--found->second == 0) by_address_.erase(found);
}

void ConnectionTable::moved(ConnectionControl& control) {
  control.order_hook.unlink();
  if (!control.all_hook.is_linked()) return;
  const bool reads_head = control.phase == Phase::head || control.phase == Phase::handshake;
  if (control.phase == Phase::idle || (control.phase == Phase::head && control.fresh)) {
    waiting_.push_back(control);
  } else if (reads_head) {
    arriving_.push_back(control);
  }
}

std::size_t ConnectionTable::of(const asio::ip::address& peer) const {
  const auto found = by_address_.find(counted_address(peer));
  return found == by_address_.end() ? 0 : found->second;
}

bool ConnectionTable::make_room(SteadyTime limit) {
  return close_first(waiting_, limit) || close_first(arriving_, limit);
}

bool ConnectionTable::close_first(Order& order, SteadyTime limit) {
  int looks = 8;  // Limit: what is passed over is read in this turn of the loop, so the next turn looks at others
  for (ConnectionControl& control : order) {
    if (control.since > limit || looks-- == 0) return false;
    error_code ec;
    if (control.socket.available(ec) > 0) continue;  // a request is here already: it is answered
    remove(control);
    control.cut();
    control.socket.close(ec);  // its coroutine has nothing left to say
    return true;
  }
  return false;
}

}  // namespace chatrelay::http
