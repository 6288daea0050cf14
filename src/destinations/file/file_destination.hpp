// FileDestination: one JSON line for each delivery, synced before it counts. Attempts that wait at the same time share
// one write and one sync.
//
// A retry after a crash between sync and commit writes its line again; the whole event carries its id, by which a
// reader can tell.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "destinations/destination.hpp"
#include "destinations/file/line_file.hpp"
#include "destinations/worker.hpp"

namespace chatrelay::destinations::file {

struct FileOptions {
  std::string path;
  mode_t mode = 0640;
  Millis timeout{30'000};
};

class FileDestination final : public Destination {
 public:
  FileDestination(FileOptions options, const Context& context);
  boost::asio::awaitable<Outcome> attempt(Attempt attempt) override;
  boost::asio::awaitable<Outcome> probe() override;
  std::string describe() const override;

 private:
  struct Pending {
    std::string line;
    std::shared_ptr<Waiter> waiter;
  };
  void flush();  // Thread: worker

  FileOptions options_;
  LineFile lines_;  // Thread: worker
  std::mutex mutex_;
  std::vector<Pending> pending_;  // under mutex_
  bool flushing_ = false;         // under mutex_: a flush is posted and has not taken pending_ yet
  Worker worker_;                 // last: its destructor waits for the thread, which uses what is above
};

}  // namespace chatrelay::destinations::file
