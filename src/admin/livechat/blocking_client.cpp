#include "admin/livechat/blocking_client.hpp"

#include <future>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

namespace chatrelay::admin::livechat {

BlockingClient::BlockingClient() : context_(1), client_(context_.get_executor(), http::Client::Options{}) {}

http::ClientResponse BlockingClient::send(http::ClientRequest request) {
  auto answer = boost::asio::co_spawn(context_, client_.send(std::move(request)), boost::asio::use_future);
  context_.restart();
  while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready && context_.run_one() > 0) {
  }
  return answer.get();
}

}  // namespace chatrelay::admin::livechat
