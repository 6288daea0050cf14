// What people type who mean harm, for tests: mentions, markup of every notation, commands, line breaks, control
// characters, direction marks, quotes, templates, and far too much of it. And words that harm nobody, to compare with.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.hpp"

namespace chatrelay::destinations::testing {

struct NamedText {
  std::string name, text;
};

// As they stand in a webhook, with JSON's escapes.
inline const NamedText hostile_json[] = {
    {"mentions",
     R"(@all @here @channel @everyone @room hey@everyone <!channel> <!here|x> <!subteam^S1> <@U012ABCDEF> <@!1> <@&1> )"
     R"(<#C1> <:x:1> </x:1> <t:1:R> <users/all> @**all** @_**Eve|7** #**general** @eve eve@example.com (@eve))"},
    {"markup",
     R"(*b* **b** _i_ __u__ ~s~ ~~s~~ `c` ```\ncode\n``` ||hidden|| [text](https://evil.example) )"
     R"(![x](https://evil.example/x) <https://evil.example|text>) <mailto:a@b.example|text> | a | b |\n|---|---|\n# head\n)"
     R"(> quote\n>>> all\n- list\n* list\n+ list\n1. one\n2) two\n---\n===\n- [ ] box\n   # indented\n\t> indented\r# CR\n)"
     R"(\\* \\\\ \\)"},
    {"html",
     R"(<script>alert(1)</script><img src=x onerror=\"alert(1)\"><a href='javascript:alert(1)'>x</a><!-- <style>*{}</style> )"
     R"(&lt;b&gt; &amp;amp; &#60;b&#62; & <br> ]]> <x xmlns:xi=\"http://www.w3.org/2001/XInclude\">)"},
    {"brackets",
     R"([html]<b>x</b>[/html] [b]x[/b] [url=https://evil.example]x[/url] [[msgitm]] [img]x[/img] [[file=1_x]])"},
    {"command", R"(/kick @here\n/poll a b)"},
    {"operator's command", R"(!close\n!hold)"},
    {"header", R"(x\r\nX-Evil: yes\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n)"},
    {"multipart",
     R"(x\r\n--chatrelay\r\nContent-Disposition: form-data; name=\"evil\"\r\n\r\n1\r\n--chatrelay--\r\n\"; filename=\"x)"},
    {"controls",
     R"(a\u0000b\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015)"
     R"(\u0016\u0017\u0018\u0019\u001a\u001b[31m\u001c\u001d\u001e\u001f\u007f\u0080\u0085\u009b\u2028\u2029\ufeff\ufffec)"},
    {"lone surrogates", R"(\ud800 a \udc00 b \udbff\ud800 c \udc00\ud83d\ude00 \ud83d)"},
    {"direction",
     R"(\u202egnp.exe\u202c \u200f\u200e\u061c\u2066a\u2067b\u2068c\u2069 \u202aa\u202bb\u202dc \u05d0 zero\u200bwidth\u200d\u2060)"},
    {"templates",
     R"({{ .settings.token }} {{ $ENV | tostring }} ${HOME} ${file:/etc/passwd} {{{{ }}}} }} \\(.settings) #{x} <%= x %> )"
     R"({% x %} *|MERGE|* %name% %s %n $$x$$ {0} $1)"},
    {"quotes",
     R"(\"}],\"admin\":true,\"x\":[{\"a\":\"\\\" ' '' \\' ; -- )) or 1=1 /* */ `id` $(id) \\u0000 \\n \\ <![CDATA[ \u2019)"},
    {"address",
     R"(../../admin?x=1&y=2#frag/..;/%2e%2e%2f\\..\\..\\ https://evil.example:80/ //evil.example @evil.example;a=b +&=,)"},
    {"climbing", ".."},
    {"folders", "a/b/c"},
    {"query", "a?b=c&d=e"},
    {"encoded", "%2e%2e%2fadmin%3Fa=b"},
    {"percent", R"(%00%0d%0aX-Evil:%201 %25 %2F%2e %zz % a+b=c&d[e]=f;g)"},
    {"true", "true"},
    {"null", "null"},
    {"number", "-1e400"},
    {"big number", "12345678901234567890123"},
    {"spaces", R"(  \t \n )"},
    {"empty", ""},
};

// As the text of a webhook becomes that of an event.
inline std::string typed(const std::string& json) {
  return std::string(parse_json("\"" + json + "\"").value().as_string());
}

inline std::string repeated(std::string_view part, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += part;
  return text;
}

inline std::vector<NamedText> hostile_texts() {
  std::vector<NamedText> texts;
  std::string all;
  for (const NamedText& one : hostile_json) {
    texts.push_back({one.name, typed(one.text)});
    all += texts.back().text + "\n";
  }
  texts.push_back({"all of them", all});
  return texts;
}

inline constexpr std::size_t endless_bytes = 100'000;

// 100 KB each, parted where a piece would begin with a mark.
inline std::vector<NamedText> endless_texts() {
  const std::string marks = "# a > b - c + d = e 1. f 2) g /command !command @all <!here> *b* _i_ &amp; &lt; \\ \\* ";
  return {{"100 KB of everything", repeated(hostile_texts().back().text + marks + "😀😀😀 ", endless_bytes)},
          {"100 KB of marks", repeated(marks, endless_bytes)},
          {"100 KB in one word", repeated("word@eve!#<\\*&", endless_bytes)},
          {"100 KB of backslashes", repeated("\\", endless_bytes)},
          {"100 KB beyond 16 bits", repeated("😀", endless_bytes)}};
}

// Words of which a connector may ask that they look like something. The marks in them tell where they arrive.
inline constexpr std::string_view first_mark = "alpha7", last_mark = "omega7";
inline const std::string harmless_texts[] = {"alpha7 omega7", "alpha7@omega7.example", "https://alpha7.example/omega7",
                                             "alpha7omega7",  "@alpha7omega7",         "7007007",
                                             "-7007007",      "2026-03-04T05:06:07Z"};
inline std::string endless_harmless_text() {
  return repeated("alpha7 omega7 ", 200'000);
}

}  // namespace chatrelay::destinations::testing
