// How fast the SQLite store takes webhooks, plans and delivers them: appends per second and their latency in groups,
// the writer's CPU per append, the same with a million events stored, planning and recording with few and with a
// million pending deliveries, and the time and memory of a start.
//
//   store_append_bench [DIRECTORY] [EVENTS]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "store/sqlite/sqlite_store.hpp"

using namespace chatrelay;
using namespace chatrelay::store;
using Steady = std::chrono::steady_clock;

namespace {

SystemClock system_clock;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto s = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return s(usage.ru_utime) + s(usage.ru_stime);
}
double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}
double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  long total = 0, resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / 1e6;
}

// `at_once` appends wait at any time, as that many connections would.
void append_many(Store& store, std::size_t count, std::size_t at_once, std::uint64_t& number, const char* what) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t under_way = 0, done = 0;
  std::vector<double> latency_ms(count);
  const std::string body(700, 'x');
  double writer_first = 0, writer_last = 0;
  const auto cpu = cpu_seconds();
  const auto start = Steady::now();
  for (std::size_t i = 0; i < count; ++i) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return under_way < at_once; });
      ++under_way;
    }
    NewEvent event;
    event.source = "livechat";
    event.received_at = system_clock.now();
    event.body = body;
    const std::uint64_t n = ++number;
    const std::string name = std::to_string(n);
    const std::string_view parts[] = {name};
    event.dedup = hash128(parts);
    event.dedup_window = std::chrono::hours(24);
    const auto sent = Steady::now();
    store.append(std::move(event), [&, i, sent](Result<Appended> r) {
      if (!r || r->duplicate) std::fprintf(stderr, "append failed: %s\n", r ? "duplicate" : r.error().message.c_str());
      latency_ms[i] = std::chrono::duration<double, std::milli>(Steady::now() - sent).count();
      std::lock_guard lock(mutex);
      if (done == 0) writer_first = thread_cpu_seconds();
      ++done;
      if (done == count) writer_last = thread_cpu_seconds();
      if (--under_way <= at_once / 2 || done == count) changed.notify_one();
    });
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done == count; });
  }
  const double wall = seconds_since(start), used = cpu_seconds() - cpu;
  std::sort(latency_ms.begin(), latency_ms.end());
  std::printf("%-44s %8.0f/s  cpu %5.1f us, writer %5.1f us  p50 %6.2f  p99 %6.2f  p99.9 %6.2f  max %6.2f ms\n", what,
              static_cast<double>(count) / wall, used * 1e6 / static_cast<double>(count),
              (writer_last - writer_first) * 1e6 / static_cast<double>(count), latency_ms[count / 2],
              latency_ms[count * 99 / 100], latency_ms[count * 999 / 1000], latency_ms.back());
}

// Plans everything that waits, one delivery each, in `lanes` lanes.
std::size_t plan_all(Store& store, const std::string& destination, LaneId lanes, const char* what) {
  auto reader = store.open_reader();
  std::size_t planned = 0;
  const auto cpu = cpu_seconds();
  const auto start = Steady::now();
  while (true) {
    auto waiting = reader->unplanned(0, 128);
    if (!waiting || waiting->empty()) break;
    std::vector<Plan> plans;
    for (const auto& event : *waiting) {
      Plan plan;
      plan.event = event.seq;
      plan.planned_at = system_clock.now();
      PlannedPart part;
      part.type = "incoming_event";
      part.chat_id = "chat" + std::to_string(event.seq % lanes);
      plan.parts.push_back(part);
      NewDelivery d;
      d.rule = "to_crm";
      d.destination = destination;
      d.lane = (event.seq % lanes) * 0x9e3779b97f4a7c15ULL >> 1;
      d.payload = std::string(300, 'p');
      plan.deliveries.push_back(std::move(d));
      plans.push_back(std::move(plan));
    }
    planned += plans.size();
    std::promise<void> done;
    store.apply(std::move(plans), [&](Result<std::vector<DeliverySeq>>) { done.set_value(); });
    done.get_future().get();
  }
  std::printf("%-44s %8.0f/s  cpu %5.1f us\n", what, static_cast<double>(planned) / seconds_since(start),
              (cpu_seconds() - cpu) * 1e6 / static_cast<double>(planned));
  return planned;
}

// due → record(delivered), 64 under way, as the dispatcher does.
void deliver(Store& store, const std::string& destination, std::size_t count, const char* what) {
  auto reader = store.open_reader();
  std::size_t delivered = 0;
  const auto cpu = cpu_seconds();
  const auto start = Steady::now();
  while (delivered < count) {
    auto heads = reader->due(destination, system_clock.now(), 64, {});
    if (!heads || heads->empty()) break;
    std::atomic<std::size_t> left{heads->size()};
    std::promise<void> done;
    for (const auto& head : *heads) {
      AttemptResult r;
      r.delivery = head.seq;
      r.started_at = system_clock.now();
      r.status = 200;
      r.reason = "HTTP 200";
      store.record(std::move(r), [&](Result<bool>) {
        if (--left == 0) done.set_value();
      });
    }
    done.get_future().get();
    delivered += heads->size();
  }
  std::printf("%-44s %8.0f/s  cpu %5.1f us\n", what, static_cast<double>(delivered) / seconds_since(start),
              (cpu_seconds() - cpu) * 1e6 / static_cast<double>(std::max<std::size_t>(delivered, 1)));
}

}  // namespace

int main(int argc, char** argv) {
  std::string pattern = std::string(argc > 1 ? argv[1] : "/var/tmp") + "/chatrelay-bench-XXXXXX";
  const std::string directory = ::mkdtemp(pattern.data());
  const auto events = static_cast<std::size_t>(argc > 2 ? std::atoll(argv[2]) : 1'000'000);
  Metrics metrics;
  sqlite::Options options;
  options.path = directory + "/store.db";
  std::uint64_t number = 0;
  {
    auto opened = sqlite::open(options, system_clock, metrics);
    if (!opened) return std::fprintf(stderr, "%s\n", opened.error().message.c_str()), 1;
    auto& store = **opened;
    append_many(store, 100'000, 64, number, "append, 64 wait, empty store");
    append_many(store, 2'000, 1, number, "append, 1 waits");
    plan_all(store, "few", 1'000'000'000, "plan, lanes of one");
    deliver(store, "few", 50'000, "deliver, 100 thousand pending");
    deliver(store, "few", 1'000'000, "deliver the rest");
    append_many(store, events, 256, number, "append, 256 wait");
    plan_all(store, "many", 1'000'000'000, "plan a million lanes of one");
    append_many(store, 100'000, 64, number, "append, 64 wait, 1 M events and 1 M pending");
    plan_all(store, "few", 1'000'000'000, "plan for another destination, 1 M pending");
    deliver(store, "few", 100'000, "deliver there, 1 M pending elsewhere");
    deliver(store, "many", 100'000, "deliver, of 1 M pending");
  }
  {
    const auto start = Steady::now();
    auto opened = sqlite::open(options, system_clock, metrics);
    auto reader = (*opened)->open_reader();
    auto totals = reader->totals();
    auto backlog = reader->backlog();
    reader->due("many", system_clock.now(), 64, {});
    std::printf("%-44s %8.1f ms, %.1f MB resident, %llu pending, %.0f MB file\n", "start", seconds_since(start) * 1e3,
                resident_mb(), static_cast<unsigned long long>(totals->open_deliveries),
                static_cast<double>(totals->file_bytes) / 1e6);
  }
  std::filesystem::remove_all(directory);
}
