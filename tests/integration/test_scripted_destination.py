"""A destination that fails in every way. No delivery is lost; where the service knows a key again nothing is there twice; elsewhere at most
what `ambiguous: retry` asks for is, and with `ambiguous: hold` nothing.

Invariant 2: every delivery ends, or is told as one that waits. Invariant 5: a retry carries the same key, for ever.
"""
import json
import random
import threading
import time

import scripted_destination as scripted
from harness import Case, livechat_event, main, source_livechat, wait_for
from scripted_destination import REFUSED, REFUSED_FOR_NOW, SLOW, TAKEN, UNANSWERED, Fault, Scripts, Server

RULES = "rules:\n  - name: forward\n    on: incoming_event\n    deliver: [{to: there%s, with: %s}]\n"
WEBHOOK_WITH = "{body: {text: '{{ .message.text }}'}}"
TEXT_WITH = "{text: '{{ .message.text }}'}"
# Nothing here waits for a circuit: how that behaves is another test's business.
QUICK = "retry: {first: 20ms, max: 100ms}, circuit: {failures: 1000000}, allow_private: true"
# A service that stores what it is told under the key it is told with: in one call, or as a record with an entry.
LEDGER = """connector: ledger
version: 1
about: Stores what it is told under the key it is told with
settings:
  url: {type: url, required: true}
base_url: "{{ .settings.url | raw }}"
default_action: entry
actions:
  entry:
    with: {text: {required: true}}
    idempotency: {header: Idempotency-Key}
    request: {url: /entries, body: {text: "{{ .with.text }}"}}
  record:
    with: {text: {required: true}}
    idempotency: {header: Idempotency-Key}
    steps:
      - name: open
        request: {url: /records, body: {text: "{{ .with.text }}"}}
        keep: {id: .id}
        save: {scope: chat, record_id: .id}
      - name: write
        request: {url: "/records/{{ .steps.open.id }}/entries", body: {text: "{{ .with.text }}"}}
tests:
  - name: an entry
    settings: {url: "https://ledger.example"}
    with: {text: hi}
    expect_request: {url: "https://ledger.example/entries", headers: {Idempotency-Key: 01JCZ0000000000000000TEST0}, body: {text: hi}}
    expect_class: ok
  - name: a record
    settings: {url: "https://ledger.example"}
    action: record
    with: {text: hi}
    exchange:
      - expect_request: {url: "https://ledger.example/records", headers: {Idempotency-Key: 01JCZ0000000000000000TEST0-open}}
        reply: {body: {id: r1}}
      - expect_request: {url: "https://ledger.example/records/r1/entries", headers: {Idempotency-Key: 01JCZ0000000000000000TEST0-write}}
    expect_class: ok
    expect_saved: {chat: {record_id: r1}}
"""


def text_of(request):
    try:
        body = request.json()
    except ValueError:
        return None
    return body.get("text", body.get("body")) if isinstance(body, dict) else None


def well(exchange):
    exchange.answer(200, b'{"ok": true}', [("content-type", "application/json")])


