// Invariant 10, for every action of every shipped connector: what a visitor typed is data. Nothing here names a
// connector: the actions come from the files, and what they are tried with from the files' own tests.
//
// Each text of `with`, in turn, is replaced by harmless and by hostile words, through a rule's template. Then the
// requests must have the same shape, differ only where the words stand, and show there what was typed, as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/destinations/hostile_comparison.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::connector;
using namespace chatrelay::destinations::testing;
using ::testing::HasSubstr;

namespace {

// A rule with one template.
class Rule {
 public:
  explicit Rule(std::string_view text) {
    config::Problems problems;
    made_ = expression::Template::parse_text(text, {}, builder_, problems);
    program_ = builder_.build(problems);
  }
  json::value operator()(const std::string& text, Escape escape) const {
    const json::value event = json::object{{"message", json::object{{"text", text}}}};
    return made_.render(*program_, event, escape).value().value();
  }

 private:
  expression::Builder builder_;
  expression::Template made_;
  std::unique_ptr<expression::Program> program_;
};

constexpr std::size_t pieces_max = 50;

using Calm = std::vector<std::pair<std::string, Played>>;  // by harmless words

std::vector<std::string> connector_names() {
  std::vector<std::string> names;
  for (const ShippedConnector& one : shipped_connectors()) names.emplace_back(one.name);
  return names;
}

class HostileText : public ::testing::TestWithParam<std::string> {
 protected:
  HostileText() : trial(trial_of(GetParam())) {}

  // Reading a connector and playing its tests takes longer than much of what is tried with it: once for each.
  static Trial& trial_of(const std::string& name) {
    static std::map<std::string, Trial> trials;
    const auto known = trials.find(name);
    if (known != trials.end()) return known->second;
    return trials.try_emplace(name, *std::ranges::find(shipped_connectors(), name, &ShippedConnector::name))
        .first->second;
  }

  Words words_at(const Action& action, const Slot& slot) const {
    Words words;
    const auto key = action.schema.with.find(slot.key);
    if (key == action.schema.with.end()) return words;
    words.escape = key->second.escape;
    words.is_prose = words.escape != Escape::none;
    words.is_optional = !key->second.required;
    const auto limit = action.limits.find(slot.key);
    if (limit == action.limits.end() || !slot.path.empty()) return words;
    words.limit = &limit->second;
    if (words.limit->mode == TextMode::split) words.is_prose = true;
    if (words.limit->mode == TextMode::reject) words.is_prose = false;
    return words;
  }

  Calm calm_at(const InlineTest& test, const Slot& slot, Escape escape, const Rule& rule) {
    Calm calm;
    for (const std::string& words : harmless_texts) {
      Played played = trial.play(test, with_text(test.payload, slot, rule(words, escape)));
      EXPECT_EQ(played.trouble, "") << slot.place() << ": " << words;
      if (played.good()) calm.emplace_back(words, std::move(played));
    }
    return calm;
  }

  std::map<std::string, Escape> notations_of_places(const Action& action, const InlineTest& test) {
    std::map<std::string, Escape> places;
    for (const auto& [key, with] : action.schema.with) {
      if (with.escape == Escape::none) continue;
      for (const auto& [words, played] : calm_at(test, {key, {}}, with.escape, lone))
        for (const Sent& sent : played.sent)
          for (const RequestPart& part : sent.parts)
            if (const auto frame = frame_of(part.text, words); frame && frame->whole)
              places.emplace(part.place, with.escape);
    }
    return places;
  }

  // The harmless words whose requests are most like it decide: a connector may ask whether something is an address.
  static std::string nearest_difference(const Calm& calm, const Played& wild, Words words) {
    std::set<std::string> stand_ins;
    for (const auto& [harmless, played] : calm)
      for (const Sent& sent : played.sent)
        for (const RequestPart& part : sent.parts)
          if (part.text.starts_with('(') && !frame_of(part.text, harmless)) stand_ins.insert(part.text);
    std::string first;
    for (const auto& [harmless, played] : calm) {
      words.harmless = harmless;
      const std::string wrong = Comparison(words, stand_ins).requests(played, wild);
      if (wrong.empty()) return "";
      if (first.empty() || first.starts_with("it changes")) first = wrong;
    }
    return first;
  }

  // Once for each place and kind of trouble is enough to read.
  void complain(const std::string& place, const std::string& text, const std::string& what) {
    if (complaints_.insert(place + what.substr(0, what.find('\n'))).second)
      ADD_FAILURE() << place << ", " << text << ": " << what;
  }

  void expect_clean_reason(const std::string& place, const std::string& text, const Outcome& outcome) {
    const bool clean = std::ranges::all_of(outcome.reason, [](char c) { return static_cast<unsigned char>(c) >= ' '; });
    if (outcome.klass != OutcomeClass::reject || !clean || outcome.reason.size() < 20)
      complain(place, text, "it is refused without a clear reason: " + outcome.reason);
  }

