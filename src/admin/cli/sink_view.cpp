#include "admin/cli/sink_view.hpp"

#include "admin/cli/text.hpp"
#include "common/digits.hpp"
#include "common/json.hpp"
#include "common/secret.hpp"
#include "common/standard_webhooks.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::cli {
namespace {

// What every client sends and nobody looks for.
constexpr std::string_view dull[] = {"host", "content-length", "accept", "accept-encoding", "connection"};
// The specification lets a receiver choose; five minutes is what its libraries use.
constexpr Millis tolerance = std::chrono::minutes(5);

std::string header(const http::Request& request, std::string_view name) {
  const auto found = request.message.find(boost::beast::string_view(name.data(), name.size()));
  return found == request.message.end() ? std::string{} : std::string(found->value());
}

bool is_dull(std::string_view name) {
  for (const std::string_view one : dull)
    if (iequals_ascii(one, name)) return true;
  return false;
}

// Bearer tokens and passwords are shown by their kind only: a sink's output is pasted into tickets.
std::string shown_value(std::string_view name, std::string_view value) {
  if (!iequals_ascii(name, "authorization")) return clean(value);
  return clean(value.substr(0, value.find(' '))) + " …";
}

}  // namespace

std::string signature_verdict(const http::Request& request, const std::string& secret, WallTime now) {
  const auto key = standard_webhooks_key(secret);
  if (!key) return "cannot be checked: the secret " + key.error().message;
  const std::string id = header(request, "webhook-id"), stamp = header(request, "webhook-timestamp"),
                    given = header(request, "webhook-signature");
  if (id.empty() || stamp.empty() || given.empty())
    return "MISSING: a signed request has webhook-id, webhook-timestamp and webhook-signature";
  const auto seconds = whole_number<long long>(stamp);
  constexpr long long seconds_max = 1LL << 40;  // far beyond any clock, near enough to be multiplied
  if (!seconds || *seconds < 0 || *seconds > seconds_max) return "WRONG: webhook-timestamp is no number of seconds";
  const WallTime signed_at = from_ms(*seconds * 1000);
  const bool matches = standard_webhooks_matches(*key, id, stamp, request.message.body(), given);
  if (!matches) return "WRONG: it was not made with this secret, or the body was changed";
  if (signed_at > now + tolerance || signed_at < now - tolerance) return "STALE: signed at " + local_time(signed_at);
  return "good";
}

std::string describe_request(const http::Request& request, const std::string& secret, WallTime now) {
  std::string out = "--- " + local_time(now) + "  " + clean(request.method()) + " " + clean(request.target()) + "\n";
  for (const auto& field : request.message) {
    const std::string_view name(field.name_string().data(), field.name_string().size());
    if (is_dull(name)) continue;
    out += clean(name) + ": " + shown_value(name, std::string_view(field.value().data(), field.value().size())) + "\n";
  }
  if (!secret.empty()) out += "signature: " + signature_verdict(request, secret, now) + "\n";
  const std::string& body = request.message.body();
  if (body.empty()) return out + "(no body)\n";
  const auto parsed = parse_json(body);
  return out + (parsed ? pretty_json(*parsed) : clean_lines(body)) + "\n";
}

}  // namespace chatrelay::admin::cli
