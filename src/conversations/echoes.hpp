// Echoes: cuts a loop that no mark shows. Two rules bridge two chats; a system gives our own message back as if
// somebody had written it; the other rule sends it on, and so for ever. Systems that give a mark are handled where they
// are received (`own` of a source); this is for the others.
//
// The same text that goes from chat A by one way and from chat B by another, in turns, is an echo. People also answer
// "ok" with "ok", so `turns_max` turns pass, each soon after the one before; the next is a loop, until it is quiet
// again. What bridges put in front ("Ann: hello") does not hide an echo.
//
// Asked by the planner, for each delivery that the message of an event leads to, in the order of commits, with the
// event's received_at: no clock here, and a replay does not ask. A refused delivery is that rule's failure on the
// event. Memory only: after a restart a loop has its turns once more. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "common/units.hpp"

namespace chatrelay::conversations {

struct EchoLimits {
  std::size_t turns_max = 10;  // of one text between two chats
  // Of one source: visitors who press the same buttons of a bot at the same time take turns too, and what a source gets
  // back of our own it usually knows by a mark.
  std::size_t turns_max_in_source = 100;
  // A longer pause ends an echo. Between two sources it may be a slow one; within one source chats have much in common
  // (greetings, monitors) that is none.
  Millis gap_max = std::chrono::minutes(5);
  Millis gap_max_in_source = std::chrono::seconds(30);
  std::size_t texts_max = 5'000;  // Limit: texts remembered, the last used ones
  std::size_t ways_max = 16;      // Limit: of one text ("hello" comes in many chats), the last used ones
};

// A delivery of an event of this chat to this destination.
struct Way {
  std::string source, chat, destination;
};

class Echoes {
 public:
  explicit Echoes(EchoLimits limits = {}) : limits_(limits) {}

  // A message is about to go by this way. True: it would be a loop's next turn, and must not. An event without a chat
  // and a message without words are never a loop.
  bool is_loop(const Way& of, std::string_view text, WallTime at);

 private:
  // A way as it is compared, by hashes: a greeting that comes in many chats is compared some thousand times.
  struct Trace {
    std::uint64_t way = 0, chat = 0, source = 0;
    friend bool operator==(const Trace& a, const Trace& b) { return a.way == b.way; }
  };
  struct Pass {  // the last one by a way
    Trace way;
    WallTime at;
  };
  struct Turns {  // taken by two ways
    Trace last, other;
    std::size_t count = 0;
  };
  struct Text {
    std::string heard;
    std::vector<Pass> passes;  // last used at the end
    std::vector<Turns> turns;
  };
  Text& remembered(std::string heard);
  static Trace trace_of(const Way& way);
  void pass(Text& text, const Trace& way, WallTime at) const;

  EchoLimits limits_;
  std::list<Text> texts_;                                                  // last used first
  std::unordered_map<std::string_view, std::list<Text>::iterator> index_;  // keys live in texts_
};

// What is compared of a text: without what bridges put in front of it (names with a colon, quotation marks), without
// white space in a row and at its ends, and without the difference of A and a. A longer one counts as its hash.
std::string heard_text(std::string_view text);

}  // namespace chatrelay::conversations
