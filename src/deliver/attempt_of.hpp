// What a destination is handed, made from a stored delivery.
#pragma once

#include <vector>

#include "common/error.hpp"
#include "event/delivery.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

// `delivery` as Reader::due gives it; `links`: its destination's own, of its subject. Errors: invalid (the payload
// cannot be read: it never will be). An event that retention has taken leaves its names empty: the delivery goes out
// all the same.
Result<Attempt> attempt_of(const store::StoredDelivery& delivery, const std::vector<store::StoredLink>& links);

}  // namespace chatrelay::deliver
