#include "rules/test_runner.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "common/json.hpp"
#include "common/text.hpp"
#include "conversations/fold.hpp"
#include "expression/compare.hpp"
#include "expression/json_text.hpp"
#include "rules/rule.hpp"
#include "rules/rules.hpp"

namespace chatrelay::rules {
namespace {

namespace fs = std::filesystem;
using config::Node;

// 2026-01-01T00:00:00Z: tests must not depend on when they run.
constexpr long long test_time_ms = 1'767'225'600'000;

Result<std::string> read_webhook(const std::string& path) {
  constexpr std::uintmax_t bytes_max = 4 << 20;  // Limit: more than any source takes
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return not_found(path + ": " + error.message());
  if (size > bytes_max) return invalid(path + " is larger than 4 MiB");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return not_found(path + " cannot be read");
  return std::move(text).str();
}

// What the store would hold of one chat.
struct Chronicle {
  conversations::Conversation conversation;
  std::vector<store::StoredMessage> messages;

  void apply(const store::ConversationUpdate& update) {
    for (const store::StoredMessage& message : update.messages) {
      const auto known = std::ranges::find(messages, message.id, &store::StoredMessage::id);
      if (known != messages.end())
        *known = message;
      else
        messages.push_back(message);
    }
  }

  std::vector<store::StoredMessage> thread(const Event& event) const {
    if (!event.chat || !event.chat->thread_id) return messages;
    std::vector<store::StoredMessage> of_thread;
    std::ranges::copy_if(messages, std::back_inserter(of_thread),
                         [&](const auto& m) { return m.thread_id == *event.chat->thread_id; });
    return of_thread;
  }
};

std::string delivery_line(const std::string& to, const std::string& action, const json::value* with) {
  return to + (action.empty() ? "" : " " + action) + (with == nullptr ? "" : " " + expression::compact_json(*with));
}

// The first place where two values differ: "with.email: expected "a", got "b"".
std::string difference(const std::string& path, const json::value& expected, const json::value& got) {
  if (expected.is_object() && got.is_object()) {
    for (const auto& member : expected.get_object()) {
      const std::string inner = path + "." + std::string(member.key());
      const json::value* other = got.get_object().if_contains(member.key());
      if (other == nullptr) return inner + ": expected " + expression::compact_json(member.value()) + ", got nothing";
      if (!expression::equal(member.value(), *other)) return difference(inner, member.value(), *other);
    }
    for (const auto& member : got.get_object())
      if (!expected.get_object().contains(member.key()))
        return path + "." + std::string(member.key()) + ": not expected, got " +
               expression::compact_json(member.value());
  }
  return path + ": expected " + expression::compact_json(expected) + ", got " + expression::compact_json(got);
}

struct Expected {
  config::Location where;
  std::string to, action, rule;  // empty: any
  std::optional<json::value> with;
  std::shared_ptr<const Expected> or_else;  // nullptr: not looked at
};

class TestRun {
 public:
  TestRun(Engine& engine, const Catalog& catalog, const Decode& decode, const Node& node)
      : engine_(engine), catalog_(catalog), decode_(decode), node_(node) {}

  TestResult run() {
    TestResult result;
    result.where = node_.where();
    result.name = node_["name"].present() ? name_of(node_["name"]) : "(without a name)";
    node_.only({"name", "source", "events", "expect", "fails", "links", "presence", "if_destination"});
    if (!has_destinations(node_["if_destination"], catalog_)) {
      result.passed = result.skipped = true;
      return result;
    }
    if (!node_["name"]) complain("the test has no name");
    read_expectations();
    if (node_["links"].present()) extras_.links = node_["links"].json(false);
    if (node_["presence"].present()) extras_.presence = node_["presence"].json(false);
    source_ = node_["source"].present() ? name_of(node_["source"]) : std::string();
    if (source_.empty()) complain("the test has no source: whose events these are");
    if (node_["events"].size() == 0 && !node_["events"].is_scalar()) complain("the test has no events");
    for (const Node& event : node_["events"].items()) take(event);
    if (details_.empty()) compare();
    result.passed = details_.empty();
    result.details = std::move(details_);
    return result;
  }

 private:
  static std::string name_of(const Node& node) {
    const json::value value = node.json(false);
    return value.is_string() ? std::string(value.get_string()) : expression::compact_json(value);
  }

