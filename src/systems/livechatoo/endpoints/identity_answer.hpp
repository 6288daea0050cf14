// What the operator is told: a verdict, and lines about the visitor. Everything in it is a visitor's or a website's
// text and is escaped, whatever the operator's window makes of it. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "http/server.hpp"
#include "systems/livechatoo/endpoints/identity_config.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

enum class Verdict { verified, unknown, unavailable };

struct Line {
  std::string label;  // may be empty
  std::string value;
};

struct Told {
  Verdict verdict = Verdict::unknown;
  std::vector<Line> lines;  // of a verified visitor
};

// What `answer` gave: null, false, an empty text, and a map or list of nothing but these are nobody, as is nothing;
// true is a visitor of whom nothing is told; text is one line; a map a line each. Limit: 20 lines of 300 bytes.
Told told_of(const std::vector<boost::json::value>& results);

// Always 200: the operator's window shows what is answered, and a status would say it to nobody else.
http::Response answer_of(const IdentityConfig& identity, const Told& told);

}  // namespace chatrelay::systems::livechatoo::endpoints
