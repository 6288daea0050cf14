// Links as the API shows them: what destinations remember of a chat, an event, or the other way round.
#pragma once

#include <string>
#include <vector>

#include <boost/json.hpp>

#include "store/store.hpp"

namespace chatrelay::admin::api {

// Each with the event of the delivery that saved it, while both are there. Errors: unavailable.
Result<boost::json::array> links_view(store::Reader& reader, const std::vector<store::StoredLink>& links);

// Of the chats that an event's parts name; where they name none, of the visitors of its decoded events.
Result<boost::json::array> links_of_event(store::Reader& reader, const std::string& source,
                                          const std::vector<store::PlannedPart>& parts,
                                          const boost::json::value& decoded);

}  // namespace chatrelay::admin::api
