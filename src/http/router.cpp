#include "http/router.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "common/assert.hpp"
#include "http/url.hpp"

namespace chatrelay::http {

namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

// nullopt if a segment does not decode, or decodes to something with a NUL, which no name of ours has.
std::optional<std::vector<std::string>> decode_path(std::string_view path) {
  std::vector<std::string> decoded;
  for (const auto segment : split_path(path)) {
    auto text = percent_decode(segment);
    if (!text || text->find('\0') != std::string::npos) return std::nullopt;
    decoded.push_back(std::move(*text));
  }
  return decoded;
}

}  // namespace

const std::string& Captures::operator[](std::string_view name) const {
  static const std::string none;
  const auto at = std::find_if(list_.begin(), list_.end(), [&](const auto& c) { return c.first == name; });
  return at == list_.end() ? none : at->second;
}

std::vector<Router::Segment> Router::parse_pattern(std::string_view pattern) {
  CHATRELAY_ASSERT(!pattern.empty() && pattern.front() == '/', "a route's pattern begins with '/'");
  std::vector<Segment> segments;
  for (const auto text : split_path(pattern)) {
    CHATRELAY_ASSERT(segments.empty() || segments.back().kind != Segment::Kind::rest,
                     "{name*} must be the last segment");
    if (text.empty() || text.front() != '{') {
      segments.push_back({Segment::Kind::literal, std::string(text)});
      continue;
    }
    CHATRELAY_ASSERT(text.back() == '}' && text.size() > 2, "a capture is a whole segment: {name}");
    const auto name = text.substr(1, text.size() - 2);
    const bool rest = name.back() == '*';
    segments.push_back({rest ? Segment::Kind::rest : Segment::Kind::capture,
                        std::string(rest ? name.substr(0, name.size() - 1) : name)});
  }
  return segments;
}

void Router::add(std::string_view method, std::string_view pattern, RouteHandler handler) {
  Route route{std::string(method), parse_pattern(pattern), std::move(handler)};
  for (const auto& other : routes_) {
    const bool same = other.method == route.method &&
                      std::equal(other.segments.begin(), other.segments.end(), route.segments.begin(),
                                 route.segments.end(), [](const Segment& a, const Segment& b) {
                                   return a.kind == b.kind && (a.kind != Segment::Kind::literal || a.text == b.text);
                                 });
    CHATRELAY_ASSERT(!same, "the same route was added twice");
  }
  const auto place = std::upper_bound(routes_.begin(), routes_.end(), route, more_literal);
  routes_.insert(place, std::move(route));
}

// Segment by segment, literal before capture before rest: so the first route that matches is the most specific one.
bool Router::more_literal(const Route& a, const Route& b) {
  return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                                      [](const Segment& x, const Segment& y) { return x.kind < y.kind; });
}

bool Router::matches(const Route& route, const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const auto& segment = route.segments[i];
    if (i >= path.size()) return false;
    if (segment.kind == Segment::Kind::rest) return true;
    if (segment.kind == Segment::Kind::literal ? path[i] != segment.text : path[i].empty()) return false;
  }
  return route.segments.size() == path.size();
}

Captures Router::captures_of(const Route& route, const std::vector<std::string>& path) {
  Captures captures;
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const auto& segment = route.segments[i];
    if (segment.kind == Segment::Kind::capture) captures.add(segment.text, path[i]);
    if (segment.kind == Segment::Kind::rest) {
      std::string rest = path[i];
      for (std::size_t j = i + 1; j < path.size(); ++j) rest += "/" + path[j];
      captures.add(segment.text, std::move(rest));
    }
  }
  return captures;
}

boost::asio::awaitable<Response> Router::handle(Request& request) const {
  const auto path = decode_path(request.path());
  if (!path) co_return Response(400, "the path has a broken percent escape\n");

  const auto asked = request.method();
  std::set<std::string> allowed;
  for (const auto& route : routes_) {
    if (!matches(route, *path)) continue;
    if (route.method == asked || (asked == "HEAD" && route.method == "GET")) {
      const auto captures = captures_of(route, *path);
      co_return co_await route.handler(request, captures);
    }
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty()) co_return Response(404, "there is nothing at this path\n");
  std::string list;
  for (const auto& method : allowed) list += (list.empty() ? "" : ", ") + method;
  Response response(405, "this path does not take " + std::string(asked.substr(0, 32)) + "\n");
  response.headers.emplace_back("Allow", list);
  co_return response;
}

}  // namespace chatrelay::http