  void complain(const std::string& line) { details_ += (details_.empty() ? "" : "\n") + line; }
  void complain(const config::Location& where, const std::string& line) { complain(where.to_string() + ": " + line); }

  void read_expectations() {
    const Node list = node_["expect"];
    if (!list.present() && !list.is_list())
      complain("the test has no expect; expect: [] means that nothing is delivered");
    for (const Node& item : list.is_list() && list.size() == 0 ? std::vector<Node>() : list.items()) {
      if (!item.is_map()) {
        complain(item.where(), "an expected delivery is a map: to, action, with, rule, or_else");
        continue;
      }
      item.only({"to", "action", "with", "rule", "or_else"});
      Expected expected = read_expected(item);
      const Node other = item["or_else"];
      if (other.is_map()) {
        other.only({"to", "action", "with"});
        expected.or_else = std::make_shared<const Expected>(read_expected(other));
      } else if (other.present()) {
        complain(other.where(), "an expected or_else is a map: to, action, with");
      }
      expected_.push_back(std::move(expected));
    }
    for (const Node& item : node_["fails"].items()) expected_failures_.push_back(name_of(item));
  }

  Expected read_expected(const Node& item) {
    Expected expected{item.where(), {}, {}, {}, std::nullopt, nullptr};
    if (item["to"].present()) expected.to = name_of(item["to"]);
    if (item["action"].present()) expected.action = name_of(item["action"]);
    if (item["rule"].present()) expected.rule = name_of(item["rule"]);
    if (item["with"].present()) expected.with = item["with"].json(false);
    if (expected.to.empty()) complain(item.where(), "an expected delivery has a to");
    return expected;
  }

  void take(const Node& item) {
    std::vector<Event> parts;
    if (item.is_map()) {
      parts.push_back(event_from_json(item.json(false)));
      if (parts.back().type.empty()) return complain(item.where(), "an inline event needs a type");
    } else {
      const std::string path = (fs::path(item.where().file).parent_path() / name_of(item)).lexically_normal().string();
      const auto body = read_webhook(path);
      if (!body) return complain(item.where(), body.error().message);
      auto decoded = decode_(source_, *body);
      if (!decoded) return complain(item.where(), decoded.error().message);
      parts = std::move(*decoded);
    }
    complete(parts);
    decide(std::move(parts));
  }

  // What the daemon would have set when it stored the webhook.
  void complete(std::vector<Event>& parts) {
    ++sequence_;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Event& event = parts[i];
      event.ref = {sequence_, static_cast<std::uint32_t>(i)};
      if (event.id.empty()) event.id = "01TEST" + std::string(17, '0') + std::to_string(100 + sequence_ % 900);
      if (event.source.empty()) event.source = source_;
      if (event.system.empty() && event.source == own_source) event.system = own_source;
      if (to_ms(event.received_at) == 0)
        event.received_at = from_ms(test_time_ms + static_cast<long long>(sequence_) * 1'000);
    }
  }

  void decide(std::vector<Event> parts) {
    std::string chat_id;
    for (const Event& event : parts)
      if (event.chat && event.chat->id) chat_id = *event.chat->id;
    Chronicle none;
    Chronicle& chronicle = chat_id.empty() ? none : chats_[chat_id];
    const conversations::Folded folded = conversations::fold(chronicle.conversation, std::move(parts));
    if (folded.update) chronicle.apply(*folded.update);
    for (const Event& event : folded.events) {
      const Lazy lazy{[&](const TranscriptMember& member) {
        conversations::TranscriptOptions options;
        options.zone = catalog_.time_zone;
        options.agents_too = member.agents_too;
        if (event.chat) options.rating = event.chat->rating;
        return conversations::transcript_in(member.form, chronicle.thread(event), options);
      }};
      Decision decision = engine_.decide(event, extras_, lazy);
      std::ranges::move(decision.deliveries, std::back_inserter(got_));
      std::ranges::move(decision.failures, std::back_inserter(failures_));
    }
  }

  void compare() {
    for (std::size_t i = 0; i < std::max(expected_.size(), got_.size()); ++i) {
      if (i >= got_.size()) {
        const Expected& e = expected_[i];
        complain(e.where, "expected, but not delivered: " + delivery_line(e.to, e.action, e.with ? &*e.with : nullptr));
      } else if (i >= expected_.size()) {
        const Planned& p = got_[i];
        complain("delivered, but not expected: " + delivery_line(p.destination, p.action, &p.payload) + " (rule \"" +
                 p.rule + "\")");
      } else {
        compare(expected_[i], got_[i], "delivery " + std::to_string(i + 1) + ": ");
      }
    }
    compare_failures();
  }

