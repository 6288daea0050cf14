// Every handler of the API by name; api.cpp says at which path each one answers. A file for each resource implements
// them.
#pragma once

#include "admin/api/call.hpp"

namespace chatrelay::admin::api {

// health.cpp
awaitable<http::Response> healthz(Call& call);
awaitable<http::Response> readyz(Call& call);
awaitable<http::Response> metrics(Call& call);
// events.cpp, tail.cpp
awaitable<http::Response> list_events(Call& call);
awaitable<http::Response> show_event(Call& call);
awaitable<http::Response> tail_events(Call& call);
// chats.cpp
awaitable<http::Response> list_chats(Call& call);
awaitable<http::Response> show_chat(Call& call);
// links.cpp
awaitable<http::Response> list_links(Call& call);
// deliveries.cpp
awaitable<http::Response> list_deliveries(Call& call);
awaitable<http::Response> show_delivery(Call& call);
awaitable<http::Response> retry_deliveries(Call& call);
awaitable<http::Response> cancel_deliveries(Call& call);
// replay.cpp
awaitable<http::Response> replay_events(Call& call);
// destinations.cpp
awaitable<http::Response> list_destinations(Call& call);
awaitable<http::Response> pause_destination(Call& call);
awaitable<http::Response> resume_destination(Call& call);
awaitable<http::Response> test_destination(Call& call);
awaitable<http::Response> begin_authorization(Call& call);   // authorize.hpp
awaitable<http::Response> finish_authorization(Call& call);  // authorize.hpp
// presence.cpp
awaitable<http::Response> show_presence(Call& call);
awaitable<http::Response> set_presence(Call& call);
// operations.cpp
awaitable<http::Response> backup_store(Call& call);
awaitable<http::Response> reload_config(Call& call);
awaitable<http::Response> show_version(Call& call);

}  // namespace chatrelay::admin::api
