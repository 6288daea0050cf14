// ConnectionTable: the open connections of a server: how many, how many of each address, and which of them waits
// longest, so that strangers who only hold connections shut nobody out. Inside the room only.
//
// It closes nothing by itself but in make_room(). Limit: one entry for each connection and one for each address that
// has some. Thread: the server's.
#pragma once

#include <map>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include "common/clock.hpp"

namespace chatrelay::http {

enum class Phase { handshake, idle, head, body, handling, writing, streaming, closing };

// A connection as the server sees it: how far it is, and when it will be cut off. One coarse sweep looks at all
// deadlines: an operation costs one assignment instead of a timer's start and cancel.
struct ConnectionControl {
  explicit ConnectionControl(boost::asio::ip::tcp::socket& s) : socket(s) {}
  boost::asio::ip::tcp::socket& socket;
  boost::asio::steady_timer* wake = nullptr;  // while streaming: cancelled when the stream has to end
  SteadyTime since{};                         // when it entered its phase
  SteadyTime deadline = SteadyTime::max();
  Phase phase = Phase::head;
  bool fresh = true;  // nothing of the next request has come
  bool timed_out = false;
  void cut();

  // The table's.
  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  boost::asio::ip::address counted_as;
  bool counted = false;
  Hook all_hook, order_hook;
};

class ConnectionTable {
 public:
  // `counts`: against its address's share. The peer is normalized().
  void add(ConnectionControl& control, const boost::asio::ip::address& peer, bool counts);
  void remove(ConnectionControl& control);  // one that made room is out of it already
  void moved(ConnectionControl& control);   // it entered another phase just now

  std::size_t size() const { return size_; }
  std::size_t of(const boost::asio::ip::address& peer) const;  // counted ones of its address

  // Closes the connection that has waited longest since before `limit`: for a request if there is one, else for the
  // rest of a head or a handshake. False: there is none; what has a request under way stays.
  bool make_room(SteadyTime limit);

  auto begin() { return all_.begin(); }
  auto end() { return all_.end(); }

 private:
  template <ConnectionControl::Hook ConnectionControl::*hook>
  using List = boost::intrusive::list<ConnectionControl,
                                      boost::intrusive::member_hook<ConnectionControl, ConnectionControl::Hook, hook>,
                                      boost::intrusive::constant_time_size<false>>;
  using Order = List<&ConnectionControl::order_hook>;
  bool close_first(Order& order, SteadyTime limit);

  List<&ConnectionControl::all_hook> all_;
  Order waiting_;   // for a request of which nothing has come; the longest first
  Order arriving_;  // handshakes and heads; the longest first
  std::map<boost::asio::ip::address, std::size_t> by_address_;
  std::size_t size_ = 0;
};

}  // namespace chatrelay::http