  void try_text(const std::string& place, const Calm& calm, const Words& words, const NamedText& text,
                const Played& wild) {
    if (!wild.trouble.empty()) return complain(place, text.name, wild.trouble);
    if (wild.refused()) {
      expect_clean_reason(place, text.name, wild.outcome);
      const bool is_nothing = text.text.empty();  // of a key that needs a value
      if (words.is_prose && !calm.empty() && !is_nothing)
        complain(place, text.name, "a text is refused: " + wild.outcome.reason);
      return;
    }
    if (calm.empty()) return;
    Words here = words;
    here.hostile = text.text;
    const std::string wrong = nearest_difference(calm, wild, here);
    if (!wrong.empty()) complain(place, text.name, wrong);
  }

  void complain_of_pieces(const std::string& place, const std::string& text, const Words& words,
                          const std::map<const Step*, std::vector<const Sent*>>& calm,
                          const std::map<const Step*, std::vector<const Sent*>>& wild) {
    const Comparison comparison(words, {});
    std::map<std::pair<std::string, Notation>, std::string> said;
    std::size_t pieces = 0;
    for (const auto& [step, sent] : wild) {
      const auto like = calm.find(step);
      if (like == calm.end()) return complain(place, text, "it makes a step that harmless words do not");
      pieces = std::max(pieces, sent.size());
      for (std::size_t i = 0; i < sent.size(); ++i) {
        // The last of the harmless pieces may be cut: it has an ellipsis.
        const std::size_t last = like->second.size() > 1 ? like->second.size() - 2 : 0;
        const std::string wrong = comparison.piece(*like->second[std::min(i, last)], *sent[i], said);
        if (!wrong.empty()) return complain(place, text, "piece " + std::to_string(i + 1) + ": " + wrong);
      }
    }
    const bool is_long = length_of(words.hostile, words.limit->unit) > words.limit->length;
    if (pieces > pieces_max || (is_long && pieces < 2))
      complain(place, text, "it becomes " + std::to_string(pieces) + " pieces");
    std::map<std::string, bool> says;
    for (const auto& [where, whole] : said) {
      const bool all = whole.ends_with(ellipsis) ? pieces == pieces_max && says_all(whole, words.hostile)
                                                 : says_all(whole, words.hostile);
      says[where.first] = says[where.first] || all;
    }
    if (says.empty()) complain(place, text, "it does not arrive");
    for (const auto& [where, all] : says)
      if (!all) complain(place, text, where + ": the pieces do not say what was typed");
  }

  Trial& trial;
  const Rule lone{"{{ .message.text }}"}, among{"Eve says: {{ .message.text }}"};

 private:
  std::set<std::string> complaints_;
};

bool arrives(const Calm& calm) {
  return std::ranges::any_of(calm, [](const auto& one) {
    return std::ranges::any_of(one.second.sent, [&](const Sent& sent) {
      return std::ranges::any_of(sent.parts, [&](const RequestPart& part) {
        const auto frame = frame_of(part.text, one.first);
        return frame && frame->whole;
      });
    });
  });
}

bool is_parted(const Words& words, const json::value& text) {
  return words.limit != nullptr && words.limit->mode == TextMode::split && text.is_string() &&
         length_of(std::string_view(text.get_string()), words.limit->unit) > words.limit->length;
}

// The requests of each step, one for each piece.
std::map<const Step*, std::vector<const Sent*>> by_step(const Played& played) {
  std::map<const Step*, std::vector<const Sent*>> steps;
  for (const Sent& sent : played.sent) steps[sent.step].push_back(&sent);
  return steps;
}

constexpr int tests_for_a_place = 2;  // more of one place show nothing new

}  // namespace

