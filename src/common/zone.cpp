#include "common/zone.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include <date/tz.h>

#include "common/text.hpp"

namespace chatrelay {

namespace {

struct Local {
  std::chrono::minutes offset{0};
  std::string abbreviation = "UTC";
};

// Offsets of before 1900 have seconds; RFC 3339 and people have minutes.
Local local_at(const date::time_zone* zone, WallTime at) {
  if (zone == nullptr) return {};
  try {
    const date::sys_info info = zone->get_info(std::chrono::floor<std::chrono::seconds>(at));
    std::string abbreviation = info.abbrev;
    const bool has_letters = abbreviation.find_first_not_of("+-0123456789") != std::string::npos;
    if (!has_letters) abbreviation.insert(0, "UTC");
    return {std::chrono::duration_cast<std::chrono::minutes>(info.offset), std::move(abbreviation)};
  } catch (const std::exception&) {  // no rules for that instant: then UTC, which says so
    return {};
  }
}

}  // namespace

const date::time_zone* find_zone(const std::string& name, std::string* why) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception& error) {
    if (why) *why = error.what();
    return nullptr;
  }
}

std::string nearest_zone(std::string_view name) {
  try {
    std::vector<std::string_view> names;
    for (const date::time_zone& zone : date::get_tzdb().zones) names.push_back(zone.name());
    return std::string(nearest(name, names.data(), names.size()));
  } catch (const std::exception&) {
    return {};
  }
}

std::string Zone::name() const {
  return zone_ ? zone_->name() : "UTC";
}

std::string Zone::minute_text(WallTime at) const {
  const Local local = local_at(zone_, at);
  std::string text = format_rfc3339(at + local.offset);  // 2026-11-20T10:00:00.000Z
  text[10] = ' ';
  return text.substr(0, 16) + " " + local.abbreviation;
}

std::string Zone::rfc3339(WallTime at) const {
  if (zone_ == nullptr) return format_rfc3339(at);
  const Local local = local_at(zone_, at);
  std::string text = format_rfc3339(at + local.offset);
  const long minutes = std::labs(static_cast<long>(local.offset.count()));
  char offset[48];
  std::snprintf(offset, sizeof offset, "%c%02ld:%02ld", local.offset.count() < 0 ? '-' : '+', minutes / 60,
                minutes % 60);
  text.pop_back();
  return text + offset;
}

}  // namespace chatrelay