  void compare(const Expected& e, const Planned& p, const std::string& which) {
    if (e.or_else && !p.other_way)
      complain(e.or_else->where, which + "expected an or_else, and it has none");
    else if (e.or_else)
      compare(*e.or_else, *p.other_way, which + "or_else: ");
    if (e.to != p.destination) {
      complain(e.where, which + "expected to " + delivery_line(e.to, e.action, e.with ? &*e.with : nullptr) +
                            "\n  got " + delivery_line(p.destination, p.action, &p.payload));
      return;
    }
    if (!e.action.empty() && e.action != p.action)
      complain(e.where, which + "expected action " + e.action + ", got " + p.action);
    if (!e.rule.empty() && e.rule != p.rule)
      complain(e.where, which + "expected from rule \"" + e.rule + "\", got from rule \"" + p.rule + "\"");
    if (e.with && !expression::equal(*e.with, p.payload))
      complain(e.where, which + difference("with", *e.with, p.payload) + "\n  expected " +
                            expression::compact_json(*e.with) + "\n  got      " + expression::compact_json(p.payload));
  }

  void compare_failures() {
    std::vector<std::string> names;
    for (const store::RuleFailure& failure : failures_) {
      names.push_back(failure.rule);
      if (std::ranges::find(expected_failures_, failure.rule) == expected_failures_.end())
        complain("rule \"" + failure.rule + "\" failed (" + failure.where + "): " + failure.reason);
    }
    for (const std::string& name : expected_failures_)
      if (std::ranges::find(names, name) == names.end())
        complain("rule \"" + name + "\" was expected to fail, and did not");
  }

  Engine& engine_;
  const Catalog& catalog_;
  const Decode& decode_;
  const Node& node_;
  std::string source_;
  EventExtras extras_;
  EventSeq sequence_ = 0;
  std::map<std::string, Chronicle> chats_;
  std::vector<Expected> expected_;
  std::vector<std::string> expected_failures_;
  std::vector<Planned> got_;
  std::vector<store::RuleFailure> failures_;
  std::string details_;
};

// The configuration's look-up tables, and in place of those of the same names the test file's own: what a rule makes of
// a table is tested without anybody's configuration.
json::object tables_of(const Node& node, json::object tables) {
  if (!node.present()) return tables;
  if (!node.is_map()) {
    node.problem("must be a map of tables, as in the configuration");
    return tables;
  }
  for (const std::string& name : node.keys()) tables[name] = node[name].json(false);
  return tables;
}

}  // namespace

std::size_t TestReport::failed() const {
  return static_cast<std::size_t>(std::ranges::count_if(tests, [](const TestResult& t) { return !t.passed; }));
}

TestReport run_tests(const std::vector<std::string>& paths, const std::vector<std::string>& rules,
                     const Catalog& catalog, const boost::json::object& tables, const Decode& decode,
                     config::Problems& problems, const config::Environment& environment) {
  TestReport report;
  for (const std::string& file : rule_files(paths, true, problems)) {
    config::Problems own;
    const Node root = config::Document::load(file, own, environment);
    if (root && !root.is_map()) root.problem("must be a map with the key tests");
    root.only({"tables", "tests"});
    const json::object known = tables_of(root["tables"], tables);
    const Node tests = root["tests"];
    if (root.is_map() && !tests.is_list()) root.problem("has no list of tests");
    const std::string beside = file.substr(0, file.size() - std::string_view("_test.yaml").size()) + ".yaml";
    std::error_code error;
    config::Problems load_problems;
    const auto set = own.has_errors()
                         ? nullptr
                         : RuleSet::load(fs::exists(beside, error) ? std::vector<std::string>{beside} : rules, catalog,
                                         known, load_problems, environment);
    // Warnings of the rules are told when they are loaded for good.
    if (set == nullptr) own.append(load_problems);
    if (set != nullptr) {
      Engine engine(set);
      for (const Node& node : tests.items()) {
        if (node.is_map())
          report.tests.push_back(TestRun(engine, catalog, decode, node).run());
        else
          node.problem("must be a map: name, source, events, expect");
      }
    }
    problems.append(own);
  }
  return report;
}

}  // namespace chatrelay::rules
