"""kill -9 of the real daemon under load, again and again, at random moments.

Invariant 1: every webhook that got a 200 is delivered. Invariant 4: order in each lane holds.
Invariant 5: the same delivery repeats only with the same idempotency key.
"""
import http.client
import os
import random
import threading
import time

from harness import Case, livechat_event, main, source_livechat, wait_for

ROUNDS = int(os.environ.get("CHATRELAY_CRASH_ROUNDS", "6"))
CHATS = 12
RULES = """
rules:
  - name: forward
    on: incoming_event
    deliver:
      - to: hook
        with: {body: {chat: "{{ .chat.id }}", event: "{{ .message.id }}", n: "{{ .message.text | tonumber }}"}}
"""


class Load(threading.Thread):
    """Posts numbered messages of one chat, one after another; a number is taken only when the one before was answered 200."""

    def __init__(self, chat, port):
        super().__init__(daemon=True)
        self.chat, self.port, self.stop = chat, port, False
        self.answered, self.next, self.refused = [], 1, 0

    def run(self):
        while not self.stop:
            connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=10)
            try:
                while not self.stop:
                    body = livechat_event(chat=self.chat, thread=f"T{self.chat}", event=f"{self.chat}_{self.next}", text=str(self.next))
                    connection.request("POST", "/hooks/livechat", body.encode(), {"content-type": "application/json"})
                    response = connection.getresponse()
                    response.read()
                    if response.status == 200:
                        self.answered.append(self.next)
                        self.next += 1
                    else:
                        self.refused += 1
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # the daemon is being started again: as a sender would, try again
            finally:
                connection.close()


class Crash(Case):
    def test_what_got_a_200_is_delivered_in_order_after_any_number_of_kills(self):
        sink = self.sink()
        config = source_livechat() + f"destinations:\n  hook: {{connector: webhook, url: '{sink.url}', allow_private: true, retry: {{first: 50ms, max: 200ms}}}}\n"
        daemon = self.daemon(config, RULES)
        loads = [Load(f"C{i}", lambda: daemon.public) for i in range(CHATS)]
        for load in loads:
            load.start()
        rng = random.Random(7)
        for _ in range(ROUNDS):
            time.sleep(rng.uniform(0.05, 1.2))
            daemon.kill()
            daemon.start()
        time.sleep(0.5)
        for load in loads:
            load.stop = True
        for load in loads:
            load.join(20)
        wanted = {(load.chat, n) for load in loads for n in load.answered}
        self.assertGreater(len(wanted), 50, "the load did nothing")

        def delivered():
            return {(b["chat"], b["n"]) for b in (r.json() for r in sink.all())}
        wait_for(lambda: wanted <= delivered(), "every answered webhook is delivered", 90)

        keys, order, doubles = {}, {}, 0
        for got in sink.all():
            body = got.json()
            key = (body["chat"], body["n"])
            if key in keys:
                self.assertEqual(keys[key], got.id, "a repeat carries the same idempotency key")
                doubles += 1
            else:
                keys[key] = got.id
                order.setdefault(body["chat"], []).append(body["n"])
        self.assertEqual(len(set(keys.values())), len(keys), "two deliveries never share a key")
        for chat, numbers in order.items():
            self.assertEqual(numbers, sorted(numbers), f"order in the lane of {chat}")
        print(f"{ROUNDS} kills, {len(wanted)} webhooks answered 200, {len(keys)} delivered, {doubles} repeated with the same key")
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    main()
