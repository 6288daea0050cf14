"""Live Helper Chat's webhooks: bodies are whatever an administrator typed, and whatever is answered is shown to the visitor."""
import http.client
import json

from harness import Case, main, wait_for

SECRET = "lhc-secret-0123456789"
CONFIG = """sources:
  by_path:   {system: livehelperchat, secrets: ["%(s)s"], secret_in: path}
  by_query:  {system: livehelperchat, secrets: ["%(s)s"], secret_in: "query:key"}
  by_header: {system: livehelperchat, secrets: ["%(s)s"], secret_in: "header:X-Key"}
  by_token:  {system: livehelperchat, secrets: ["%(s)s"], secret_in: "header:Authorization", template: n8n}
  ours:      {system: livehelperchat, secrets: ["%(s)s"], secret_in: path, own: {names: [chatrelay], user_ids: [99]}}
  n8n:       {system: livehelperchat, secrets: ["%(s)s"], secret_in: path, template: n8n}
destinations:
  archive: {kind: file, path: archive.jsonl}
""" % {"s": SECRET}
RULES = """rules:
  - name: everything is kept
    on: "*"
    deliver: [{to: archive}]
"""
HASH = "4f52728f48b0c192d22f8fe7b7c4be4bab9ae430"
CHAT = {"id": 5388, "nick": "Visitor name", "status": 1, "time": 1760000000, "user_id": 7, "hash": HASH, "ip": "192.0.2.10", "dep_id": 5,
        "email": "visitor@example.com", "user_status": 0}
MESSAGE = {"id": 90212, "time": 1760000007, "chat_id": 5388, "user_id": 0, "name_support": "", "msg": "hello there", "meta_msg": "", "del_st": 0}