TEST_P(HostileText, ArrivesAsTextAndNowhereElse) {
  const std::vector<NamedText> texts = hostile_texts(), endless = endless_texts();
  for (const auto& [name, action] : trial.file().actions) {
    const auto tests = trial.tests_of(name);
    EXPECT_FALSE(tests.empty()) << name << " has no test that ends well";
    std::map<std::string, int> tried;
    std::set<std::string> unseen;
    for (const auto& [key, ignored] : action.schema.with)
      if (words_at(action, {key, {}}).is_prose) unseen.insert(key);
    for (const InlineTest* test : tests) {
      const std::map<std::string, Escape> places = notations_of_places(action, *test);
      for (const Slot& slot : slots_of(action, test->payload)) {
        Words words = words_at(action, slot);
        words.notations_of_places = places;
        const std::string place = name + ", with." + slot.place() + " of \"" + test->name + "\"";
        const Calm calm = calm_at(*test, slot, words.escape, lone);
        if (arrives(calm)) unseen.erase(slot.key);
        if (!arrives(calm) && !calm.empty() && tried.contains(slot.place())) continue;
        const int times = tried[slot.place()]++;
        if (times >= tests_for_a_place) continue;
        std::vector<NamedText> chosen = texts;
        const bool is_cut = words.limit != nullptr && words.limit->mode == TextMode::truncate;
        if (times == 0) chosen.insert(chosen.end(), endless.begin(), is_cut ? endless.end() : endless.begin() + 1);
        for (const NamedText& text : chosen) {
          const json::value made = lone(text.text, words.escape);
          if (is_parted(words, made)) continue;
          try_text(place, calm, words, text, trial.play(*test, with_text(test->payload, slot, made)));
        }
        const NamedText& all = texts.back();
        const json::value made = among(all.text, words.escape);
        if (words.escape == Escape::none || is_parted(words, made)) continue;
        const Played wild = trial.play(*test, with_text(test->payload, slot, made));
        try_text(place, calm_at(*test, slot, words.escape, among), words, all, wild);
      }
    }
    for (const std::string& key : unseen) ADD_FAILURE() << name << ": no test shows where with." << key << " arrives";
  }
}

TEST_P(HostileText, ArrivesInPiecesAsText) {
  std::vector<NamedText> texts = endless_texts();
  for (const auto& [name, action] : trial.file().actions) {
    for (const auto& [key, limit] : action.limits) {
      if (limit.mode != TextMode::split) continue;
      const Slot slot{key, {}};
      Words words = words_at(action, slot);
      words.harmless = endless_harmless_text();
      bool tried = false;
      for (const InlineTest* test : trial.tests_of(name)) {
        const std::string place = name + ", with." + key + " of \"" + test->name + "\"";
        const Played calm = trial.play(*test, with_text(test->payload, slot, lone(words.harmless, words.escape)));
        const auto calm_steps = by_step(calm);
        if (tried || !calm.good() ||
            std::ranges::none_of(calm_steps, [](const auto& one) { return one.second.size() > 1; }))
          continue;
        tried = true;
        words.notations_of_places = notations_of_places(action, *test);
        for (const NamedText& text : texts) {
          words.hostile = text.text;
          const Played wild = trial.play(*test, with_text(test->payload, slot, lone(text.text, words.escape)));
          if (!wild.trouble.empty() || !wild.good()) {
            complain(place, text.name, wild.trouble + wild.outcome.reason);
            continue;
          }
          complain_of_pieces(place, text.name, words, calm_steps, by_step(wild));
        }
        texts.erase(texts.begin() + 1, texts.end());  // the other actions part a text in the same way
      }
      EXPECT_TRUE(tried) << name << ": no test shows with." << key << " in pieces";
    }
  }
}

// The ids of chats and threads are the visitor's to choose in some systems.
TEST_P(HostileText, AsTheNameOfAChatChangesNothingElse) {
  std::vector<NamedText> texts = hostile_texts();
  texts.push_back(endless_texts().front());
  for (const auto& [name, action] : trial.file().actions) {
    for (const InlineTest* test : trial.tests_of(name)) {
      for (std::string Attempt::*id : {&Attempt::chat_id, &Attempt::thread_id}) {
        const auto play = [&](const std::string& text) {
          Attempt attempt = test->attempt;
          attempt.with = test->payload;
          attempt.*id = text;
          return trial.play(*test, std::move(attempt));
        };
        Calm calm;
        for (const std::string& words : harmless_texts) calm.emplace_back(words, play(words));
        if (!arrives(calm)) continue;
        for (const NamedText& text : texts)
          try_text(name + (id == &Attempt::chat_id ? ", chat id" : ", thread id"), calm, Words{}, text,
                   play(text.text));
      }
    }
  }
}

