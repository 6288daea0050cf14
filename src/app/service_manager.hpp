// ServiceManager: what we say to systemd and what it hands us. Without systemd every call does nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace chatrelay::app {

class ServiceManager {
 public:
  // Takes the sockets that were handed over and keeps children from inheriting them. Once per process.
  ServiceManager();
  // The listening socket with that FileDescriptorName ("public", "admin"); the only one handed over serves "public"
  // whatever its name. -1: none.
  int socket(std::string_view name) const;
  void ready(const std::string& status);
  void reloading();
  void stopping();
  void alive();
  // How often systemd wants to hear alive(): half of WatchdogSec. nullopt: it does not watch.
  std::optional<Millis> watchdog_interval() const { return watchdog_interval_; }

 private:
  int public_ = -1;
  int admin_ = -1;
  std::optional<Millis> watchdog_interval_;
};

}  // namespace chatrelay::app
