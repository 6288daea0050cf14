// Router: method and path pattern → handler. "/deliveries/{id}/retry"; a last segment "{rest*}" takes what is left,
// slashes too.
//
// Literal segments win over captures, whatever was added first. Captures arrive percent-decoded; a path that does not
// decode is 400. No pattern: 404. A pattern but not the method: 405 with Allow. HEAD uses the handler of GET.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "http/server.hpp"

namespace chatrelay::http {

class Captures {
 public:
  // Empty if there is no such capture: a pattern's own names always exist.
  const std::string& operator[](std::string_view name) const;
  void add(std::string_view name, std::string value) { list_.emplace_back(name, std::move(value)); }

 private:
  std::vector<std::pair<std::string, std::string>> list_;
};

// The captures live in the router's coroutine and outlive the await.
using RouteHandler = std::function<boost::asio::awaitable<Response>(Request& request, const Captures& captures)>;

class Router {
 public:
  // `pattern` begins with '/'. Asserts on a pattern with bad braces and on the same method and pattern twice.
  void add(std::string_view method, std::string_view pattern, RouteHandler handler);
  // Lifetime: the router outlives the await.
  boost::asio::awaitable<Response> handle(Request& request) const;

 private:
  struct Segment {
    enum class Kind { literal, capture, rest } kind;
    std::string text;
  };
  struct Route {
    std::string method;
    std::vector<Segment> segments;
    RouteHandler handler;
  };
  static std::vector<Segment> parse_pattern(std::string_view pattern);
  static bool matches(const Route& route, const std::vector<std::string>& path);
  static Captures captures_of(const Route& route, const std::vector<std::string>& path);
  static bool more_literal(const Route& a, const Route& b);

  std::vector<Route> routes_;
};

}  // namespace chatrelay::http
