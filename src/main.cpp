// chatrelay. The only file that tests do not link.
#include "admin/cli/cli.hpp"
#include "app/offline.hpp"

int main(int argc, char** argv) {
  return chatrelay::admin::cli::run(argc, argv, chatrelay::app::command_line_hooks());
}
