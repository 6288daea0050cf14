"""kill -9 of the real daemon under a load of posts, edits and deletes on the endpoints it serves.

Invariant 1: what was answered 200 is there afterwards; what was answered an error is not. Invariant 4: each room's events
leave in the order in which they were done.
"""
import contextlib
import http.client
import os
import random
import threading
import time

from harness import Case, Livechat, main, source_rocketchat, wait_for

ROUNDS = int(os.environ.get("CHATRELAY_CRASH_ROUNDS", "6"))
ROOMS = 8
RULES = """
rules:
  - name: forward
    on: [incoming_event, event_updated, event_deleted]
    deliver:
      - to: hook
        with: {body: {type: "{{ .type }}", chat: "{{ .chat.id }}", id: "{{ .message.id }}", text: "{{ .message.text }}"}}
"""


class Load(threading.Thread):
    """One visitor in one room, who does one thing after another and repeats what got no answer, as a client would."""

    def __init__(self, port, number, seed):
        super().__init__(daemon=True)
        self.client, self.rng, self.number = Livechat(port), random.Random(seed + number), number
        self.stop, self.error = False, None
        self.texts = {}         # id -> text: what must be there at the end
        self.done = []          # (type, id, text or None) in order: the events that must come
        self.refused = set()    # texts that were answered an error
        self.answered = self.repeated = 0
        visitor = self.client.visitor(name=f"visitor {number}")
        self.token, self.rid = visitor["token"], self.client.room(visitor["token"])

    def until_answered(self, method, path, body):
        """(answer, whether an earlier try got none and may have been applied)"""
        unknown = False
        while True:
            try:
                answer = self.client.call(method, path, body, timeout=20)
            except (OSError, http.client.HTTPException):
                unknown = True
                self.repeated += 1
                time.sleep(0.01)
                continue
            if answer.status != 503:
                return answer, unknown
            time.sleep(0.02)  # was said not to be applied: the next try begins anew

    def run(self):
        try:
            n = 0
            while not self.stop:
                n += 1
                self.step(n)
        except BaseException as error:  # shown by the test
            self.error = error

    def step(self, n):
        own = {"token": self.token, "rid": self.rid}
        dice = self.rng.random()
        chosen = self.rng.choice(sorted(self.texts)) if self.texts else None
        if chosen is None or dice < 0.55:
            message, text = f"m{self.number}-{n}", f"text {n}"
            answer, unknown = self.until_answered("POST", "message", {**own, "msg": text, "_id": message})
            # Repeated after no answer: that the id is taken says that the first try is there.
            there = unknown and answer.status == 400 and "Cannot convert" in answer.json["error"]
            self.check(answer.status == 200 or there, answer)
            self.texts[message] = text
            self.done.append(("incoming_event", message, text))
        elif dice < 0.75:
            text = f"edited {n}"
            answer, _ = self.until_answered("PUT", f"message/{chosen}", {**own, "msg": text})
            self.check(answer.status == 200, answer)
            self.texts[chosen] = text
            self.done.append(("event_updated", chosen, text))
        elif dice < 0.9:
            answer, unknown = self.until_answered("DELETE", f"message/{chosen}", own)
            there = unknown and answer.status == 400 and answer.json["error"] == "invalid-message"
            self.check(answer.status == 200 or there, answer)
            del self.texts[chosen]
            self.done.append(("event_deleted", chosen, None))
        else:
            text = f"refused {self.number} {n}"
            method, path, body = self.rng.choice([
                ("POST", "message", {"token": self.token, "rid": "nowhere", "msg": text, "_id": f"r{self.number}-{n}"}),
                ("POST", "message", {**own, "msg": text, "_id": chosen}),
                ("PUT", f"message/r{self.number}-{n}", {**own, "msg": text}),
                ("PUT", f"message/{chosen}", {**own, "msg": text, "extra": 1})])
            answer, _ = self.until_answered(method, path, body)
            self.check(answer.status == 400, answer)
            self.refused.add(text)
        self.answered += 1

    def check(self, good, answer):
        if not good:
            raise AssertionError(f"visitor {self.number} was answered {answer}")


class Crash(Case):
    def test_the_endpoints_keep_what_they_answered_after_any_number_of_kills(self):
        sink = self.sink()
        config = source_rocketchat() + (f"destinations:\n  hook: {{connector: webhook, url: '{sink.url}', allow_private: true, "
                                        "retry: {first: 50ms, max: 200ms}}\n")
        daemon = self.daemon(config, RULES)
        seed = int(os.environ.get("CHATRELAY_SEED", "11"))
        print(f"seed {seed}")
        loads = [Load(lambda: daemon.public, number, seed) for number in range(ROOMS)]
        for load in loads:
            load.start()
        rng = random.Random(seed)
        for _ in range(ROUNDS):
            time.sleep(rng.uniform(0.05, 1.2))
            daemon.kill()
            daemon.start()
        time.sleep(0.5)
        for load in loads:
            load.stop = True
        for load in loads:
            load.join(60)
            self.assertFalse(load.is_alive())
            self.assertIsNone(load.error, load.error)
        answered = sum(load.answered for load in loads)
        self.assertGreater(answered, 50, "the load did nothing")
        self.assertGreater(sum(len(load.refused) for load in loads), 0)
        daemon.kill()  # once more, with everything answered: nothing may wait in memory
        daemon.start()
        client = Livechat(daemon.public)
        for load in loads:
            self.assertEqual(self.everything(client, load), load.texts, f"room of visitor {load.number}")

        def complete():
            orders = self.orders(sink)
            return all(orders.get(load.rid) == load.done for load in loads)
        with contextlib.suppress(AssertionError):  # what is wrong is said below
            wait_for(complete, "every event is delivered, in order", 90)
        orders = self.orders(sink)
        for load in loads:
            events = orders.pop(load.rid, [])
            self.assertEqual(events, load.done, f"events of the room of visitor {load.number}, in order")
            self.assertFalse({text for _, _, text in events} & load.refused, "what was refused left no event")
        self.assertEqual(orders, {}, "events of rooms that nobody opened")
        wanted = sum(len(load.done) for load in loads)
        print(f"{ROUNDS} kills, {answered} calls answered, {sum(load.repeated for load in loads)} repeated, {wanted} events in order")
        self.assertEqual(daemon.stop(), 0)

    def orders(self, sink):
        """Of each room, what was delivered: (type, id, text), in order. What a kill made the daemon send twice counts once."""
        seen, orders = set(), {}
        for got in sink.all():
            if got.id in seen:
                continue
            seen.add(got.id)
            body = got.json()
            event = (body["type"], body["id"], None if body["type"] == "event_deleted" else body["text"])
            order = orders.setdefault(body["chat"], [])
            # An edit that got no answer and was repeated may have been done twice: two events with the same text.
            if not order or order[-1] != event or event[0] != "event_updated":
                order.append(event)
        return orders

    def everything(self, client, load):
        found = []
        while True:
            page = client.history(load.token, load.rid, limit=200, offset=len(found))
            if not page:
                return {m["_id"]: m["msg"] for m in found if "t" not in m}
            found += page


if __name__ == "__main__":
    main()
