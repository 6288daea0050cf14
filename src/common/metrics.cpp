#include "common/metrics.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <variant>

#include "common/assert.hpp"

namespace chatrelay {
namespace {

std::string number(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  return {buffer, end};
}

std::string escape(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
  return out;
}

// `a="1",b="2"`, without braces: a histogram adds its own label.
std::string render(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += name + "=\"" + escape(value, true) + '"';
  }
  return out;
}

std::string braced(const std::string& labels) {
  return labels.empty() ? std::string() : '{' + labels + '}';
}

void write_sample(std::string& out, const std::string& name, const std::string& labels, const std::string& value) {
  out += name;
  out += braced(labels);
  out += ' ';
  out += value;
  out += '\n';
}

void write(std::string& out, const std::string& name, const std::string& labels, const Counter& counter) {
  write_sample(out, name, labels, std::to_string(counter.value()));
}
void write(std::string& out, const std::string& name, const std::string& labels, const Gauge& gauge) {
  write_sample(out, name, labels, number(gauge.value()));
}
void write(std::string& out, const std::string& name, const std::string& labels, const Histogram& histogram) {
  const std::string before = labels.empty() ? std::string() : labels + ',';
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    total += histogram.bucket(i);
    const std::string bound = i < histogram.bounds().size() ? number(histogram.bounds()[i]) : "+Inf";
    write_sample(out, name + "_bucket", before + "le=\"" + bound + '"', std::to_string(total));
  }
  write_sample(out, name + "_sum", labels, number(histogram.sum()));
  write_sample(out, name + "_count", labels,
               std::to_string(total));  // the same count as +Inf's, whatever came in meanwhile
}

const char* type_name(const Counter&) {
  return "counter";
}
const char* type_name(const Gauge&) {
  return "gauge";
}
const char* type_name(const Histogram&) {
  return "histogram";
}

}  // namespace

Histogram::Histogram(std::vector<double> upper_bounds)
    : bounds_(std::move(upper_bounds)), buckets_(bounds_.size() + 1) {
  CHATRELAY_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()), "histogram bounds grow");
}

void Histogram::observe(double v) {
  if (std::isnan(v)) return;
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin();
  buckets_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

double Histogram::quantile(double q) const {
  std::uint64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
  if (total == 0 || bounds_.empty()) return 0;
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const auto here = static_cast<double>(bucket(i));
    if (here > 0 && below + here >= rank) {
      const double lower = i == 0 ? std::min(0.0, bounds_[0]) : bounds_[i - 1];
      return lower + (bounds_[i] - lower) * std::max(0.0, rank - below) / here;
    }
    below += here;
  }
  return bounds_.back();  // above the last bound nothing is known
}

struct Metrics::Family {
  using Series = std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>>;
  std::string help;
  std::map<std::string, Series> series;  // by rendered labels
  template <class T, class... Args>
  T& get(const Labels& labels, Args&&... args) {
    const auto [at, fresh] = series.try_emplace(render(labels));
    if (fresh) at->second = std::make_unique<T>(std::forward<Args>(args)...);
    auto* found = std::get_if<std::unique_ptr<T>>(&at->second);
    CHATRELAY_ASSERT(found != nullptr && *found != nullptr, "a metric has one type");
    return **found;
  }
};

namespace {
template <class Families>
auto& family_of(Families& families, std::string_view name, std::string_view help) {
  auto at = families.find(name);
  if (at == families.end()) {
    using Pointer = typename Families::mapped_type;
    auto made = std::make_shared<typename Pointer::element_type>();
    made->help = std::string(help);
    at = families.emplace(std::string(name), std::move(made)).first;
  }
  return *at->second;
}
}  // namespace

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return family_of(families_, name, help).template get<Counter>(labels);
}
Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return family_of(families_, name, help).template get<Gauge>(labels);
}
Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels) {
  const std::lock_guard lock(mutex_);
  return family_of(families_, name, help).template get<Histogram>(labels, std::move(bounds));
}

std::string Metrics::prometheus_text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    const char* type =
        std::visit([](const auto& metric) { return type_name(*metric); }, family->series.begin()->second);
    out += "# HELP " + name + ' ' + escape(family->help, false) + "\n# TYPE " + name + ' ' + type + '\n';
    for (const auto& entry : family->series) {
      const std::string& family_name = name;  // clang 14 does not capture a structured binding
      std::visit([&](const auto& metric) { write(out, family_name, entry.first, *metric); }, entry.second);
    }
  }
  return out;
}

}  // namespace chatrelay
