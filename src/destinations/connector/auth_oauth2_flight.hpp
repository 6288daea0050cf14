// Of OAuth2: a token request under way, and what ends it however it is left. For OAuth2's own files alone.
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "destinations/connector/auth_oauth2.hpp"

namespace chatrelay::destinations::connector {

struct OAuth2::Flight {
  explicit Flight(const boost::asio::any_io_executor& executor)
      : over(executor, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::steady_timer over;  // cancelled when it is
  bool done = false;
};

struct OAuth2::Landing {
  Landing(OAuth2& a, std::shared_ptr<Flight> f) : auth(a), flight(std::move(f)) {}
  ~Landing() {
    if (auth.flight_ == flight) auth.flight_.reset();
    flight->done = true;
    flight->over.cancel();
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  OAuth2& auth;
  std::shared_ptr<Flight> flight;
};

}  // namespace chatrelay::destinations::connector
