#include <algorithm>
#include <map>

#include "config/node.hpp"

namespace chatrelay::config {

std::string Location::to_string() const {
  return line > 0 ? file + ':' + std::to_string(line) : file;
}

bool Problems::has_errors() const {
  return std::any_of(list_.begin(), list_.end(), [](const Problem& p) { return !p.warning; });
}

void Problems::append(const Problems& other) {
  const std::vector<Problem> copy = other.list_;  // `other` may be this one
  list_.insert(list_.end(), copy.begin(), copy.end());
}

std::string Problems::to_string() const {
  // Files in the order in which they were first spoken of, lines in theirs.
  std::map<std::string, std::size_t> order;
  for (const Problem& p : list_) order.try_emplace(p.where.file, order.size());
  std::vector<const Problem*> sorted;
  for (const Problem& p : list_) sorted.push_back(&p);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Problem* a, const Problem* b) {
    const auto key = [&](const Problem* p) { return std::pair(order.at(p->where.file), p->where.line); };
    return key(a) < key(b);
  });
  std::string out;
  for (const Problem* p : sorted)
    out += p->where.to_string() + ": " + (p->warning ? "warning: " : "") + p->message + '\n';
  return out;
}

}  // namespace chatrelay::config
