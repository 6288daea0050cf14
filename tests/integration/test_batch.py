"""Deliveries that leave together. Whatever becomes of a request of several: none of them is lost, none is stored twice under another id, each
lane keeps its order, and one that cannot be taken takes nobody else with it."""
import json
import random
import threading

from harness import Case, livechat_event, main, source_livechat, wait_for

MAX = 10
REGISTER = """connector: register
version: 1
about: Stores entries under their ids, one or several at a time
settings:
  url: {type: url, required: true}
base_url: "{{ .settings.url | raw }}"
actions:
  entry:
    with: {text: {required: true}}
    idempotency: {body: true}
    request: {url: /entries, body: &entry {id: "{{ .delivery.id }}", text: "{{ .with.text }}"}}
    batch:
      max: 10
      wait: 300ms
      url: /entries/batch
      body: {entries: "{{ .items }}"}
      item: *entry
      outcome:
        - {status: 207, class: partial}
      results: .results
      match: {item: .id, result: .id}
      ok: .stored
      class: retry
      reason: "{{ .why }}"
tests:
  - name: an entry
    settings: {url: "https://register.example"}
    with: {text: hi}
    expect_request: {url: "https://register.example/entries", body: {id: 01JCZ0000000000000000TEST0, text: hi}}
    expect_class: ok
  - name: two entries
    settings: {url: "https://register.example"}
    batch: [{with: {text: a}}, {with: {text: b}}]
    expect_request:
      url: https://register.example/entries/batch
      body: {entries: [{id: 01JCZ0000000000000000TEST0, text: a}, {id: 01JCZ0000000000000000TEST1, text: b}]}
    reply: {status: 207, body: {results: [{id: 01JCZ0000000000000000TEST1, stored: false, why: full}, {id: 01JCZ0000000000000000TEST0, stored: true}]}}
    expect_each: [{class: ok}, {class: retry, reason: full}]
"""
RULES = """rules:
  - name: forward
    on: incoming_event
    deliver: [{to: there, with: {text: "{{ .message.text }}"}}]
"""


class Register:
    """The service. `fate(entries)` says what becomes of a request: "well", "500", "unanswered" (it is stored all the same), "partial" (every
    second entry is not stored). A text with "poison" is refused, and the whole request with it."""

    def __init__(self, fate=lambda entries: "well"):
        self.fate, self.lock = fate, threading.Lock()
        self.stored, self.order, self.requests, self.fates = {}, [], [], []

    def store(self, entries):
        for entry in entries:
            if entry["id"] not in self.stored:
                self.order.append(entry["text"])
            self.stored[entry["id"]] = entry["text"]

    def __call__(self, got):
        entries = got.json()["entries"] if got.path.endswith("/batch") else [got.json()]
        with self.lock:
            fate = "400" if any("poison" in entry["text"] for entry in entries) else self.fate(entries)
            self.requests.append(entries)
            self.fates.append(fate)
            if fate in ("400", "500"):
                return int(fate), {}, b"{}"
            if fate == "partial" and len(entries) > 1:
                self.store(entries[::2])
                results = [{"id": e["id"], "stored": n % 2 == 0, "why": "full"} for n, e in enumerate(entries)]
                random.shuffle(results)
                return 207, {"content-type": "application/json"}, json.dumps({"results": results}).encode()
            self.store(entries)
            return None if fate == "unanswered" else (200, {}, b"{}")

    def texts(self):
        with self.lock:
            return list(self.order)


