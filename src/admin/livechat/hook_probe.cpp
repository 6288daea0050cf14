#include "admin/livechat/hook_probe.hpp"

#include "common/text.hpp"

namespace chatrelay::admin::livechat {

ProbeAnswer probe_hook(const Hook& hook, const Send& send) {
  http::ClientRequest request;
  request.url = hook.url;
  request.headers = {{"Content-Type", "application/json"}};
  request.body =
      json::serialize(json::object{{"action", systems::livechat_probe_action}, {"secret_key", hook.newest.reveal()}});
  request.timeout = Millis{10'000};  // what LiveChat itself waits
  request.allow_private = true;
  const http::ClientResponse response = send(request);
  ProbeAnswer answer;
  if (response.progress != http::Progress::answered)
    answer.reason = "no answer: " + printable(redactor::redact(response.error));
  else if (response.status == 200)
    answer.kind = ProbeAnswer::Kind::takes;
  else if (response.status == 401)
    answer.kind = ProbeAnswer::Kind::refuses;
  else
    answer.reason = "an answer with status " + std::to_string(response.status) + " instead of 200";
  return answer;
}

}  // namespace chatrelay::admin::livechat
