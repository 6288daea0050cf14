"""or_else: what a destination did not take in time goes another way, once, and its lane goes on.

The clock starts at the event's commit and includes waiting; an attempt that is under way at the deadline is waited for; where it may have
been applied already, both deliveries say that.
"""
import json
import random
import threading
import time
from datetime import datetime

from harness import Case, livechat_event, main, source_livechat, wait_for

QUICK = "retry: {first: 100ms, max: 300ms}, circuit: {failures: 1000000}, allow_private: true"
RULE = """rules:
  - name: to the team
    on: incoming_event
    deliver:
      - to: team
        with: {body: {chat: "{{ .chat.id }}", text: "{{ .message.text }}"}}
        or_else: {after: %s, to: other, with: {body: {late: "{{ .message.text }}", who: "{{ .visitor.id }}"}}}
"""
NEVER = (500, {}, b"not now")
FINE = (200, {}, b"")


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Ways(Case):
    def relay(self, team, other, after="2s", rules=None, more_team="", other_as="", timeout="10s"):
        self.team, self.other = team, other
        other_as = other_as or f"{{connector: webhook, url: '{other.url}', {QUICK}}}"
        config = (source_livechat() + f"destinations:\n  team: {{connector: webhook, url: '{team.url}', timeout: {timeout}, {QUICK}{more_team}}}\n"
                  f"  other: {other_as}\n")
        return self.daemon(config, rules or RULE % after)

    def say(self, daemon, text, chat="C1"):
        self.assertEqual(daemon.post("/hooks/livechat", livechat_event(chat=chat, thread="T" + chat, event="E" + text, text=text))[0], 200)
        return time.monotonic()

    def deliveries(self, daemon, destination=None):
        """Oldest first, each with its tries."""
        query = f"&destination={destination}" if destination else ""
        rows = daemon.api("GET", f"/api/deliveries?limit=500{query}")[1]["deliveries"]
        return [daemon.api("GET", f"/api/deliveries/{row['id']}")[1] for row in reversed(rows)]

    def texts(self, sink):
        return [r.json().get("late", r.json().get("text")) for r in sink.all()]

    def went(self, daemon, count, limit_s=30):
        wait_for(lambda: sum(d["state"] == "delivered" for d in self.deliveries(daemon, "other")) == count, f"{count} went the other way", limit_s)

    def test_what_is_not_taken_goes_the_other_way_once_and_the_lane_goes_on(self):
        team, other = self.sink(lambda _: NEVER), self.sink()
        daemon = self.relay(team, other)
        committed = self.say(daemon, "one")
        self.went(daemon, 1)
        arrived = other.all()[0]
        self.assertGreater(arrived.at - committed, 1.9, "not before its time")
        self.assertLess(arrived.at - committed, 8)
        self.assertEqual((arrived.json()["late"], arrived.json()["who"]), ("one", "b7eff798-f8df-4364-8059-649c35c9ed0c"))
        first, second = self.deliveries(daemon)
        self.assertEqual((first["destination"], first["state"], second["destination"], second["state"]), ("team", "cancelled", "other", "delivered"))
        self.assertIn("other", first["reason"], "it says where it went")
        self.assertNotIn("double", first["reason"], "a 500 took nothing: this is none")
        self.assertEqual((first["rule"], second["rule"], first["event_id"]), ("to the team", "to the team", second["event_id"]))
        self.assertGreater(len(first["tries"]), 2, "until then it was tried")
        self.assertNotEqual(first["id"], second["id"])
        asked = team.count()
        team.answer = lambda _: FINE
        self.say(daemon, "two")
        wait_for(lambda: [d["state"] for d in self.deliveries(daemon, "team")] == ["cancelled", "delivered"], "the lane goes on")
        self.assertEqual(self.texts(team)[asked:], ["two"], "what went the other way is not tried again")
        self.assertEqual(self.texts(other), ["one"])

    def test_what_waits_in_its_lane_goes_in_time_too(self):
        """The one in front takes long: those behind it do not start their clock when their turn comes."""
        release = threading.Event()
        team, other = self.sink(lambda _: (release.wait(60), FINE)[1]), self.sink()
        daemon = self.relay(team, other, "2s", timeout="60s")
        committed = self.say(daemon, "one")
        wait_for(lambda: team.count() == 1, "an attempt is under way")
        self.say(daemon, "two")
        self.say(daemon, "three")
        self.went(daemon, 2)
        late = [r.at - committed for r in other.all()]
        self.assertEqual(self.texts(other), ["two", "three"], "in their order")
        self.assertGreater(min(late), 1.9)
        self.assertLess(max(late), 10, "they were not tried and went in time")
        self.assertEqual([d["state"] for d in self.deliveries(daemon, "team")], ["pending", "cancelled", "cancelled"], "the one under way is waited for")
        release.set()
        wait_for(lambda: self.deliveries(daemon, "team")[0]["state"] == "delivered", "it was taken after all")
        self.say(daemon, "four")
        wait_for(lambda: self.texts(team) == ["one", "four"], "the lane goes on")
        self.assertEqual(self.texts(other), ["two", "three"])

    def test_an_attempt_under_way_decides_at_its_end(self):
        for code, state in ((200, "delivered"), (500, "cancelled")):
            with self.subTest(code=code):
                release = threading.Event()
                team, other = self.sink(lambda _, code=code: (release.wait(60), (code, {}, b""))[1]), self.sink()
                daemon = self.relay(team, other, "1s", timeout="60s")
                self.say(daemon, "one")
                wait_for(lambda: team.count() == 1, "an attempt is under way")
                time.sleep(3)  # the deadline passes; nothing may happen, which nobody can wait for
                self.assertEqual((other.count(), team.count(), self.deliveries(daemon)[0]["state"]), (0, 1, "pending"))
                release.set()
                wait_for(lambda: self.deliveries(daemon, "team")[0]["state"] == state, f"it is {state}")
                if state == "cancelled":
                    self.went(daemon, 1)
                self.assertEqual(team.count(), 1, "after its deadline it is not tried again")
                self.assertEqual(len(self.deliveries(daemon)), 1 if state == "delivered" else 2)
                self.assertEqual(self.texts(other), [] if state == "delivered" else ["one"])
                daemon.stop()

    def test_a_possible_double_is_marked(self):
        """What may have been applied before its deadline is said to be, whether it was tried again or held."""
        for ambiguous in ("retry", "hold"):
            with self.subTest(ambiguous=ambiguous):
                team, other = self.sink(lambda _: None), self.sink()  # hangs up: it may have been applied
                daemon = self.relay(team, other, "1500ms", more_team=f", ambiguous: {ambiguous}")
                daemon.cli("destinations", "pause", "other")
                self.say(daemon, "one")
                wait_for(lambda: [d["state"] for d in self.deliveries(daemon, "team")] == ["cancelled"], "it went")
                first, second = self.deliveries(daemon)
                self.assertIn("double", first["reason"])
                self.assertEqual((second["destination"], second["state"]), ("other", "held"))
                self.assertIn("double", daemon.cli("deliveries", "show", first["id"]).stdout)
                if ambiguous == "hold":
                    self.assertEqual(team.count(), 1)
                daemon.cli("destinations", "resume", "other")
                self.went(daemon, 1)
                self.assertEqual(self.texts(other), ["one"])
                shown = json.loads(daemon.cli("deliveries", "show", second["id"], "--json").stdout)
                self.assertEqual((shown["state"], shown["reason"]), ("delivered", None))
                self.assertIn(f"in place of {first['id']} to team", shown["note"], "also once it is delivered")
                self.assertIn("double", shown["note"])
                daemon.stop()

    def test_a_pause_and_a_stop_do_not_stop_the_clock(self):
        team, other = self.sink(), self.sink()
        daemon = self.relay(team, other, "2s")
        daemon.cli("destinations", "pause", "team")
        self.say(daemon, "paused")
        self.went(daemon, 1)
        self.assertEqual(team.count(), 0)
        # Committed, and then nobody ran: at the next start its time is over.
        self.say(daemon, "stopped")
        self.assertEqual(daemon.stop(), 0)
        time.sleep(2.5)
        daemon.start()
        self.went(daemon, 2)
        self.assertEqual((self.texts(other), team.count()), (["paused", "stopped"], 0))
        daemon.cli("destinations", "resume", "team")
        self.say(daemon, "in time")
        wait_for(lambda: self.texts(team) == ["in time"], "who is taken in time does not go")
        time.sleep(3)
        self.assertEqual(other.count(), 2)

    def test_the_clock_starts_at_the_commit_and_not_at_planning(self):
        """Killed right after its 200, before it was planned or just then: the deadline is the same."""
        team, other = self.sink(lambda _: NEVER), self.sink()
        daemon = self.relay(team, other, "3s")
        for n in range(5):
            self.say(daemon, f"m{n}", f"C{n}")
            daemon.kill()
            time.sleep(3.2)
            team_before = team.count()
            daemon.start()
            self.went(daemon, n + 1)
            self.assertEqual(team.count(), team_before, "its time was over before the start: it is not tried any more")
            event = daemon.api("GET", f"/api/events/{self.deliveries(daemon, 'other')[-1]['event_id']}")[1]
            self.assertEqual(event["chat_id"], f"C{n}")

    def test_what_is_refused_for_ever_goes_at_once(self):
        team, other = self.sink(lambda _: (422, {}, b"never")), self.sink()
        daemon = self.relay(team, other, "60s")
        committed = self.say(daemon, "one")
        self.went(daemon, 1)
        self.assertLess(other.all()[0].at - committed, 15, "there is nothing to wait for")
        first, second = self.deliveries(daemon)
        self.assertEqual(first["state"], "dead")
        self.assertIn("422", first["reason"])
        self.assertIn("other", first["reason"])
        self.assertEqual(team.count(), 1)

    def test_a_disabled_destination_is_gone_around(self):
        team, other = self.sink(lambda _: (401, {}, b"")), self.sink()
        daemon = self.relay(team, other, "1500ms")
        for n in range(6):
            self.say(daemon, f"m{n}", f"C{n % 3}")
        self.went(daemon, 6)
        self.assertEqual(sorted(self.texts(other)), [f"m{n}" for n in range(6)])
        self.assertEqual({d["state"] for d in self.deliveries(daemon, "team")}, {"cancelled"})

    def test_a_destinations_own_way_and_none(self):
        """The default of a destination holds for every rule that says nothing; `none` turns it off; a rule's own replaces it."""
        rules = """rules:
  - name: by default
    on: incoming_event
    when: .message.text == "default"
    deliver: [{to: team, with: {body: {text: "{{ .message.text }}"}}}]
  - name: without
    on: incoming_event
    when: .message.text == "none"
    deliver: [{to: team, with: {body: {text: "{{ .message.text }}"}}, or_else: none}]
  - name: with its own
    on: incoming_event
    when: .message.text == "own"
    deliver: [{to: team, with: {body: {text: "{{ .message.text }}"}}, or_else: {after: 1s, to: third, with: {body: {late: "own {{ .message.text }}"}}}}]
"""
        team, other, third = self.sink(lambda _: NEVER), self.sink(), self.sink()
        default = ", or_else: {after: 1s, to: other, with: {body: {late: '{{ .message.text }} of {{ .chat.id }}'}}}"
        daemon = self.relay(team, other, rules=rules, more_team=default,
                            other_as=f"{{connector: webhook, url: '{other.url}', {QUICK}}}\n  third: {{connector: webhook, url: '{third.url}', {QUICK}}}")
        for text in ("default", "none", "own"):
            self.say(daemon, text, "C" + text)
        wait_for(lambda: other.count() == 1 and third.count() == 1, "both went")
        self.assertEqual((self.texts(other), self.texts(third)), (["default of Cdefault"], ["own own"]))
        time.sleep(1.5)
        states = {d["rule"]: d["state"] for d in self.deliveries(daemon, "team")}
        self.assertEqual((states["by default"], states["with its own"]), ("cancelled", "cancelled"))
        self.assertIn(states["without"], ("deferred", "pending"))
        self.assertEqual((other.count(), third.count()), (1, 1))

    def test_an_operator_cancels_both_ways(self):
        team, other = self.sink(lambda _: NEVER), self.sink()
        daemon = self.relay(team, other, "2s")
        self.say(daemon, "one")
        wait_for(lambda: team.count() >= 1, "tried")
        daemon.cli("deliveries", "cancel", self.deliveries(daemon)[0]["id"])
        time.sleep(3.5)
        self.assertEqual(other.count(), 0, "who cancels means it")
        self.assertEqual([d["state"] for d in self.deliveries(daemon)], ["cancelled"])

    def test_a_mail_for_what_nobody_took(self):
        """As a rule has it: a Slack that does not answer, and the mailbox of the team."""
        rules = """rules:
  - name: to the team
    on: incoming_event
    deliver:
      - to: team
        with: {text: "{{ .message.text }}"}
        or_else: {after: 1500ms, to: other, with: {subject: "Nobody answered {{ .chat.id }}", text: "{{ .message.text }}"}}
"""
        slack = self.sink(lambda _: (503, {}, b""))
        config = (source_livechat() + f"destinations:\n  team: {{connector: slack, token: xoxb-0123456789, channel: C1, base_url: '{slack.url}', {QUICK}}}\n"
                  "  other: {kind: email, smtp: 'maildir:mail', from: chat@example.com, to: [support@example.com]}\n")
        daemon = self.daemon(config, rules)
        self.say(daemon, "one")
        mails = wait_for(lambda: list((daemon.directory / "mail" / "new").glob("*")), "a mail")
        self.assertEqual(len(mails), 1)
        self.assertIn(b"Nobody answered C1", mails[0].read_bytes())

    def test_a_kill_at_the_deadline_leaves_exactly_one(self):
        """Killed again and again around the moment at which deliveries change their way. Each ends at one of the two, never at both unless
        an attempt may have been applied there, and never at none."""
        rng = random.Random(11)
        taken, lock = set(), threading.Lock()

        def answer(got):
            with lock:
                if got.json()["text"].endswith("t") and rng.random() < 0.3:
                    taken.add(got.json()["text"])
                    return FINE
            return NEVER
        team, other = self.sink(answer), self.sink()
        daemon = self.relay(team, other, "1500ms")
        texts = []
        for round_ in range(6):
            begun = time.monotonic()
            for n in range(12):
                texts.append(f"r{round_}-{n}t" if n % 2 else f"r{round_}-{n}")
                self.say(daemon, texts[-1], f"C{n % 4}")
            time.sleep(max(0.0, begun + 1.5 + rng.uniform(-0.1, 1.2) - time.monotonic()))
            daemon.kill()
            daemon.start()

        def over():
            rows = daemon.api("GET", "/api/deliveries?limit=500")[1]["deliveries"]
            return all(row["state"] in ("delivered", "cancelled") for row in rows) and rows
        wait_for(over, "all have ended", 60)
        deliveries = self.deliveries(daemon)
        by_text = {}
        for one in deliveries:
            by_text.setdefault(one["payload"]["body"].get("text") or one["payload"]["body"]["late"], []).append(one)
        self.assertEqual(set(by_text), set(texts))
        for text, both in by_text.items():
            states = [(one["destination"], one["state"]) for one in both]
            if len(both) == 1:
                self.assertEqual(states, [("team", "delivered")], text)
                self.assertIn(text, taken)
            else:
                self.assertEqual(states, [("team", "cancelled"), ("other", "delivered")], text)
        ids = {}
        for got in other.all():
            ids.setdefault(got.json()["late"], set()).add(got.id)
        self.assertEqual({text: len(of) for text, of in ids.items()}, {text: 1 for text, both in by_text.items() if len(both) == 2},
                         "one delivery went the other way for each, whatever was repeated under its id")
        # Taken by the team and gone to the other all the same: only where the daemon died before it could note the answer.
        self.assertLessEqual(len(set(ids) & taken), 6 * 4)
        self.assertGreater(len(ids), 10)


if __name__ == "__main__":
    main()
