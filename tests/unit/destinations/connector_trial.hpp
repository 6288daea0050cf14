// Plays the actions of a connector file in tests, with the file's own inline tests as the model: their settings, links
// and answers, and in `with` whatever is to be tried.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "destinations/connector/batch_execution.hpp"
#include "destinations/connector/execution.hpp"
#include "destinations/connector/shipped.hpp"
#include "unit/destinations/request_parts.hpp"

namespace chatrelay::destinations::testing {

// Where in `with` a text can stand: a key, or a text inside of the list or map that a test gives there.
struct Slot {
  std::string key;
  std::vector<std::string> path;  // within its value; numbers for lists
  std::string place() const {
    std::string place = key;
    for (const std::string& step : path) place += "." + step;
    return place;
  }
};

inline void texts_within(const boost::json::value& value, const Slot& slot, std::vector<Slot>& slots) {
  const auto deeper = [&](std::string step, const boost::json::value& member) {
    Slot inner = slot;
    if (inner.key.empty()) {
      inner.key = std::move(step);
    } else {
      inner.path.push_back(std::move(step));
    }
    if (member.is_string()) return slots.push_back(inner);
    texts_within(member, inner, slots);
  };
  if (const auto* object = value.if_object()) {
    for (const auto& [name, member] : *object) deeper(std::string(name), member);
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) deeper(std::to_string(i), (*array)[i]);
  }
}

inline std::vector<Slot> slots_of(const connector::Action& action, const boost::json::value& payload) {
  std::vector<Slot> slots;
  const boost::json::object& given = payload.as_object();
  const auto is_key = [&](const auto& member) { return action.schema.with.contains(std::string(member.key())); };
  if (!std::ranges::all_of(given, is_key)) {  // a whole event
    texts_within(payload, {}, slots);
    return slots;
  }
  for (const auto& [key, ignored] : action.schema.with) {
    const boost::json::value* value = given.if_contains(key);
    if (value != nullptr && value->is_structured()) {
      texts_within(*value, {key, {}}, slots);
    } else {
      slots.push_back({key, {}});
    }
  }
  return slots;
}

inline boost::json::value with_text(boost::json::value payload, const Slot& slot, boost::json::value text) {
  boost::json::value* at = &payload.as_object()[slot.key];
  for (const std::string& step : slot.path)
    at = at->is_array() ? &at->as_array().at(static_cast<std::size_t>(std::stoul(step))) : &at->as_object().at(step);
  *at = std::move(text);
  return payload;
}

struct Sent {
  const connector::Step* step = nullptr;
  RequestParts parts;
};

// What one attempt came to.
struct Played {
  std::vector<Sent> sent;
  Outcome outcome;
  std::string trouble;  // what is wrong with a request that is not one
  bool good() const {
    return trouble.empty() && (outcome.klass == OutcomeClass::ok || outcome.klass == OutcomeClass::duplicate);
  }
  bool refused() const { return outcome.reason.starts_with("not sent: "); }
};

class Trial {
 public:
  explicit Trial(const connector::ShippedConnector& shipped) {
    config::Problems problems;
    file_ = connector::parse_connector(shipped.text, std::string(shipped.name) + ".yaml", problems);
    if (file_ != nullptr) program_ = file_->expressions->build(problems);
    if (program_ == nullptr) throw std::runtime_error(problems.to_string());
    no_content_.progress = http::Progress::answered;
    no_content_.status = 204;
    for (const connector::InlineTest& test : file_->tests)
      if (!test.of_probe && test.batch.empty()) learn(test);
  }

  const connector::ConnectorFile& file() const { return *file_; }

  // Of the tests of an action that ended well, those that make different requests.
  std::vector<const connector::InlineTest*> tests_of(const std::string& action) const {
    std::vector<const connector::InlineTest*> chosen;
    std::set<std::vector<std::string>> seen;
    for (const auto& [test, places] : good_)
      if (test->action == action && seen.insert(places).second) chosen.push_back(test);
    return chosen;
  }