class Hooks(Case):
    def setUp(self):
        self.relay = self.daemon(CONFIG, RULES)

    def send(self, path, body, kind="application/json", headers=None, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.relay.public, timeout=20)
        connection.request(method, path, body.encode() if isinstance(body, str) else json.dumps(body).encode(),
                           {"Content-Type": kind, "User-Agent": "curl/7.29.0", **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.assertEqual(text, b"", f"{answer.status}: Live Helper Chat would show this to the visitor")
        return answer.status

    def events(self):
        archive = self.relay.directory / "archive.jsonl"
        return [json.loads(line) for line in archive.read_text().splitlines()] if archive.exists() else []

    def arrived(self, count):
        return wait_for(lambda: len(self.events()) >= count and self.events(), f"{count} events")

    def test_every_answer_is_empty_and_a_wrong_secret_is_refused(self):
        good = {"event": "chat.addmsguser", "chat": CHAT, "msg": MESSAGE}
        self.assertEqual(self.send(f"/hooks/by_path/{SECRET}", good), 200)
        for path, headers in (("/hooks/by_path", {}), ("/hooks/by_path/wrong", {}), ("/hooks/by_query?key=wrong", {}), ("/hooks/by_query", {}),
                              ("/hooks/by_header", {"X-Key": "wrong"}), ("/hooks/by_header", {}), (f"/hooks/by_header/{SECRET}", {"X-Key": "wrong"})):
            self.assertIn(self.send(path, good, headers=headers), (401, 403, 404), path)
        self.assertEqual(self.send(f"/hooks/by_query?key={SECRET}", good), 200)
        self.assertEqual(self.send("/hooks/by_header", good, headers={"X-Key": SECRET}), 200)
        self.assertNotEqual(self.send(f"/hooks/by_path/{SECRET}", "x" * 2_000_000), 200)
        self.assertEqual({e["source"] for e in self.arrived(3)}, {"by_path", "by_query", "by_header"})
        self.assertNotIn(SECRET, self.relay.log_text())

    def test_no_refusal_has_words(self):
        good = {"event": "chat.addmsguser", "chat": CHAT, "msg": MESSAGE}
        path = f"/hooks/by_path/{SECRET}"
        self.assertEqual(self.send(f"/hooks/no_such_source/{SECRET}", good), 404)
        self.assertEqual(self.send(path + "/more", good), 404)
        self.assertEqual(self.send("/hooks/by_path%zz", good), 404)
        self.assertEqual(self.send(path, "x" * 2_000_000), 413)
        self.assertEqual(self.send(path, "", headers={"X-Long": "x" * 60_000}), 431)
        self.assertEqual(self.send(path, "", headers={"Expect": "200-ok"}), 417)
        for method in ("GET", "PATCH", "OPTIONS"):
            self.assertEqual(self.send(path, "", method=method), 405, method)

    def test_it_comes_as_an_administrator_over_there_chose(self):
        token = {"Authorization": "Bearer " + SECRET}
        for n, method in enumerate(("POST", "PUT", "DELETE")):
            self.assertEqual(self.send("/hooks/by_token", {"text": f"by {method}", "chat_id": n + 1}, headers=token, method=method), 200)
        self.assertEqual(self.send("/hooks/by_token", {"text": "a stranger", "chat_id": 9}, headers={"Authorization": "Bearer tok"}, method="PUT"), 401)
        self.assertEqual(sorted((e["chat"]["id"], e["message"]["text"]) for e in self.arrived(3)), [("1", "by POST"), ("2", "by PUT"), ("3", "by DELETE")])

    def test_a_message_becomes_an_event_without_the_hash(self):
        self.send(f"/hooks/by_path/{SECRET}", {"event": "chat.addmsguser", "chat": CHAT, "msg": MESSAGE})
        event = self.arrived(1)[0]
        self.assertEqual(event["type"], "incoming_event")
        self.assertEqual((event["chat"]["id"], event["visitor"]["name"], event["visitor"]["email"]), ("5388", "Visitor name", "visitor@example.com"))
        self.assertEqual((event["message"]["id"], event["message"]["text"], event["message"]["author"]["role"]), ("90212", "hello there", "visitor"))
        self.assertNotIn(HASH, json.dumps(event), "the hash opens the chat to whoever has it")

    def test_system_messages_and_whispers_are_for_agents(self):
        for n, (user, meta, role) in enumerate(((7, "", "agent"), (-2, "", "bot"), (-1, "", "system"), (7, '{"content":{"whisper":true}}', "agent"))):
            message = {**MESSAGE, "id": 100 + n, "user_id": user, "meta_msg": meta, "msg": f"message {n}"}
            self.send(f"/hooks/by_path/{SECRET}", {"event": "chat.web_add_msg_admin", "chat": CHAT, "msg": message})
        events = sorted(self.arrived(4), key=lambda e: e["message"]["text"])
        self.assertEqual([(e["message"]["author"]["role"], e["message"]["audience"]) for e in events],
                         [("agent", "all"), ("bot", "all"), ("system", "agents"), ("agent", "agents")])

    def test_what_its_templates_become_is_read_or_kept(self):
        path = f"/hooks/n8n/{SECRET}"
        self.send(path, '{"text": "hi", "chat_id": 5388}', "application/x-www-form-urlencoded")
        self.send(path, '{"text": , "chat_id": 5388}')
        self.send(path, '{"text": "hi", "x": {{nosuchvar}}}')
        events = self.arrived(3)
        read = [e for e in events if e["type"] != "invalid_payload"]
        self.assertEqual([(e["chat"]["id"], e["message"]["text"]) for e in read], [("5388", "hi")])
        self.assertEqual(sorted(e["raw"] for e in events if e["type"] == "invalid_payload"),
                         ['{"text": "hi", "x": {{nosuchvar}}}', '{"text": , "chat_id": 5388}'])

    def test_own_messages_that_come_back_are_dropped(self):
        path = f"/hooks/ours/{SECRET}"
        for n, change in enumerate(({"user_id": 99}, {"user_id": 7, "name_support": "chatrelay"}, {"user_id": 0, "name_support": "chatrelay"}, {"user_id": 7})):
            message = {**MESSAGE, "id": 200 + n, "msg": f"message {n}", **change}
            self.assertEqual(self.send(path, {"event": "chat.web_add_msg_admin", "chat": CHAT, "msg": message}), 200)
        self.assertEqual([e["message"]["text"] for e in self.arrived(2)], ["message 2", "message 3"], "a visitor may call himself what he likes")

    def test_what_is_written_under_our_name_is_dropped_without_a_word_of_configuration(self):
        for n, name in enumerate(("chatrelay", "Jo")):
            message = {**MESSAGE, "id": 300 + n, "user_id": 7, "name_support": name, "msg": f"from {name}"}
            self.assertEqual(self.send(f"/hooks/by_path/{SECRET}", {"event": "chat.web_add_msg_admin", "chat": CHAT, "msg": message}), 200)
        self.assertEqual([e["message"]["text"] for e in self.arrived(1)], ["from Jo"])

    def test_the_same_message_told_for_several_events_is_one(self):
        body = {"event": "chat.web_add_msg_admin", "chat": CHAT, "msg": {**MESSAGE, "user_id": 7}}
        for _ in range(3):
            self.assertEqual(self.send(f"/hooks/by_path/{SECRET}", body), 200)
        self.send(f"/hooks/by_path/{SECRET}", {**body, "msg": {**MESSAGE, "id": 90213, "user_id": 7, "msg": "another"}})
        self.assertEqual(sorted(e["message"]["text"] for e in self.arrived(2)), ["another", "hello there"])


if __name__ == "__main__":
    main()
