#include "http/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/assert.hpp"
#include "common/text.hpp"
#include "http/etag.hpp"
#include "http/url.hpp"

namespace chatrelay::http {

namespace {

constexpr std::size_t segments_max = 32;
constexpr std::string_view index_name = "index.html";

constexpr std::array<std::pair<std::string_view, const char*>, 11> content_types{{
    {"html", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"ico", "image/x-icon"},
    {"txt", "text/plain; charset=utf-8"},
    {"woff2", "font/woff2"},
}};

// nullptr: a kind of file that is not shown.
const char* content_type_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return nullptr;
  const std::string extension = to_lower_ascii(name.substr(dot + 1));
  const auto found = std::ranges::find(content_types, extension, &decltype(content_types)::value_type::first);
  return found == content_types.end() ? nullptr : found->second;
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '/' && c != '\\';
}

// One segment, decoded; nullopt: one that no path of a file has. A dot in front is also "." and "..".
std::optional<std::string> segment_of(std::string_view raw) {
  std::optional<std::string> segment = percent_decode(raw);
  if (!segment || segment->empty() || segment->front() == '.' || !std::ranges::all_of(*segment, is_plain))
    return std::nullopt;
  return segment;
}

// What stands behind the prefix, split before it is decoded, so that %2F is no separator. The name of a folder stands
// for the index in it. nullopt: no path of a file.
std::optional<std::vector<std::string>> segments_of(std::string_view rest) {
  std::vector<std::string> segments;
  while (!rest.empty()) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    auto segment = segment_of(rest.substr(0, slash));
    if (!segment || segments.size() == segments_max) return std::nullopt;
    segments.push_back(std::move(*segment));
    if (slash + 1 == rest.size()) segments.emplace_back(index_name);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  if (segments.empty()) segments.emplace_back(index_name);
  return segments;
}

// Opened folder by folder, never through a link: whatever is changed meanwhile, this cannot end outside.
Descriptor open_below(const std::string& folder, const std::vector<std::string>& segments) {
  Descriptor at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t i = 0; at && i < segments.size(); ++i) {
    // O_NONBLOCK: a pipe would hold the thread until somebody writes into it.
    const int flags = i + 1 < segments.size() ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK | O_NOCTTY;
    at = Descriptor(::openat(at.get(), segments[i].c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  }
  return at;
}

// Of what the file system says: a page that is asked for again costs no reading.
std::string etag_of(const struct stat& file) {
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "\"%llx-%llx-%llx.%lx\"", static_cast<unsigned long long>(file.st_ino),
                static_cast<unsigned long long>(file.st_size), static_cast<unsigned long long>(file.st_mtim.tv_sec),
                static_cast<unsigned long>(file.st_mtim.tv_nsec));
  return text.data();
}

// nullopt: it cannot be read, or grew over the limit meanwhile.
std::optional<std::string> content_of(int fd, std::size_t expected_bytes) {
  std::string content;
  content.resize(std::min(expected_bytes, Files::file_bytes_max) + 1);  // one more, to see its end in the same turn
  std::size_t filled = 0;
  for (;;) {
    const ssize_t count = ::read(fd, content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
    if (filled > Files::file_bytes_max) return std::nullopt;
    if (filled == content.size()) content.resize(std::min(filled * 2, Files::file_bytes_max + 1));
  }
  content.resize(filled);
  return content;
}

Response not_there() {
  return Response(404, "nothing is served here\n");
}

// A folder's name without the slash: the page's relative links would miss. Relative itself, so that a proxy may have
// put something in front of the path.
Response to_folder(std::string_view raw_name, std::string_view query) {
  Response response(308, "this is a folder\n");
  std::string location = "./" + std::string(raw_name) + "/";
  if (!query.empty()) location.append("?").append(query);
  response.headers.emplace_back("Location", std::move(location));
  return response;
}

std::string_view last_segment(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

Response show(const Request& request, const Descriptor& file, const struct stat& about, const char* content_type) {
  Response response(200, {}, content_type);
  std::string etag = etag_of(about);
  if (names_etag(request.header("If-None-Match"), etag)) {
    response.status = 304;
  } else {
    // HEAD too: the server takes the length from the body, and leaves the body out.
    auto content = content_of(file.get(), static_cast<std::size_t>(about.st_size));
    if (!content) return not_there();
    response.body = std::move(*content);
  }
  response.headers.emplace_back("ETag", std::move(etag));
  response.headers.emplace_back("Cache-Control", "no-cache");  // kept, but asked for each time: pages are being changed
  return response;
}

}  // namespace

Files::Files(std::string folder, std::string prefix) : folder_(std::move(folder)), prefix_(std::move(prefix)) {
  CHATRELAY_ASSERT(prefix_.starts_with('/') && prefix_.ends_with('/') && prefix_.size() > 1, "a prefix needs slashes");
}

bool Files::serves(std::string_view path) const {
  return path.starts_with(prefix_) || path == std::string_view(prefix_).substr(0, prefix_.size() - 1);
}

Response Files::answer(const Request& request) const {
  if (request.method() != "GET" && request.method() != "HEAD") {
    Response response(405, "only GET and HEAD here\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  const std::string_view path = request.path();
  if (!serves(path)) return not_there();
  if (path.size() < prefix_.size()) return to_folder(last_segment(path), request.query());
  const auto segments = segments_of(path.substr(prefix_.size()));
  if (!segments) return not_there();
  const Descriptor file = open_below(folder_, *segments);
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return not_there();
  if (S_ISDIR(about.st_mode)) return to_folder(last_segment(path), request.query());
  const char* content_type = content_type_of(segments->back());
  if (!S_ISREG(about.st_mode) || !content_type || static_cast<std::size_t>(about.st_size) > file_bytes_max)
    return not_there();
  return show(request, file, about, content_type);
}

boost::asio::awaitable<Response> Files::handle(Request& request) const {
  Response response = answer(request);
  co_return response;
}

}  // namespace chatrelay::http
