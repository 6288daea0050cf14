#include "http/http_transfer.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"
#include "http/response_format.hpp"

namespace chatrelay::http {

namespace {

constexpr std::size_t header_bytes_kept = 64 << 10;
constexpr std::size_t header_bytes_max = 256 << 10;  // beyond this the answer is garbage and the connection is closed
constexpr std::size_t dropped_bytes_max =
    256 << 10;  // so much more is read and dropped, to keep the connection; then it is closed

// What says how a message is framed is set by libcurl from the body itself: a second opinion would be request
// smuggling.
bool is_framing(std::string_view name) {
  static constexpr std::array<std::string_view, 7> framing{
      "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Expect", "TE"};
  return std::any_of(framing.begin(), framing.end(), [&](std::string_view f) { return iequals_ascii(f, name); });
}

bool sends_body(const ClientRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

}  // namespace

const std::string* find_header(const Headers& headers, std::string_view name) {
  const auto at =
      std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return iequals_ascii(h.first, name); });
  return at == headers.end() ? nullptr : &at->second;
}

std::string problem_of(const ClientRequest& request) {
  if (!is_token(request.method)) return "the method is not a token";
  if (request.method == "CONNECT") return "the method CONNECT is not for us";
  if (request.method == "HEAD" && !request.body.empty()) return "a HEAD request has no body";
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return "the header name '" + printable(name, 60) + "' is not a token";
    if (!is_field_value(value)) return "the header " + name + " has a line break or a control character in it";
    if (is_framing(name)) return "the header " + name + " is not set by hand";
  }
  return {};
}

HttpTransfer::HttpTransfer(std::shared_ptr<Multi> loop, const ClientRequest& request, Target target, StringList resolve,
                           Millis timeout, const std::string& user_agent, boost::asio::steady_timer& finished)
    : loop_(std::move(loop)),
      request_(request),
      target_(std::move(target)),
      resolve_(std::move(resolve)),
      easy_(loop_->take_easy()),
      finished_(finished) {
  guard.allow_private = request.allow_private;
  CommonOptions common;
  common.protocols = "http,https";
  common.timeout = timeout;
  common.connect_timeout = request.connect_timeout;
  common.ca_file = &request.ca_file;
  set_common(easy_.get(), common, guard);
  set_request(user_agent);
  set_headers();
}

HttpTransfer::~HttpTransfer() {
  if (!done_) loop_->abort(easy_.get());
  loop_->give_back(std::move(easy_));
}

void HttpTransfer::set_request(const std::string& user_agent) {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_CURLU, target_.url.get());
  if (resolve_) curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve_.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent.c_str());
  // HTTP/1.1: one request at a time on a connection makes "how far did it get" a fact; 7.88's HTTP/2 does not tell it
  // as well.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request_.fresh_connection ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  if (request_.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (sends_body(request_)) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.c_str());  // not copied: the request outlives the transfer
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void HttpTransfer::set_headers() {
  std::string line;
  bool has_type = false;
  for (const auto& [name, value] : request_.headers) {
    line.assign(name);
    if (trim(value).empty()) {
      line += ';';  // libcurl's way to send an empty one; "Name:" would take it out
    } else {
      line.append(": ").append(value);
    }
    append(header_list_, line);
    has_type = has_type || iequals_ascii(name, "Content-Type");
  }
  append(header_list_, "Expect:");  // a round trip for bodies over 1 MB, and many servers do not know it
  if (!has_type) append(header_list_, "Content-Type:");  // libcurl would say that it is a form
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, header_list_.get());
}

void HttpTransfer::start() {
  loop_->start(easy_.get(), *this);
}

void HttpTransfer::cancel() {
  if (done_) return;
  loop_->abort(easy_.get());
  ended(CURLE_ABORTED_BY_CALLBACK);
}

void HttpTransfer::ended(CURLcode code) {
  if (done_) return;
  done_ = true;
  long status = 0;
  long request_bytes = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &request_bytes);
  response_.status = static_cast<int>(status);
  response_.refused_address = guard.refused && request_bytes == 0;
  response_.timed_out = code == CURLE_OPERATION_TIMEDOUT;
  // libcurl is content with an answer that ends within its head.
  const bool complete = code == CURLE_OK && head_complete_ && status >= 200;
  if (complete || (cut_ && code == CURLE_WRITE_ERROR)) {
    response_.progress = Progress::answered;
  } else {
    response_.progress = request_bytes > 0 ? Progress::sent : Progress::not_sent;
    response_.error = response_.refused_address           ? "the address is private and allow_private is not set"
                      : code == CURLE_ABORTED_BY_CALLBACK ? "cancelled"
                      : header_bytes_ > header_bytes_max  ? "the answer's headers are too large"
                      : code == CURLE_OK                  ? "the connection ended within the answer's head"
                                                          : error_text(code, error_);
  }
  finished_.cancel();
}

std::size_t HttpTransfer::on_header(char* data, std::size_t, std::size_t size, void* self) {
  return static_cast<HttpTransfer*>(self)->take_header({data, size}) ? size : 0;
}

std::size_t HttpTransfer::on_body(char* data, std::size_t, std::size_t size, void* self) {
  return static_cast<HttpTransfer*>(self)->take_body({data, size}) ? size : 0;
}

bool HttpTransfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > header_bytes_max) return false;
  if (line.starts_with("HTTP/")) {  // a new head: the one before was a 1xx
    response_.headers.clear();
    head_complete_ = false;
    return true;
  }
  if (trim(line).empty()) {
    head_complete_ = true;
    return true;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || header_bytes_ > header_bytes_kept) return true;
  response_.headers.emplace_back(std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
  return true;
}

bool HttpTransfer::take_body(std::string_view bytes) {
  const auto room = request_.response_bytes_max - std::min(request_.response_bytes_max, response_.body.size());
  response_.body.append(bytes.substr(0, room));
  if (bytes.size() <= room) return true;
  dropped_bytes_ += bytes.size() - room;
  cut_ = dropped_bytes_ > dropped_bytes_max;
  return !cut_;
}

}  // namespace chatrelay::http
