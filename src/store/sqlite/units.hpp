// The kinds of background work that the Store's calls become.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/writer.hpp"

namespace chatrelay::store::sqlite {

// A unit that answers one T. `work(core, slice, answer)` changes the answer and says whether it is finished.
template <class T, class Work>
class AnsweringUnit final : public Unit {
 public:
  AnsweringUnit(Work work, Done<T> done) : work_(std::move(work)), done_(std::move(done)) {}
  bool step(Core& core, const Slice& slice) override { return work_(core, slice, answer_); }
  void succeed() override {
    if (done_) done_(std::move(answer_));
  }
  void fail(const Error& error) override {
    if (done_) done_(error);
  }

 private:
  Work work_;
  Done<T> done_;
  T answer_{};
};

template <class T, class Work>
std::unique_ptr<Unit> make_unit(Work work, Done<T> done) {
  return std::make_unique<AnsweringUnit<T, Work>>(std::move(work), std::move(done));
}

// Does `each(core, element, answer)` for one element after another until the slice is over.
template <class T, class Element, class Each>
std::unique_ptr<Unit> make_unit_over(std::vector<Element> elements, Each each, Done<T> done) {
  auto work = [elements = std::move(elements), next = std::size_t{0}, each = std::move(each)](
                  Core& core, const Slice& slice, T& answer) mutable {
    while (next < elements.size()) {
      each(core, elements[next++], answer);
      if (slice.over()) break;
    }
    return next == elements.size();
  };
  return make_unit<T>(std::move(work), std::move(done));
}

}  // namespace chatrelay::store::sqlite
