// A Response as bytes. The head of every answer is written here and nowhere else.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "http/server.hpp"

namespace chatrelay::http {

// "Fri, 20 Nov 2026 10:00:00 GMT", written anew once a second.
class DateHeader {
 public:
  std::string_view now();

 private:
  std::time_t second_ = -1;
  char text_[32] = {};
  std::size_t length_ = 0;
};

struct ResponseShape {
  bool head_only = false;  // the answer to HEAD
  bool keep_alive = true;
  bool http_1_0 = false;  // the request's version: says what has to be told about the connection
  bool chunked = false;
};

bool is_token(std::string_view text);        // RFC 9110 §5.6.2: a header's name, a method
bool is_field_value(std::string_view text);  // nothing that ends a line, no control character but tab
// 1xx, 204 and 304 never have a body.
bool status_has_body(int status);

// Appends the head. The body is not appended.
void append_head(std::string& out, const Response& response, const ResponseShape& shape, std::string_view date);

}  // namespace chatrelay::http
