"""The main way: a LiveChat webhook is on disk before its 200 and arrives over HTTP, in a mailbox and in a file."""
import email
import email.policy
import http.client
import json
import socket

from harness import SECRET, Case, livechat_chat, livechat_event, main, source_livechat, wait_for

RULES = """
rules:
  - name: everything to the hook
    on: "*"
    deliver:
      - to: hook
  - name: chats to the mailbox
    on: [incoming_chat, incoming_event]
    deliver:
      - to: mailbox
        with:
          subject: "Chat with {{ .visitor.name }}"
          reply_to: "{{ .visitor.email }}"
          text: "{{ .message.author.name }}: {{ .message.text }}"
  - name: archive
    on: "*"
    deliver: [{to: archive}]
"""


def config(hook_url, directory="."):
    return source_livechat() + f"""
destinations:
  hook: {{connector: webhook, url: "{hook_url}", sign: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", allow_private: true}}
  mailbox: {{kind: email, smtp: "maildir:mail", from: "chat@example.com", to: ["support@example.com"]}}
  archive: {{kind: file, path: archive.jsonl}}
"""


class Spine(Case):
    def test_a_chat_arrives_at_all_three(self):
        sink = self.sink()
        daemon = self.daemon(config(sink.url), RULES)
        self.assertEqual(daemon.post("/hooks/livechat", livechat_chat())[0], 200)
        self.assertEqual(daemon.post("/hooks/livechat", livechat_event(event="K600PKZON8_2", text="Are you\n.\nthere?"))[0], 200)
        wait_for(lambda: sink.count() == 2, "two deliveries at the hook")
        first, second = sink.all()
        self.assertEqual(first.json()["type"], "incoming_chat")
        self.assertEqual(second.json()["type"], "incoming_event")
        self.assertEqual(second.json()["visitor"]["email"], "t.anderson@example.com", "completed from the earlier event")
        self.assertNotIn(SECRET.encode(), first.body + second.body)
        self.assertTrue(second.headers["webhook-signature"].startswith("v1,"))
        new = daemon.directory / "mail" / "new"
        mails = wait_for(lambda: new.exists() and len(list(new.iterdir())) == 2 and list(new.iterdir()), "two mails")
        parsed = [email.message_from_bytes(m.read_bytes(), policy=email.policy.default) for m in mails]
        texts = sorted(m.get_body().get_content().replace("\r\n", "\n").strip() for m in parsed)
        self.assertEqual(texts, ["Thomas Anderson: Are you\n.\nthere?", "Thomas Anderson: Hello there"])
        self.assertEqual({m["subject"] for m in parsed}, {"Chat with Thomas Anderson"})
        self.assertEqual({m["reply-to"] for m in parsed}, {"t.anderson@example.com"})
        self.assertEqual({m["from"] for m in parsed}, {"chat@example.com"})
        archive = daemon.directory / "archive.jsonl"
        lines = wait_for(lambda: archive.exists() and archive.read_text().count("\n") == 2 and archive.read_text().splitlines(), "two lines")
        self.assertEqual([json.loads(line)["type"] for line in lines], ["incoming_chat", "incoming_event"])
        self.assertNotIn(SECRET.encode(), b"".join(p.read_bytes() for p in daemon.directory.glob("chatrelay.db*")))
        self.assertNotIn(SECRET, daemon.log_text())

    def test_a_duplicate_gets_200_and_is_delivered_once(self):
        sink = self.sink()
        daemon = self.daemon(config(sink.url), RULES)
        body = livechat_event()
        for _ in range(3):
            self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)
        daemon.post("/hooks/livechat", livechat_event(event="E2"))
        wait_for(lambda: sink.count() >= 2, "two deliveries")
        self.assertEqual(len({r.json()["message"]["id"] for r in sink.all()}), 2)
        self.assertIn('chatrelay_duplicates_total{source="livechat"} 2', daemon.metrics())

    def test_every_refusal_has_its_status(self):
        sink = self.sink()
        daemon = self.daemon(config(sink.url) + "limits: {body: 4KiB}\n", RULES)
        self.assertEqual(daemon.post("/hooks/livechat", livechat_event(secret="wrong"))[0], 401)
        self.assertEqual(daemon.post("/hooks/livechat", '{"action": ')[0], 400)
        self.assertEqual(daemon.post("/hooks/nobody", livechat_event())[0], 404)
        self.assertEqual(daemon.post("/elsewhere", "{}")[0], 404)
        self.assertEqual(daemon.post("/hooks/livechat", livechat_event(text="x" * 8000))[0], 413)
        connection = http.client.HTTPConnection("127.0.0.1", daemon.public, timeout=20)
        connection.request("GET", "/hooks/livechat")
        response = connection.getresponse()
        self.assertEqual((response.status, response.getheader("allow")), (405, "POST"))
        connection.close()
        self.assertEqual(sink.count(), 0)

    def test_what_is_authentic_is_kept_however_strange(self):
        sink = self.sink()
        daemon = self.daemon(config(sink.url), RULES)
        strange = [
            livechat_event(event="S1", text="lone \ud800 surrogate").encode(),
            livechat_event(event="S2", text="MARK").encode().replace(b"MARK", b"\xff\xfe\x80"),
            json.dumps({"secret_key": SECRET, "action": "thread_eaten", "payload": {"chat_id": "C9"}}).encode(),
            b'{"secret_key": "' + SECRET.encode() + b'", "action": "incoming_event", "payload": ' + b"[" * 500 + b"]" * 500 + b"}",
            json.dumps({"secret_key": SECRET, "action": 7, "payload": "text"}).encode(),
        ]
        for body in strange:
            self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)
        wait_for(lambda: sink.count() == len(strange), "all of them delivered")
        types = {r.json()["type"] for r in sink.all()}
        self.assertIn("thread_eaten", types)
        self.assertIn("invalid_payload", types)
        self.assertNotIn(SECRET.encode(), b"".join(r.body for r in sink.all()))

    def test_a_slow_sender_and_too_many_headers_are_cut_off(self):
        daemon = self.daemon(config("http://127.0.0.1:9/"), RULES)
        with socket.create_connection(("127.0.0.1", daemon.public), timeout=20) as s:
            s.sendall(b"POST /hooks/livechat HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(300)) + b"\r\n")
            self.assertIn(s.recv(100).split(b" ")[1], (b"431", b"400"))
        self.assertEqual(daemon.post("/hooks/livechat", livechat_event())[0], 200)

    def test_dead_letter_is_shown_retried_and_arrives(self):
        broken = [True]
        sink = self.sink(lambda r: (422, {}, b"no") if broken[0] else (200, {}, b""))
        daemon = self.daemon(config(sink.url), RULES)
        daemon.post("/hooks/livechat", livechat_event())
        dead = wait_for(lambda: [d for d in self._deliveries(daemon, "dead")], "a dead letter")
        self.assertEqual(dead[0]["destination"], "hook")
        self.assertIn("422", dead[0]["reason"])
        broken[0] = False
        daemon.cli("deliveries", "retry", dead[0]["id"])
        wait_for(lambda: not self._deliveries(daemon, "dead"), "the dead letter is gone")
        ids = {r.id for r in sink.all()}
        self.assertEqual(ids, {dead[0]["id"]}, "a retry keeps its idempotency key")

    def _deliveries(self, daemon, state):
        listing = daemon.cli_json("deliveries", "list", "--state", state)
        return listing["deliveries"] if isinstance(listing, dict) else listing

    def test_a_rule_that_fails_is_recorded_and_the_others_go_on(self):
        sink = self.sink()
        rules = """
rules:
  - name: broken on text
    on: incoming_event
    when: (.message.text | tonumber) > 3
    deliver: [{to: hook}]
  - name: never ends
    on: incoming_event
    when: last(repeat(1)) == 2
    deliver: [{to: hook}]
  - name: good
    on: incoming_event
    deliver: [{to: hook, with: {body: {text: "{{ .message.text }}"}}}]
"""
        daemon = self.daemon(config(sink.url), rules)
        daemon.post("/hooks/livechat", livechat_event())
        wait_for(lambda: sink.count() == 1, "the good rule delivered")
        self.assertEqual(sink.all()[0].json(), {"text": "hello there"})
        metrics = wait_for(lambda: "never ends" in daemon.metrics() and daemon.metrics(), "the failures are counted")
        self.assertIn('chatrelay_rule_failures_total{rule="broken on text"} 1', metrics)
        self.assertIn('chatrelay_rule_failures_total{rule="never ends"} 1', metrics)


if __name__ == "__main__":
    main()
