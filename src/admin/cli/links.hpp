// Links as people read them; `chats show` and `events show` print them too.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "admin/cli/admin_client.hpp"
#include "admin/cli/shell.hpp"

namespace chatrelay::admin::cli {

// The member `links` of an answer as a table; nothing where there are none.
void print_links(Shell& shell, const boost::json::value& object);

// A chat is named by its source and its id; with the id alone it is looked up, if only one source has it. Throws
// Failure.
std::string source_of_chat(AdminClient& client, const std::string& chat);

}  // namespace chatrelay::admin::cli