  // Every request is answered as the test's, or another test's, of the same step was.
  Played play(const connector::InlineTest& test, Attempt attempt) {
    const connector::ExecutionSetup setup{*file_, *file_->action(test.action), test.settings, no_base_url_, *program_};
    connector::Execution execution(setup, std::move(attempt));
    const Result<connector::AuthPart> login = connector::auth_part(file_->auth, test.settings, test.token, *program_);
    Played played;
    while (login && execution.advance()) {
      const auto request = execution.request(*login, test.now);
      if (!request) break;
      try {
        played.sent.push_back({execution.step(), RequestReader::read(*request)});
      } catch (const std::exception& error) {
        played.trouble = error.what();
        break;
      }
      execution.answered(reply_to(*execution.step(), test), test.now);
    }
    played.outcome = execution.outcome();
    return played;
  }
  Played play(const connector::InlineTest& test, boost::json::value payload) {
    Attempt attempt = test.attempt;
    attempt.with = std::move(payload);
    return play(test, std::move(attempt));
  }

  // A batch of a test, with another `with` for one of its deliveries; the outcome is that delivery's.
  Played play_together(const connector::InlineTest& test, std::size_t member, const boost::json::value& payload) {
    std::vector<Attempt> attempts;
    for (const connector::InlineTest& one : test.batch) {
      attempts.push_back(one.attempt);
      attempts.back().with = attempts.size() == member + 1 ? payload : one.payload;
    }
    const connector::ExecutionSetup setup{*file_, *file_->action(test.action), test.settings, no_base_url_, *program_};
    connector::BatchExecution execution(setup, std::move(attempts));
    const Result<connector::AuthPart> login = connector::auth_part(file_->auth, test.settings, test.token, *program_);
    Played played;
    const auto request = login && execution.advance() ? execution.request(*login, test.now) : std::nullopt;
    if (request) {
      try {
        played.sent.push_back({nullptr, RequestReader::read(*request)});
      } catch (const std::exception& error) {
        played.trouble = error.what();
      }
      execution.answered(test.exchange.front().reply, test.now);
    }
    played.outcome = execution.outcomes()[member];
    return played;
  }

 private:
  const http::ClientResponse& reply_to(const connector::Step& step, const connector::InlineTest& test) const {
    const auto own = replies_.find({&test, &step});
    if (own != replies_.end()) return own->second;
    const auto any = good_replies_.find(&step);
    return any == good_replies_.end() ? no_content_ : any->second;
  }

  // Which step each reply of a test answers, and whether it ends well.
  void learn(const connector::InlineTest& test) {
    Attempt attempt = test.attempt;
    attempt.with = test.payload;
    const connector::ExecutionSetup setup{*file_, *file_->action(test.action), test.settings, no_base_url_, *program_};
    connector::Execution execution(setup, std::move(attempt));
    const Result<connector::AuthPart> login = connector::auth_part(file_->auth, test.settings, test.token, *program_);
    std::vector<std::string> places;
    for (const connector::Exchange& exchange : test.exchange) {
      if (!login || !execution.advance()) break;
      const auto request = execution.request(*login, test.now);
      if (!request) break;
      for (const RequestPart& part : RequestReader::read(*request)) places.push_back(part.place);
      execution.answered(exchange.reply, test.now);
      replies_.insert({{&test, execution.step()}, exchange.reply});
      if (execution.result().klass == OutcomeClass::ok) good_replies_.insert({execution.step(), exchange.reply});
    }
    const bool finished = !places.empty() && !execution.advance();
    const OutcomeClass klass = execution.outcome().klass;
    if (finished && (klass == OutcomeClass::ok || klass == OutcomeClass::duplicate)) good_.emplace_back(&test, places);
  }

  const std::string no_base_url_;
  http::ClientResponse no_content_;
  std::shared_ptr<const connector::ConnectorFile> file_;
  std::unique_ptr<expression::Program> program_;
  std::map<std::pair<const connector::InlineTest*, const connector::Step*>, http::ClientResponse> replies_;
  std::map<const connector::Step*, http::ClientResponse> good_replies_;
  std::vector<std::pair<const connector::InlineTest*, std::vector<std::string>>> good_;
};

}  // namespace chatrelay::destinations::testing
