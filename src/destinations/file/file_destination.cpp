#include "destinations/file/file_destination.hpp"

#include <array>
#include <filesystem>

#include <boost/asio/post.hpp>

#include "common/json.hpp"
#include "common/units.hpp"
#include "destinations/kinds.hpp"
#include "destinations/outcome_text.hpp"
#include "destinations/payload.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::file {

namespace asio = boost::asio;

namespace {

constexpr std::array<std::string_view, 1> with_keys{"body"};

std::string line_of(const json::value& payload) {
  const json::value null;
  const json::value* body = &payload;
  if (is_with(payload, with_keys)) {
    body = payload.get_object().if_contains("body");
    if (body == nullptr) body = &null;
  }
  return expression::compact_json(*body) + "\n";  // a line break inside a text is written as \n: one value is one line
}

Outcome local_failure(const Error& error) {
  Outcome outcome(OutcomeClass::retry, bounded_reason(error.message));
  outcome.destination_fault = true;
  return outcome;
}

}  // namespace

FileDestination::FileDestination(FileOptions options, const Context& context)
    : options_(std::move(options)), lines_(options_.path, options_.mode), worker_(context.executor) {}

asio::awaitable<Outcome> FileDestination::attempt(Attempt attempt) {
  const auto waiter = std::make_shared<Waiter>(worker_.executor(), options_.timeout);
  Pending pending{line_of(attempt.with), waiter};
  bool start = false;
  {
    const std::lock_guard lock(mutex_);
    pending_.push_back(std::move(pending));
    start = !std::exchange(flushing_, true);
  }
  if (start) worker_.post([this] { flush(); });
  auto waiting = Waiter::wait(waiter);
  Outcome outcome = co_await std::move(waiting);
  co_return outcome;
}

void FileDestination::flush() {
  std::vector<Pending> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(pending_);
    flushing_ = false;
  }
  std::string lines;
  for (const Pending& pending : batch) lines += pending.line;
  const Result<void> written = lines_.append(lines);
  Outcome outcome = written ? Outcome{} : local_failure(written.error());
  asio::post(worker_.executor(), [batch = std::move(batch), outcome = std::move(outcome)] {
    for (const Pending& pending : batch) pending.waiter->finish(outcome);
  });
}

asio::awaitable<Outcome> FileDestination::probe() {
  std::function<Outcome()> look = [this] {
    const Result<std::uint64_t> size = lines_.probe();
    if (!size) return local_failure(size.error());
    return Outcome(OutcomeClass::ok, "can be written, holds " + format_size(*size));
  };
  auto running = worker_.run(std::move(look), options_.timeout);
  Outcome outcome = co_await std::move(running);
  co_return outcome;
}

std::string FileDestination::describe() const {
  return "append to " + options_.path;
}

namespace {

std::optional<mode_t> parse_mode(std::string_view text) {
  if (text.size() < 3 || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<unsigned>(c - '0');
  }
  if (value > 0777) return std::nullopt;
  return static_cast<mode_t>(value);
}

FileOptions read_options(const config::DestinationConfig& config) {
  FileOptions options;
  options.timeout = config.timeout;
  const config::Node path = config.node["path"];
  if (path.required_string().empty()) return options;
  options.path = path.path_value();
  if (const config::Node mode = config.node["mode"]; mode.present()) {
    const std::optional<mode_t> parsed = parse_mode(mode.string());
    if (!parsed) mode.problem("must be an octal mode like 0640");
    options.mode = parsed.value_or(options.mode);
    if ((options.mode & 0600) != 0600) mode.problem("must let the owner read and write");
  }
  return options;
}

rules::Target schema(const config::DestinationConfig& config, config::Problems&) {
  std::vector<std::string> keys = config::common_destination_keys();
  keys.insert(keys.end(), {"path", "mode"});
  config.node.only(keys);
  const FileOptions options = read_options(config);
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::path(options.path).parent_path();
  if (!options.path.empty() && std::filesystem::is_directory(options.path, ignored))
    config.node["path"].problem("is a folder");
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    // A warning: check may run on another machine, and deliveries wait until the folder is there.
    config.node["path"].warning("lies in a folder that does not exist here; chatrelay does not create it");
  }
  rules::Target target;
  target.destination = config.name;
  target.default_action = "append";
  rules::ActionSchema append;
  append.with.emplace("body", rules::WithKey{true, expression::Escape::none});
  append.whole_event_without_with = true;
  target.actions.emplace("append", std::move(append));
  return target;
}

}  // namespace

}  // namespace chatrelay::destinations::file

namespace chatrelay::destinations {

DestinationKind file_kind() {
  DestinationKind kind;
  kind.kind = "file";
  kind.schema = &file::schema;
  kind.make = [](const config::DestinationConfig& config, const Context& context,
                 config::Problems&) -> std::unique_ptr<Destination> {
    file::FileOptions options = file::read_options(config);
    if (options.path.empty()) return nullptr;
    return std::make_unique<file::FileDestination>(std::move(options), context);
  };
  return kind;
}

}  // namespace chatrelay::destinations
