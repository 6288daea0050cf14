#include "ingest/rejections.hpp"

#include "common/log.hpp"

namespace chatrelay::ingest {

void Rejections::count(std::string_view source, std::string_view reason, std::string_view remote) {
  auto by_source = series_.find(source);
  if (by_source == series_.end())
    by_source = series_.emplace(std::string(source), std::map<std::string, Series, std::less<>>{}).first;
  auto found = by_source->second.find(reason);
  if (found == by_source->second.end()) {
    found = by_source->second.emplace(std::string(reason), Series{}).first;
    found->second.counter = &metrics_.counter("chatrelay_rejected_total", "Webhooks that were refused, by reason",
                                              {{"source", std::string(source)}, {"reason", std::string(reason)}});
  }
  Series& series = found->second;
  series.counter->add();
  const SteadyTime now = clock_.steady();
  if (now < series.next_line) {
    ++series.unlogged;
    return;
  }
  series.next_line = now + quiet;
  log::warn("webhook refused", {{"source", source.empty() ? "(none)" : source},
                                {"reason", reason},
                                {"remote", remote},
                                {"unlogged", series.unlogged}});
  series.unlogged = 0;
}

}  // namespace chatrelay::ingest