class Faults(Case):
    def scripts(self, plan, take=well, key_of=text_of, listening=True):
        scripts = Scripts(key_of, take, plan)
        server = Server(scripts, listening)
        self.addCleanup(server.close)
        return scripts, server

    def relay(self, destination, given=WEBHOOK_WITH, action="", more=""):
        daemon = self.daemon(f"{more}{source_livechat()}destinations:\n  there: {{{destination}}}\n", RULES % (action, given), start=False)
        if more:
            folder = daemon.directory / "connectors"
            folder.mkdir()
            (folder / "ledger.yaml").write_text(LEDGER)
        return daemon.start()

    def webhook(self, url, more=""):
        return self.relay(f"connector: webhook, url: '{url}/in', concurrency: 16, timeout: 1s, {QUICK}{more}")

    def say(self, daemon, text, chat):
        body = livechat_event(chat=chat, thread=f"T{chat}", event=f"E{text}", text=text)
        self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)

    def deliveries(self, daemon):
        """By the text that they carry, each with its tries. Nothing may be left out: they are counted by whoever calls."""
        found, before = {}, None
        while True:
            page = daemon.api("GET", "/api/deliveries?limit=500" + (f"&before={before}" if before else ""))[1]
            for row in page["deliveries"]:
                whole = daemon.api("GET", f"/api/deliveries/{row['id']}")[1]
                payload = whole["payload"]
                found[payload.get("text") or payload["body"]["text"]] = whole
            before = page["next"]
            if not before:
                return found

    def settled(self, daemon, count, states=("delivered",), limit_s=120):
        def over():
            counts = {}
            for state in states:
                page = daemon.api("GET", f"/api/deliveries?limit=500&state={state}")[1]
                counts[state] = len(page["deliveries"])
            return sum(counts.values()) == count
        wait_for(over, f"{count} deliveries are {' or '.join(states)}", limit_s)

    # ---- one by one

    def test_each_way_to_fail_is_what_it_is_said_to_be(self):
        trap = Server(well)
        self.addCleanup(trap.close)
        visited = []
        trap.play = lambda e: (visited.append(e.request), well(e))
        faults = UNANSWERED + SLOW + REFUSED_FOR_NOW + REFUSED + TAKEN + scripted.redirects(trap.url + "/elsewhere")
        plans = {f"f{n}": fault for n, fault in enumerate(faults)}
        scripts, server = self.scripts(lambda key: [plans[key]])
        daemon = self.webhook(server.url, ", headers: {Authorization: Bearer not-for-others}")
        for n, key in enumerate(plans):
            self.say(daemon, key, f"C{n}")
        self.settled(daemon, len(plans), ("delivered", "dead"))
        deliveries = self.deliveries(daemon)
        self.assertEqual(set(deliveries), set(plans), "one delivery each, and none is lost")
        for key, fault in plans.items():
            with self.subTest(fault=fault.name):
                got = deliveries[key]
                first = got["tries"][0]
                ends = "ok" in fault.outcomes or "reject" in fault.outcomes
                self.assertEqual(scripts.count(key), 1 if ends else 2, "what was answered whole is never sent again, what was not is")
                self.assertEqual(got["state"], "dead" if "reject" in fault.outcomes else "delivered")
                outcomes = [t["outcome"] for t in got["tries"]]
                # A kept connection that ends without a byte of an answer: libcurl repeats that by itself, within the attempt.
                if fault not in UNANSWERED or outcomes != ["ok"]:
                    self.assertIn(first["outcome"], fault.outcomes, first)
                    self.assertEqual(outcomes[1:], [] if ends else ["ok"])
                self.assertEqual({r.headers["webhook-id"] for r in scripts.requests[key]}, {got["id"]})
                if first["outcome"] != "ok":
                    self.assertTrue(first["reason"], "it says why")
        self.assertEqual(visited, [], "a redirect is not followed")
        self.assertEqual(scripts.strangers, [])
        log = daemon.log_text()
        self.assertNotIn("not-for-others", log)

    def test_held_instead_of_doubled(self):
        """The same with `ambiguous: hold`: whatever may have been applied is sent once, by libcurl too, and an operator decides."""
        faults = UNANSWERED + SLOW + REFUSED_FOR_NOW
        plans = {f"f{n}": fault for n, fault in enumerate(faults)}
        scripts, server = self.scripts(lambda key: [plans[key]])
        daemon = self.webhook(server.url, ", ambiguous: hold")
        warm = 8  # connections that libcurl could keep: on a kept one it would repeat a request by itself
        for n in range(warm):
            plans[f"w{n}"] = Fault("nothing", "ok", well, applied=True)
            self.say(daemon, f"w{n}", f"W{n}")
        self.settled(daemon, warm)
        for n in range(len(faults)):
            self.say(daemon, f"f{n}", f"C{n}")
        self.settled(daemon, len(plans), ("delivered", "held"))
        deliveries = self.deliveries(daemon)
        for key, fault in plans.items():
            with self.subTest(fault=fault.name):
                held = "ambiguous" in fault.outcomes
                self.assertEqual(deliveries[key]["state"], "held" if held else "delivered", deliveries[key])
                self.assertEqual(len(scripts.effects_of(key)), 1, "applied once")
                self.assertEqual(scripts.count(key), 1 if held or key.startswith("w") else 2)
        # The operator looked, and wants them sent again: then they are, under their ids.
        answer = daemon.api("POST", "/api/deliveries/retry", {"filter": {"state": "held"}, "limit": 1000})[1]
        self.assertEqual(answer["changed"], len(UNANSWERED + SLOW))
        self.settled(daemon, len(plans))
        for key, got in self.deliveries(daemon).items():
            self.assertEqual({r.headers["webhook-id"] for r in scripts.requests[key]}, {got["id"]})

    def test_a_kill_holds_what_was_under_way_and_nothing_else(self):
        """`ambiguous: hold` is "never twice" over a kill -9 too; what waited behind goes out once."""
        hang = Fault("silence", "ambiguous", lambda e: e.wait_for_the_other_side(), applied=True)
        scripts, server = self.scripts(lambda key: [hang] if key.startswith("cut") else [])
        daemon = self.relay(f"connector: webhook, url: '{server.url}/in', timeout: 60s, {QUICK}, ambiguous: hold")
        cut = [f"cut{n}" for n in range(4)]
        for n, key in enumerate(cut):
            self.say(daemon, key, f"C{n}")
            self.say(daemon, f"behind{n}", f"C{n}")
        wait_for(lambda: all(scripts.count(key) == 1 for key in cut), "each is under way")
        daemon.kill()
        daemon.start()
        self.say(daemon, "another", "D")
        wait_for(lambda: [d["state"] for key, d in sorted(self.deliveries(daemon).items()) if key.startswith("cut")] == ["held"] * 4,
                 "they are held")
        self.settled(daemon, 1)  # of another chat
        for key in cut:
            self.assertIn("ambiguous", self.deliveries(daemon)[key]["reason"])
            self.assertEqual(scripts.count(key), 1)
        answer = daemon.api("POST", "/api/deliveries/retry", {"filter": {"state": "held"}, "limit": 10})[1]
        self.assertEqual(answer["changed"], 4)
        self.settled(daemon, 9)
        self.assertEqual({key: scripts.count(key) for key in cut}, {key: 2 for key in cut})
        self.assertEqual({scripts.count(f"behind{n}") for n in range(4)}, {1})

    def test_refused_and_reset_connections(self):
        scripts, server = self.scripts(lambda key: [], listening=False)
        daemon = self.webhook(server.url)
        for n in range(10):
            self.say(daemon, f"m{n}", f"C{n}")

        def tried():
            rows = daemon.api("GET", "/api/deliveries?limit=500")[1]["deliveries"]
            return len(rows) == 10 and all(row["attempts"] >= 2 for row in rows)
        wait_for(tried, "each was refused twice")
        outcomes = {t["outcome"] for d in self.deliveries(daemon).values() for t in d["tries"]}
        self.assertEqual(outcomes, {"retry"}, "a connection that was refused took nothing")
        server.at_the_door = ["reset", "close"] * 10
        server.listen()
        self.settled(daemon, 10)
        wait_for(lambda: not server.at_the_door or scripts.counts(), "connections were made")
        self.assertGreater(server.turned_away, 0)
        self.assertEqual(scripts.counts(), {f"m{n}": 1 for n in range(10)}, "nothing that was turned away at the door is there twice")

    def test_who_asks_to_wait_is_waited_for_by_all(self):
        waits = {"seconds": (lambda: "2", 2), "a date": (lambda: scripted.http_date(4), 2), "a date that is over": (lambda: scripted.http_date(-60), 1),
                 "nothing": (lambda: "0", 1), "less than nothing": (lambda: "-5", 1), "a fraction": (lambda: "1.5", 1.5)}
        for code, (name, (value, least)) in enumerate(waits.items()):
            with self.subTest(wait=name):
                scripts, server = self.scripts(lambda key: [])
                daemon = self.webhook(server.url)
                fault = scripted.throttled(value(), name, 503 if code % 2 else 429)
                scripts.plan = lambda key, fault=fault: [fault] if key == "first" else []
                self.say(daemon, "first", "C0")
                wait_for(lambda: scripts.count("first") == 1, "the first was told to wait")
                told = scripts.requests["first"][0].at
                for n in range(5):
                    self.say(daemon, f"m{n}", f"C{n + 1}")
                self.settled(daemon, 6)
                later = [r.at for key, met in scripts.requests.items() for r in met if r.at != told]
                self.assertEqual(len(later), 6)
                self.assertGreater(min(later) - told, least - 0.05, "nobody goes before that")
                got = self.deliveries(daemon)["first"]
                self.assertEqual([t["outcome"] for t in got["tries"]], ["throttle", "ok"])
                self.assertEqual(got["attempts"], 1, "waiting is no attempt")
                daemon.stop()

    def test_credentials_that_were_refused_lose_nothing(self):
        for code in (401, 410):
            with self.subTest(code=code):
                fault = scripted.status(code, "disable")
                refuse = threading.Event()
                refuse.set()
                scripts, server = self.scripts(lambda key: [])
                scripts.take = lambda e: fault.play(e) if refuse.is_set() else well(e)
                daemon = self.webhook(server.url)
                for n in range(20):
                    self.say(daemon, f"m{n}", f"C{n}")
                wait_for(lambda: daemon.api("GET", "/api/destinations")[1]["destinations"][0]["disabled"], "the destination is disabled")
                self.settled(daemon, 20, ("held",))
                asked = sum(scripts.counts().values())
                self.assertLessEqual(asked, 16, "as many as were under way, then no more: some services ban who goes on")
                refuse.clear()
                self.assertEqual(daemon.api("POST", "/api/destinations/there/resume", {})[0], 200)
                self.settled(daemon, 20)
                self.assertEqual(set(self.deliveries(daemon)), {f"m{n}" for n in range(20)})
                daemon.stop()

    # ---- many at once, at random

    CHATS, EACH = 15, 4

    def storm(self, seed, faults, most):
        """What each of many deliveries meets before the service is well: none, or some of these."""
        rng = random.Random(seed)
        return {f"c{c}-{n}": [rng.choice(faults) for _ in range(rng.randint(0, most))] for c in range(self.CHATS) for n in range(self.EACH)}

    def say_all(self, daemon):
        for n in range(self.EACH):
            for c in range(self.CHATS):
                self.say(daemon, f"c{c}-{n}", f"C{c}")

    def assert_in_order(self, scripts):
        """Invariant 4: what comes later in a chat is not applied before what came first was."""
        reached = {}
        for key in scripts.order:
            chat, number = key[1:].split("-")
            self.assertGreaterEqual(int(number), reached.get(chat, 0), f"{key} after a later one: {scripts.order}")
            reached[chat] = int(number)

    SWIFT = UNANSWERED + REFUSED_FOR_NOW

    def test_a_keyed_service_has_everything_once_through_storm_and_kills(self):
        """`ambiguous: hold` is said and does not count: the service knows the key again, so there is nothing to hold."""
        plans = self.storm(1, self.SWIFT + SLOW[:1], 4)
        scripts, server = self.scripts(lambda key: plans[key])
        daemon = self.relay(f"connector: ledger, url: '{server.url}', ambiguous: hold, concurrency: 16, timeout: 1s, {QUICK}", TEXT_WITH,
                            more="connectors: [connectors]\n")
        self.say_all(daemon)
        rng = random.Random(2)
        for _ in range(3):
            time.sleep(rng.uniform(0.1, 0.8))
            daemon.kill()
            daemon.start()
        self.settled(daemon, len(plans))
        keys = {}
        for text in plans:
            keys[text] = {r.headers["idempotency-key"] for r in scripts.requests[text]}
            self.assertEqual(len(keys[text]), 1, f"{text}: one key, so it is there once")
            self.assertGreaterEqual(len(scripts.effects_of(text)), 1, f"{text} is there")
        self.assertEqual(len(set.union(*keys.values())), len(plans), "two deliveries never share a key")
        self.assert_in_order(scripts)
        self.assertEqual(daemon.api("GET", "/api/deliveries?state=held")[1]["deliveries"], [])

    def test_each_step_has_a_key_and_what_is_done_is_not_done_again(self):
        plans = self.storm(3, self.SWIFT, 2)
        writes = self.storm(4, self.SWIFT, 2)
        finished, wrong = set(), []

        def key_of(request):
            text = text_of(request)
            step = "open" if request.path == "/records" else "write"
            if step == "open" and text in finished:
                wrong.append(text)
            return f"{text}/{step}"

        def take(exchange):
            text = text_of(exchange.request)
            if exchange.request.path == "/records":
                finished.add(text)
                return exchange.answer(200, json.dumps({"id": f"r-{text}"}).encode())
            if exchange.request.path != f"/records/r-{text}/entries":
                wrong.append(exchange.request.path)
            well(exchange)
        scripts, server = self.scripts(lambda key: (plans if key.endswith("/open") else writes)[key.split("/")[0]], take, key_of)
        # A fault of the step `open` must not look like its answer: a body is what the next step goes by.
        daemon = self.relay(f"connector: ledger, url: '{server.url}', concurrency: 16, timeout: 1s, {QUICK}", TEXT_WITH, ", action: record",
                            more="connectors: [connectors]\n")
        self.say_all(daemon)
        self.settled(daemon, len(plans))
        self.assertEqual(wrong, [], "a step that ended well is not done again, and what it answered is what the next one is told")
        for text in plans:
            opened, written = scripts.requests[f"{text}/open"], scripts.requests[f"{text}/write"]
            self.assertEqual((len(opened), len(written)), (len(plans[text]) + 1, len(writes[text]) + 1))
            self.assertEqual(len({r.headers["idempotency-key"] for r in opened}), 1)
            self.assertEqual(len({r.headers["idempotency-key"] for r in written}), 1)
            self.assertNotEqual(opened[0].headers["idempotency-key"], written[0].headers["idempotency-key"])
        links = daemon.api("GET", "/api/links?source=livechat&chat=C3")[1]["links"]
        self.assertEqual([(link["key"], link["value"]) for link in links], [("record_id", f"r-c3-{self.EACH - 1}")])

    def test_matrix_has_everything_once(self):
        plans = {f"c{n}-0": faults for n, faults in enumerate(list(self.storm(5, self.SWIFT, 2).values())[:20])}
        events = {}

        def take(exchange):
            transaction = exchange.request.path.rsplit("/", 1)[1]
            event = events.setdefault(transaction, f"$e{len(events)}")
            exchange.answer(200, json.dumps({"event_id": event}).encode())
        scripts, server = self.scripts(lambda key: plans[key], take)
        daemon = self.relay(f"connector: matrix, url: '{server.url}', token: syt_a_token, room: '!r:example.com', ambiguous: hold, timeout: 1s, {QUICK}",
                            TEXT_WITH)
        for n in range(len(plans)):
            self.say(daemon, f"c{n}-0", f"C{n}")
        self.settled(daemon, len(plans))
        paths = {text: {r.path for r in scripts.requests[text]} for text in plans}
        self.assertTrue(all(len(of) == 1 for of in paths.values()), "one transaction for a delivery, at each attempt")
        self.assertEqual(len(set.union(*paths.values())), len(plans))

    SLACK_SAYS_NO = [
        scripted.status(200, "retry", body=b'{"ok":false,"error":"internal_error"}', name="200: internal_error"),
        scripted.status(200, "retry", body=b'{"ok":false,"error":"service_unavailable"}', name="200: service_unavailable"),
    ]
    SLACK_SAYS_PERHAPS = [
        scripted.status(200, "ambiguous", body=b'{"ok":false,"error":"fatal_error"}', name="200: fatal_error", applied=True),
        scripted.status(200, "ambiguous", body=b"<html>Sign in</html>", name="200: a page of a proxy", applied=True),
        scripted.status(200, "ambiguous", body=b"", name="200: nothing", applied=True),
        scripted.status(200, "ambiguous", body=b'{"ok":tru', name="200: JSON that ends", applied=True),
    ]

    def slack(self, plans, more):
        posted = []

        def take(exchange):
            posted.append(exchange.request)
            ts = f"1700000000.{len(posted):06}"
            exchange.answer(200, json.dumps({"ok": True, "channel": "C1", "ts": ts, "message": {"ts": ts}}).encode())
        scripts, server = self.scripts(lambda key: plans[key], take)
        daemon = self.relay(f"connector: slack, base_url: '{server.url}/api', token: xoxb-0123456789, channel: C1, pace: 1000/s, "
                            f"timeout: 1s, {QUICK}{more}", TEXT_WITH)
        return scripts, daemon

    def test_slack_has_no_more_doubles_than_retry_asks_for(self):
        plans = self.storm(6, self.SWIFT + self.SLACK_SAYS_NO + self.SLACK_SAYS_PERHAPS, 3)
        scripts, daemon = self.slack(plans, "")
        self.say_all(daemon)
        self.settled(daemon, len(plans))
        for text, faults in plans.items():
            self.assertEqual(scripts.count(text), len(faults) + 1, "each answer that says no is followed by one request, and yes by none")
            perhaps = sum(fault.applied for fault in faults)
            self.assertEqual(len(scripts.effects_of(text)), 1 + perhaps, "a double for each attempt of which nobody knows")
        self.assert_in_order(scripts)
        tries = {text: [t["outcome"] for t in got["tries"]] for text, got in self.deliveries(daemon).items()}
        # libcurl repeats by itself what a kept connection swallowed without a byte: then two requests are one attempt.
        for text, faults in plans.items():
            wanted = [fault.outcomes[0] for fault in faults] + ["ok"]
            rest = iter(wanted)
            self.assertTrue(all(one in rest for one in tries[text]), f"{tries[text]} of {faults}")

    def test_slack_has_no_doubles_where_they_are_held(self):
        plans = self.storm(7, self.SWIFT + self.SLACK_SAYS_NO + self.SLACK_SAYS_PERHAPS, 3)
        scripts, daemon = self.slack(plans, ", ambiguous: hold")
        self.say_all(daemon)
        held, reached = set(), set()
        for c in range(self.CHATS):
            for n in range(self.EACH):
                text = f"c{c}-{n}"
                reached.add(text)
                if any(fault.applied for fault in plans[text]):
                    held.add(text)  # and what comes after it in its lane waits
                    break
        self.assertGreater(len(held), 3, "the storm is one")
        self.settled(daemon, len(reached), ("delivered", "held"))
        deliveries = wait_for(lambda: len(found := self.deliveries(daemon)) == len(plans) and found, "all are planned, and none is lost")
        for text, got in deliveries.items():
            state = "held" if text in held else "delivered" if text in reached else "pending"
            self.assertEqual(got["state"], state, text)
            self.assertEqual(len(scripts.effects_of(text)), 1 if text in reached else 0, f"{text}: {plans[text]}")
        self.assert_in_order(scripts)


if __name__ == "__main__":
    main()
