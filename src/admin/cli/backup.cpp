// chatrelay backup
#include <filesystem>
#include <ostream>

#include "admin/cli/listing.hpp"
#include "common/json.hpp"
#include "common/units.hpp"

namespace chatrelay::admin::cli {
namespace {

constexpr Millis backup_limit = std::chrono::hours(4);

int backup(Shell& shell, const std::string& file) {
  const std::string path = std::filesystem::absolute(file).lexically_normal().string();
  const json::object body{{"file", path}};
  const auto answer = AdminClient(shell).post("/api/backup", body, backup_limit);
  shell.out() << "wrote " << clean(path) << " ("
              << format_size(static_cast<std::uint64_t>(int_at(answer, "bytes").value_or(0))) << ")\n";
  return exit_code::ok;
}

}  // namespace

void add_backup(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "backup", "a consistent copy of the store while the daemon runs; the daemon writes it",
                            "  chatrelay backup /var/backups/chatrelay-$(date +%F).db");
  auto file = std::make_shared<std::string>();
  verb->add_option("FILE", *file, "must not exist; the daemon's user must be allowed to write there")->required();
  verb->callback([&shell, file] { shell.action = [&shell, file] { return backup(shell, *file); }; });
}

}  // namespace chatrelay::admin::cli
