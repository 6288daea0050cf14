#include "app/service_manager.hpp"

#include <cstdlib>
#include <ctime>

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/log.hpp"

namespace chatrelay::app {

ServiceManager::ServiceManager() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    const int descriptor = SD_LISTEN_FDS_START + i;
    const std::string_view name = names && names[i] ? names[i] : "";
    if (name == "admin") {
      admin_ = descriptor;
    } else if (name == "public" || count == 1) {
      public_ = descriptor;
    } else {
      log::warn("a socket handed over by systemd is not used", {{"name", std::string(name)}});
      ::close(descriptor);
    }
  }
  for (int i = 0; i < count; ++i) std::free(names[i]);
  std::free(names);

  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(1, &microseconds) > 0) watchdog_interval_ = Millis{microseconds / 2000};
}

int ServiceManager::socket(std::string_view name) const {
  return name == "admin" ? admin_ : public_;
}

void ServiceManager::ready(const std::string& status) {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void ServiceManager::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::string microseconds = std::to_string(now.tv_sec * 1'000'000LL + now.tv_nsec / 1000);
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + microseconds).c_str());
}

void ServiceManager::stopping() {
  sd_notify(0, "STOPPING=1");
}

void ServiceManager::alive() {
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace chatrelay::app
