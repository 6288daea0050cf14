#include "systems/rocketchat/endpoints/transcript_handlers.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "conversations/fold.hpp"
#include "systems/rocketchat/endpoints/email_shape.hpp"
#include "systems/rocketchat/endpoints/takers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr const char* cut_note = "Earlier messages are left out.";
constexpr const char* empty_note = "Nothing was said.";

Property member(std::string_view name, bool required) {
  Property property;
  property.name = name;
  property.required = required;
  return property;
}
// `subject` is taken for the sake of newer clients; like there, it is not used.
const Schema transcript_schema{
    {member("rid", true), member("token", true), member("email", true), member("subject", false)}};

http::Response not_sent() {
  return failure("Error sending Omnichannel transcript");
}

// As the folded conversations have messages, so that all transcripts look the same.
store::StoredMessage stored_shape(const conversations::MessageView& view) {
  Message message;
  message.id = view.id;
  message.text = view.text;
  message.author = view.author;
  message.sent_at = view.sent_at;
  message.edited_at = view.edited_at;
  store::StoredMessage stored;
  stored.id = view.id;
  stored.message = to_json(message);
  return stored;
}

// The status of a lookup that failed for the client's reasons is said in this route's own words.
http::Response renamed(http::Response response, std::string_view error) {
  return response.status == 400 ? failure(error) : std::move(response);
}

std::optional<http::Response> find_room(Api& api, const Ask& ask, Known& known) {
  const std::string token = ask.string("token");
  const std::string rid = ask.string("rid");
  if (auto no = api.find(token, std::nullopt, known)) return renamed(std::move(*no), "error-invalid-token");
  if (auto no = api.find(token, rid, known)) return renamed(std::move(*no), "error-invalid-room");
  return std::nullopt;
}

json::value mail_of(const std::string& recipient, const RenderedTranscript& rendered) {
  json::object with;
  with["to"] = recipient;
  with["subject"] = "Transcript of your livechat conversation";
  with["text"] = rendered.text;
  with["html"] = rendered.html;
  return with;
}

Result<RenderedTranscript> transcript_of(Api& api, const conversations::RoomView& room) {
  store::OwnMessageQuery query;
  query.room = room.pk;
  query.limit = transcript_messages_max;
  const auto messages = api.reader().own_messages(query);
  if (!messages) return messages.error();
  std::vector<conversations::MessageView> views;
  views.reserve(messages->size());
  for (const store::OwnMessage& message : *messages) views.push_back(conversations::view(message, room.id));
  return render_transcript(views, room.messages > views.size());
}

awaitable<http::Response> send(Api& api, Ask& ask) {
  Known known;
  if (auto no = find_room(api, ask, known)) co_return std::move(*no);
  const std::string recipient(trim(ask.string("email")));
  if (!is_mail_recipient(recipient)) co_return not_sent();
  const Result<bool> enabled = is_enabled(api, api.serving().transcript_to);
  if (!enabled) co_return broken(enabled.error());
  if (!*enabled) co_return not_sent();
  const Result<RenderedTranscript> rendered = transcript_of(api, known.room);
  if (!rendered) co_return broken(rendered.error());
  conversations::SendTranscript command;
  command.call = api.call(ask);
  command.token = known.visitor.token;
  command.room_id = known.room.id;
  command.destination = api.serving().transcript_to;
  command.with = mail_of(recipient, *rendered);
  auto pending = api.run(std::move(command), &conversations::send_transcript);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return refused(answer->refusal);
  json::object fields;
  fields["message"] = "Omnichannel transcript sent";
  co_return success(std::move(fields));
}

}  // namespace

RenderedTranscript render_transcript(const std::vector<conversations::MessageView>& newest_first, bool is_cut) {
  std::vector<store::StoredMessage> kept;
  std::size_t bytes = 0;
  for (const conversations::MessageView& view : newest_first) {
    if (!view.system_type.empty()) continue;
    bytes += view.text.size();
    if (bytes > transcript_bytes_max) {
      is_cut = true;
      break;
    }
    kept.push_back(stored_shape(view));
  }
  std::ranges::reverse(kept);
  conversations::TranscriptOptions whole;  // bounded already, and what was left out is said below
  whole.bytes_max = whole.text_bytes_max = 16 * transcript_bytes_max;
  RenderedTranscript rendered{conversations::transcript_text(kept, whole), conversations::transcript_html(kept, whole)};
  if (rendered.text.empty()) {
    rendered.text = std::string(empty_note) + "\n";
    rendered.html = "<p>" + std::string(empty_note) + "</p>\n";
  }
  if (is_cut) {
    rendered.text.insert(0, std::string(cut_note) + "\n\n");
    rendered.html.insert(0, "<p><i>" + std::string(cut_note) + "</i></p>\n");
  }
  return rendered;
}

std::vector<Route> transcript_routes() {
  Route route;
  route.method = "POST";
  route.pattern = "transcript";
  route.handler = send;
  route.limit = Limit::offline_message;
  route.schema = &transcript_schema;
  return {route};
}

}  // namespace chatrelay::systems::rocketchat::endpoints
