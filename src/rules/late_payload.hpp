// Late payload: a `with` that uses links is rendered when its delivery stands at the head of its lane, from what was
// kept at planning: the templates as they were written, the event, the tables. So a reload does not change what is
// planned. What does not use links is rendered at planning.
//
// Not here: when that is (deliver/), and what the links are (store/).
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "common/error.hpp"
#include "expression/escape.hpp"
#include "rules/catalog.hpp"

namespace chatrelay::rules {

// What a payload must have beside what its rule says. `to` is for messages.
struct PayloadDuties {
  std::string to;
  std::vector<std::string> required;
  std::vector<std::string> audience_keys;  // ActionSchema: audience_of_event
  std::string audience;                    // of the event's message
};
PayloadDuties duties_of(const ActionSchema& schema, std::string to, std::string_view audience);
// Errors: invalid (a required key has no value).
Result<void> fulfil(const PayloadDuties& duties, boost::json::object& payload);

struct LateKey {
  std::string key;
  boost::json::value source;  // the template as written
  expression::Escape escape = expression::Escape::none;
};

// As text, for the store. `input` is the event as the rule's other templates saw it.
std::string late_inputs(const PayloadDuties& duties, boost::json::object ready, const std::vector<LateKey>& late,
                        const boost::json::object& tables, boost::json::value input, const std::string& where);

// Thread: one. Keeps what it compiled (33 ms each) for the deliveries of the same rule that follow.
class LateRenderer {
 public:
  LateRenderer();
  ~LateRenderer();
  // The payload as JSON text. `links`: what the templates see as .links. Errors: invalid, for ever: an expression
  // failed, a required key has no value, the inputs cannot be read.
  Result<std::string> render(const std::string& inputs, const boost::json::object& links);

 private:
  struct Compiled;
  Result<Compiled*> compiled(const boost::json::object& inputs);
  static constexpr std::size_t kept_max = 64;  // Limit: compiled programs; a few hundred KiB each
  std::list<std::pair<std::string, std::unique_ptr<Compiled>>> recent_;  // by their text, last used first
};

}  // namespace chatrelay::rules
