#include "admin/api/reader_thread.hpp"

namespace chatrelay::admin::api {

systems::Source* Decoders::find(const std::shared_ptr<const deliver::PlannerSetup>& setup, const std::string& source) {
  if (!setup || !setup->make_sources) return nullptr;
  if (setup != setup_) {
    sources_ = setup->make_sources();
    setup_ = setup;
  }
  const auto found = sources_.find(source);
  return found == sources_.end() ? nullptr : found->second.get();
}

ReaderThread::ReaderThread(store::Store& store, boost::asio::any_io_executor reply_to)
    : store_(store), reply_to_(std::move(reply_to)) {}

ReaderThread::~ReaderThread() {
  // What is left of a Reader ends on the thread it belongs to.
  boost::asio::post(pool_, [this] {
    decoders_ = Decoders{};
    reader_.reset();
  });
  pool_.join();
}

}  // namespace chatrelay::admin::api
