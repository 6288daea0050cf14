#include "systems/livehelperchat/livehelperchat_mappings.hpp"

#include <algorithm>

namespace chatrelay::systems::livehelperchat {

namespace {

constexpr std::string_view said_by_operator = "chat.web_add_msg_admin";

// The messengers' bodies go to the visitor's telephone: whoever sends one means it for the visitor, so `audience` is
// all. The address is all they know of the chat, and of the visitor.
constexpr std::array shipped{
    Mapping{
        "standard",
        "",
        {".event", ".chat", ".visitor", "(.user, .user_data) | objects | select(.id != null)",
         "(.msg | strings | select(. != \"\")), (.msg | objects | select(.msg != null or .id != null)), "
         "(.input_data | objects | {msg: .question, user_id: 0})",
         "select(.survey_item | type == \"object\") | {score: .survey_item.max_stars_1, scale: .survey.max_stars_1?, "
         "comment: .survey_item.question_plain_1}",
         ".occurred_at", ""},
    },
    Mapping{
        "zapier",
        "",
        {".event // (if (.chat.status? | tostring) == \"2\" then \"chat.close\" else \"chat.data_changed\" end)",
         "(.chat | objects) + {tags: (.subject_list_names | if type == \"array\" then . else null end)}", "",
         ".user | objects", "", "", "", ""},
    },
    Mapping{
        "n8n",
        "chat.addmsguser",
        {".event", ".chat_id", "", "", ".text", "", "", ""},
    },
    Mapping{
        "open_wa",
        said_by_operator,
        {".event", ".args.to", ".args.to", "",
         ".args | {msg: .content, audience: \"all\", files: (if .file == null then [] else [{name: .filename, url: "
         ".file}] "
         "end)}",
         "", "", ""},
    },
    Mapping{
        "chat_api",
        said_by_operator,
        {".event", ".chatId", ".chatId", "",
         "if .filename == null then {msg: .body, audience: \"all\"} else {audience: \"all\", files: [{name: .filename, "
         "url: .body}]} end",
         "", "", ""},
    },
    Mapping{
        "waha",
        said_by_operator,
        {".event", ".chatId", ".chatId", "",
         "{msg: .text, audience: \"all\", files: (if (.file | type) == \"object\" then [{name: .file.filename, url: "
         ".file.url, content_type: .file.mimetype}] else [] end)}",
         "", "", ""},
    },
    Mapping{
        "slack",
        "trigger_fired",
        {".event", "[.. | objects | .url | strings | capture(\"\\\\(cid\\\\)/(?<id>[0-9]+)\") | .id] | .[0]", "", "",
         "{msg: ([(.text | strings), (.blocks | .. | objects | select(.type == \"text\" or .type == \"mrkdwn\") | "
         ".text | "
         "strings)] | join(\"\")), kind: \"rich\", audience: \"agents\", author: {role: \"bot\"}}",
         "", "", ""},
    },
};

}  // namespace

std::span<const Mapping> mappings() {
  return shipped;
}

const Mapping* find_mapping(std::string_view name) {
  const auto found = std::find_if(shipped.begin(), shipped.end(), [&](const Mapping& one) { return one.name == name; });
  return found == shipped.end() ? nullptr : &*found;
}

}  // namespace chatrelay::systems::livehelperchat