class Batches(Case):
    def relay(self, register, more=""):
        sink = self.sink(register)
        daemon = self.daemon(
            f"connectors: [connectors]\n{source_livechat()}destinations:\n"
            f"  there: {{connector: register, url: '{sink.url[:-3]}', retry: {{first: 50ms, max: 200ms}}, circuit: {{failures: 1000000}}, "
            f"allow_private: true, timeout: 5s{more}}}\n", RULES, start=False)
        folder = daemon.directory / "connectors"
        folder.mkdir()
        (folder / "register.yaml").write_text(REGISTER)
        return daemon.start()

    def say(self, daemon, chat, text):
        body = livechat_event(chat=f"C{chat}", thread=f"T{chat}", event=f"E{text}".replace(" ", "_"), text=text)
        self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)

    def say_all(self, daemon, chats, messages):
        texts = [[f"c{chat} m{n}" for n in range(messages)] for chat in range(chats)]
        for n in range(messages):
            for chat in range(chats):
                self.say(daemon, chat, texts[chat][n])
        return texts

    def settled(self, daemon, count, state="delivered"):
        def over():
            return len(daemon.api("GET", f"/api/deliveries?limit=500&state={state}")[1]["deliveries"]) == count
        wait_for(over, f"{count} deliveries are {state}", 90)

    def assert_stored_once_and_in_order(self, register, texts):
        stored = register.texts()
        self.assertEqual(sorted(stored), sorted(text for of_chat in texts for text in of_chat))
        for chat, of_chat in enumerate(texts):
            self.assertEqual([t for t in stored if t.startswith(f"c{chat} ")], of_chat)

    def assert_well_made(self, register):
        for entries in register.requests:
            chats = [entry["text"].split()[0] for entry in entries]
            self.assertEqual(len(set(chats)), len(chats), "of a lane there is one at most")
            self.assertLessEqual(len(entries), MAX)

    def test_they_leave_together(self):
        register = Register()
        daemon = self.relay(register)
        texts = self.say_all(daemon, 20, 3)
        self.settled(daemon, 60)
        self.assert_stored_once_and_in_order(register, texts)
        self.assert_well_made(register)
        self.assertLess(len(register.requests), 40)
        self.assertTrue(any(len(entries) == MAX for entries in register.requests))

    def test_faults_lose_and_double_nothing(self):
        chance = random.Random(7)
        register = Register(lambda entries: chance.choice(["well", "500", "unanswered", "partial"]))
        daemon = self.relay(register)
        texts = self.say_all(daemon, 20, 4)
        self.settled(daemon, 80)
        self.assert_stored_once_and_in_order(register, texts)
        self.assert_well_made(register)
        self.assertGreater(len([f for f in register.fates if f != "well"]), 3, "something went wrong at all")
        requests = [[entry["id"] for entry in entries] for entries in register.requests]
        for n, (ids, fate) in enumerate(zip(requests, register.fates)):
            if fate in ("500", "unanswered") and len(ids) > 1:
                self.assertIn(ids, requests[n + 1:], "a request that failed is made again as it was")

    def test_what_cannot_be_taken_takes_nobody_with_it(self):
        register = Register()
        daemon = self.relay(register)
        for chat in range(9):
            self.say(daemon, chat, f"c{chat} fine")
        self.say(daemon, 9, "c9 poison")
        self.settled(daemon, 9)
        self.settled(daemon, 1, "dead")
        self.assertEqual(sorted(register.texts()), [f"c{chat} fine" for chat in range(9)])
        dead = daemon.api("GET", "/api/deliveries?limit=10&state=dead")[1]["deliveries"][0]
        tries = daemon.api("GET", f"/api/deliveries/{dead['id']}")[1]["tries"]
        self.assertEqual([t["outcome"] for t in tries][-1], "reject")

    def test_a_kill_in_the_middle_loses_nothing(self):
        chance = random.Random(11)
        register = Register(lambda entries: chance.choice(["well", "500", "unanswered", "partial"]))
        daemon = self.relay(register)
        texts = self.say_all(daemon, 20, 2)
        wait_for(lambda: len(register.texts()) >= 8, "some are stored", 30)
        daemon.kill()
        daemon.start()
        self.settled(daemon, 40)
        self.assert_stored_once_and_in_order(register, texts)
        self.assert_well_made(register)

    def test_a_rate_counts_requests(self):
        register = Register()
        daemon = self.relay(register, ", rate: 1/s")
        texts = self.say_all(daemon, 30, 1)
        self.settled(daemon, 30)
        self.assert_stored_once_and_in_order(register, texts)
        self.assertLessEqual(len(register.requests), 10, "one by one they would take half a minute")


if __name__ == "__main__":
    main()