// What leaves in one request with others touches none of them.
TEST_P(HostileText, StaysInItsPlaceOfABatch) {
  std::vector<NamedText> texts = hostile_texts();
  texts.push_back(endless_texts().front());
  for (const InlineTest& test : trial.file().tests) {
    const Action* action = test.of_probe ? nullptr : trial.file().action(test.action);
    if (action == nullptr || test.batch.size() < 2) continue;
    for (std::size_t member = 0; member < test.batch.size(); ++member) {
      const json::value& payload = test.batch[member].payload;
      for (const Slot& slot : slots_of(*action, payload)) {
        const Words words = words_at(*action, slot);
        const auto play = [&](const std::string& text) {
          return trial.play_together(test, member, with_text(payload, slot, lone(text, words.escape)));
        };
        Calm calm;
        for (const std::string& harmless : harmless_texts)
          if (Played played = play(harmless); !played.refused()) calm.emplace_back(harmless, std::move(played));
        const std::string place = test.action + ", with." + slot.place() + " of \"" + test.name + "\"";
        for (const NamedText& text : texts) try_text(place, calm, words, text, play(text.text));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachConnector, HostileText, ::testing::ValuesIn(connector_names()),
                         [](const auto& connector) { return connector.param; });

// The readers above see what is wrong: otherwise the tests above could not fail.
TEST(HostileTextReaders, SeeMarkup) {
  const std::pair<Escape, const char*> markup[] = {
      {Escape::slack_mrkdwn, "<!channel>"},   {Escape::slack_mrkdwn, "a & b"},   {Escape::html, "<b>"},
      {Escape::matrix_html, "a<br/>b"},       {Escape::telegram_html, "&nbsp;"}, {Escape::telegram_markdown, "a.b"},
      {Escape::telegram_markdown, "a\\\\*b"}, {Escape::markdown, "a *b*"},       {Escape::markdown, "hi @eve"},
      {Escape::markdown, "x@here"},           {Escape::markdown, "<!here>"},     {Escape::markdown, "<http://e|f>"},
      {Escape::markdown, "a\n  # b"},         {Escape::markdown, "12) b"},       {Escape::markdown, "/kick"},
      {Escape::teams_markdown, "a <b>"},      {Escape::zero_width, "!close"},    {Escape::zero_width, "[html]"}};
  for (const auto& [escape, text] : markup) EXPECT_NE(what_it_does(text, escape), "") << to_string(escape) << text;
  EXPECT_EQ(what_it_does("eve@example.com, 1 < 2", Escape::markdown), "");
  EXPECT_TRUE(ends_quotation("x='", "a' or 'b", "'"));
  EXPECT_TRUE(ends_quotation("x='", "a\\' or b''", "'"));
  EXPECT_FALSE(ends_quotation("x='", "a\\' or \\\\", "'"));
  EXPECT_FALSE(ends_quotation("x='", "a'' or b", "'"));
}

TEST(HostileTextReaders, SeeWhatIsNoRequest) {
  const auto trouble = [](auto change) {
    http::ClientRequest request;
    request.url = "https://example.com/a/b?c=d";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = R"({"a":"b"})";
    change(request);
    try {
      RequestReader::read(request);
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(trouble([](auto&) {}), "");
  EXPECT_THAT(trouble([](auto& r) { r.url = "https://example.com/a/%2e%2E"; }), HasSubstr("climbs"));
  EXPECT_THAT(trouble([](auto& r) { r.url = "https://example.com/a b"; }), HasSubstr("URL"));
  EXPECT_THAT(trouble([](auto& r) { r.url = "https://example.com/a#b"; }), HasSubstr("URL"));
  EXPECT_THAT(trouble([](auto& r) { r.url = "https://example.com/%ff"; }), HasSubstr("UTF-8"));
  EXPECT_THAT(trouble([](auto& r) { r.url = "https://example.com/?a+b=c"; }), HasSubstr("+"));
  EXPECT_THAT(trouble([](auto& r) { r.headers.emplace_back("X-A", "a\r\nX-B: c"); }), HasSubstr("control"));
  EXPECT_THAT(trouble([](auto& r) { r.headers.emplace_back("content-type", "a"); }), HasSubstr("twice"));
  EXPECT_THAT(trouble([](auto& r) { r.body = R"({"a":"b"},{})"; }), HasSubstr("parse"));
  EXPECT_THAT(trouble([](auto& r) { r.body = "{\"a\":\"\xff\"}"; }), HasSubstr("UTF-8"));
}

TEST(HostileTextReaders, SeeWhatIsNotInItsPlace) {
  Words words;
  words.harmless = "alpha7 omega7";
  words.hostile = "x\",\"admin\":true";
  words.is_prose = true;
  const auto difference = [&](RequestParts calm, RequestParts wild) {
    return Comparison(words, {}).parts({nullptr, std::move(calm)}, {nullptr, std::move(wild)});
  };
  const RequestParts calm{{"body/a:string", "alpha7 omega7"}, {"body/b:string", "kept"}};
  EXPECT_EQ(difference(calm, {{"body/a:string", words.hostile}, {"body/b:string", "kept"}}), "");
  EXPECT_THAT(difference(calm, {{"body/a:string", "x"}, {"body/b:string", "kept"}}), HasSubstr("does not say"));
  EXPECT_THAT(difference(calm, {{"body/a:string", words.hostile}, {"body/b:string", "x"}}), HasSubstr("not its own"));
  EXPECT_THAT(difference(calm, {{"body/b:string", "kept"}}), HasSubstr("not there"));
  EXPECT_THAT(difference(calm, {{"body/a:string", words.hostile}, {"body/b:string", "kept"}, {"body/c:value", "true"}}),
              HasSubstr("new"));
}
