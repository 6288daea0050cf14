"""What visitors do becomes events that leave through rules, and rules speak to visitors."""
import email
import email.policy
import http.client
import json
import threading
import time

from harness import SOURCE_DIR, Case, Livechat, livechat_event, main, source_livechat, source_rocketchat, wait_for

ARCHIVE = "  archive: {kind: file, path: archive.jsonl}\n"
KEEP = "rules:\n  - name: everything is kept\n    on: \"*\"\n    deliver: [{to: archive}]\n"
FORM = {"name": "Ann Ro", "email": "ann@example.com", "message": "Do you ship to Malta?"}


def archived(daemon):
    path = daemon.directory / "archive.jsonl"
    return [json.loads(line) for line in path.read_text().split("\n") if line] if path.exists() else []


class Events(Case):
    def test_each_action_is_one_event_with_its_fields(self):
        daemon = self.daemon(source_rocketchat() + "destinations:\n" + ARCHIVE, KEEP)
        client = Livechat(daemon.public)
        visitor = client.visitor(name="Ann", email="ann@example.com", phone="123")
        token = visitor["token"]
        rid = client.room(token)
        client.room(token)  # the same again is no event
        first = client.say(token, rid, "hello")
        own = client.say(token, rid, "typo", _id="mine-1")
        client.ok("PUT", "message/mine-1", {"token": token, "rid": rid, "msg": "type"})
        client.ok("DELETE", f"message/{first['_id']}", {"token": token, "rid": rid})
        client.ok("POST", "page.visited", {"token": token, "rid": rid, "pageInfo": {
            "title": "Cart", "change": "url", "location": {"href": "https://shop.example/cart"}}})
        client.ok("POST", "room.survey", {"token": token, "rid": rid, "data": [
            {"name": "satisfaction", "value": "4"}, {"name": "additionalFeedback", "value": "quick"}]})
        client.close_room(token, rid)
        client.ok("POST", "offline.message", {**FORM, "department": "sales", "host": "https://shop.example"})
        wanted = ["visitor_updated", "incoming_chat", "incoming_event", "incoming_event", "event_updated", "event_deleted", "visitor_activity",
                  "chat_rated", "chat_deactivated", "offline_message"]
        refusals = [client.call("POST", "message", {"token": token, "rid": rid, "msg": "closed"}),
                    client.call("POST", "message", {"token": token, "rid": "x", "msg": "x"}),
                    client.call("PUT", "message/none", {"token": token, "rid": rid, "msg": "x"}),
                    client.call("DELETE", "message/none", {"token": token, "rid": rid}),
                    client.call("POST", "room.close", {"token": token, "rid": rid})]
        self.assertEqual([r.status for r in refusals], [400] * 5)
        client.visitor(name="last")  # behind it nothing more comes: what was refused left no event
        wait_for(lambda: len(archived(daemon)) >= len(wanted) + 1, f"{len(wanted) + 1} lines, there are {archived(daemon)}")
        events = archived(daemon)
        self.assertEqual(sorted(e["type"] for e in events), sorted(wanted + ["visitor_updated"]))
        in_chat = [e for e in events if e["chat"] and e["chat"]["id"] == rid]
        self.assertEqual([e["type"] for e in in_chat if e["type"] in wanted[1:6] + ["chat_deactivated"]], wanted[1:6] + ["chat_deactivated"],
                         "a chat's events keep their order")
        for event in events:
            self.assertEqual((event["source"], event["system"]), ("site", "rocketchat"))
            self.assertNotIn(token, json.dumps(event))
        for event in in_chat:
            self.assertEqual((event["chat"]["thread_id"], event["visitor"]["id"], event["visitor"]["name"], event["visitor"]["email"]),
                             (None, visitor["_id"], "Ann", "ann@example.com"))
        by_type = {}
        for event in events:
            by_type.setdefault(event["type"], []).append(event)

        def only(kind):
            self.assertEqual(len(by_type[kind]), 1, kind)
            return by_type[kind][0]
        said = {e["message"]["id"]: e["message"] for e in by_type["incoming_event"]}
        self.assertEqual({i: m["text"] for i, m in said.items()}, {first["_id"]: "hello", own["_id"]: "typo"})
        for message in said.values():
            self.assertEqual((message["author"]["role"], message["author"]["id"], message["audience"]), ("visitor", visitor["_id"], "all"))
        changed = only("event_updated")["message"]
        self.assertEqual((changed["id"], changed["text"]), ("mine-1", "type"))
        self.assertIsNotNone(changed["edited_at"])
        self.assertEqual(only("event_deleted")["message"]["id"], first["_id"])
        rating = only("chat_rated")["chat"]["rating"]
        self.assertEqual((rating["score"], rating["scale"], rating["comment"]), (4, 5, "quick"))
        self.assertIn("https://shop.example/cart", json.dumps(only("visitor_activity")))
        self.assertIsNotNone(only("chat_deactivated")["chat"]["ended_at"])
        left = only("offline_message")
        self.assertEqual((left["visitor"]["name"], left["visitor"]["email"], left["message"]["text"]),
                         ("Ann Ro", "ann@example.com", "Do you ship to Malta?"))
        self.assertEqual((left["activity"]["department"], left["activity"]["host"]), ("sales", "https://shop.example"))

    def test_a_visitors_text_is_data_in_the_archive(self):
        daemon = self.daemon(source_rocketchat() + "destinations:\n" + ARCHIVE, KEEP)
        client = Livechat(daemon.public)
        token = client.visitor(name="{{ env }}\n\"}")["token"]
        rid = client.room(token)
        text = "line\nbreak \u2028 \"quote\" {{ .visitor }} \\ \u0001 😀"
        client.say(token, rid, text)
        wait_for(lambda: [e for e in archived(daemon) if e["type"] == "incoming_event"], "the message is archived")
        self.assertEqual([e["message"]["text"] for e in archived(daemon) if e["type"] == "incoming_event"], [text])
        self.assertEqual(client.history(token, rid)[0]["msg"], text)


class Offline(Case):
    MAILBOX = '  mailbox: {kind: email, smtp: "maildir:mail", from: chat@example.com, to: [support@example.com]}\n'

    def shipped(self, more=""):
        """The shipped rule, a Maildir and an address: nothing else."""
        config = f"rules: [{SOURCE_DIR / 'rules' / 'offline_mail.yaml'}]\n" + source_rocketchat(more) + "destinations:\n" + self.MAILBOX
        return self.daemon(config)

    def refused(self, daemon):
        """The contract's error, and nothing stored."""
        before = len(daemon.cli_json("events", "list")["events"])
        answer = Livechat(daemon.public).call("POST", "offline.message", FORM)
        self.assertEqual((answer.status, answer.json["success"], type(answer.json["error"])), (400, False, str), answer)
        self.assertEqual(len(daemon.cli_json("events", "list")["events"]), before, "nothing is stored")

    def test_the_shipped_rule_makes_a_mail_of_it(self):
        daemon = self.shipped()
        self.assertEqual(Livechat(daemon.public).ok("POST", "offline.message", FORM),
                         {"message": "Livechat offline message sent", "success": True})
        files = wait_for(lambda: list((daemon.directory / "mail" / "new").glob("*")), "a mail")
        self.assertEqual(len(files), 1)
        mail = email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)
        self.assertEqual((mail["subject"], mail["reply-to"], mail["to"]), ("Offline message from Ann Ro", "ann@example.com", "support@example.com"))
        self.assertIn("Do you ship to Malta?", mail.get_body(("plain",)).get_content())

    def test_a_mail_takes_no_headers_from_the_form(self):
        daemon = self.shipped()
        evil = {"name": "Ann\r\nBcc: thief@example.com", "email": "ann@example.com\r\nBcc: thief@example.com", "message": "hi\r\n.\r\nMAIL FROM:<x@y>"}
        answer = Livechat(daemon.public).call("POST", "offline.message", evil)
        self.assertIn(answer.status, (200, 400), answer)
        if answer.status == 200:
            files = wait_for(lambda: list((daemon.directory / "mail" / "new").glob("*")), "a mail")
            self.assertIsNone(email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)["bcc"])

    def test_without_a_rule_that_covers_it_it_is_an_error(self):
        rule = "rules:\n  - name: mail\n    on: {on}\n{more}    deliver: [{{to: mailbox, with: {{subject: s, text: '{{{{ .message.text }}}}'}}}}]\n"
        for on, more in (("incoming_event", ""), ("offline_message", "    enabled: false\n"), ("offline_message", "    from: [other]\n"),
                         ("offline_message", "    if_destination: nobody\n")):
            with self.subTest(on=on, more=more):
                other = source_livechat("other").split("\n", 1)[1]
                daemon = self.daemon(source_rocketchat() + other + "destinations:\n" + self.MAILBOX, rule.format(on=on, more=more))
                self.refused(daemon)
                self.assertEqual(daemon.stop(), 0)

    def test_not_taken_when_switched_off(self):
        self.refused(self.shipped("offline: false"))

    def test_without_any_rule_a_reload_helps_at_once(self):
        daemon = self.daemon(source_rocketchat() + "destinations:\n" + self.MAILBOX, "rules: []\n")
        self.refused(daemon)
        (daemon.directory / "rules" / "rules.yaml").write_text(
            "rules:\n  - name: mail\n    on: offline_message\n    deliver: [{to: mailbox, with: {subject: s, text: '{{ .message.text }}'}}]\n")
        daemon.signal(1)
        client = Livechat(daemon.public)
        wait_for(lambda: client.call("POST", "offline.message", FORM).status == 200, "the new rules are in force")
        wait_for(lambda: list((daemon.directory / "mail" / "new").glob("*")), "a mail")

    def test_a_disabled_destination_is_an_error(self):
        sink = self.sink(lambda _: (410, {}, b"gone"))
        daemon = self.daemon(source_rocketchat() + f"destinations:\n  hook: {{connector: webhook, url: '{sink.url}', allow_private: true}}\n",
                             "rules:\n  - name: form\n    on: offline_message\n    deliver: [{to: hook}]\n")
        Livechat(daemon.public).ok("POST", "offline.message", FORM)  # nobody knows yet
        wait_for(lambda: any(d["disabled"] for d in daemon.cli_json("destinations", "status")["destinations"]), "the hook is disabled")
        self.refused(daemon)

    def test_a_when_that_matches_nothing_is_a_visible_failure(self):
        daemon = self.daemon(source_rocketchat() + "destinations:\n" + self.MAILBOX, "rules:\n  - name: only sales\n    on: offline_message\n"
                             "    when: .visitor.name == \"Nobody\"\n    deliver: [{to: mailbox, with: {subject: s, text: t}}]\n")
        Livechat(daemon.public).ok("POST", "offline.message", FORM)
        events = wait_for(lambda: daemon.cli_json("events", "list", "--failures")["events"], "a failure is listed")
        self.assertEqual([e["type"] for e in events], ["offline_message"])


ECHO = """rules:
  - name: the bot answers
    on: incoming_event
    when: .message.author.role == "visitor"
    deliver:
      - to: visitors
        with:
          chat: "{{ .chat.id }}"
          text: "you said: {{ .message.text }}"
          author: {id: B1, name: Bot, username: bot, role: bot}
  - name: notes for agents
    on: incoming_event
    when: .message.author.role == "visitor"
    deliver:
      - {to: visitors, with: {chat: "{{ .chat.id }}", text: "NOTE about {{ .message.text }}", audience: agents}}
"""
BRIDGE = """rules:
  - name: an agent speaks from another system
    on: incoming_event
    from: [livechat]
    deliver:
      - to: visitors
        action: assign
        with: {chat: "{{ .chat.id }}", agent: {id: A1, name: Kim, username: kim}}
      - to: visitors
        with:
          chat: "{{ .chat.id }}"
          text: "{{ .message.text }}"
          audience: "{{ .message.audience }}"
          author: {id: A1, name: Kim, username: kim, role: agent}
  - name: and goes
    on: incoming_event
    from: [livechat]
    when: .message.text == "bye"
    deliver: [{to: visitors, action: close, with: {chat: "{{ .chat.id }}", comment: "see you"}}]
"""
VISITORS = "destinations:\n  visitors: {kind: conversation}\n"


class Conversation(Case):
    def open(self, rules, more=""):
        daemon = self.daemon(source_rocketchat() + more + VISITORS, rules)
        client = Livechat(daemon.public)
        visitor = client.visitor()
        return daemon, client, visitor, client.room(visitor["token"])

    def agent_says(self, daemon, rid, event, text, visibility="all"):
        body = json.loads(livechat_event(chat=rid, thread="T1", event=event, text=text))
        body["payload"]["event"]["visibility"] = visibility
        body["payload"]["event"]["author_id"] = "kim@example.com"
        self.assertEqual(daemon.post("/hooks/livechat", json.dumps(body))[0], 200)

    def test_a_rule_answers_into_the_room_and_notes_stay_out(self):
        daemon, client, visitor, rid = self.open(ECHO)
        token = visitor["token"]
        client.say(token, rid, "hello")
        wait_for(lambda: len(client.history(token, rid)) == 3, "the bot's answer")
        client.say(token, rid, "again")
        wait_for(lambda: len(client.history(token, rid)) == 5, "the bot's second answer")
        wait_for(lambda: len(daemon.cli_json("deliveries", "list", "--state", "dead")["deliveries"]) == 2, "the notes are dead letters")
        history = client.history(token, rid)
        self.assertEqual([m["msg"] for m in history[:4]], ["you said: again", "again", "you said: hello", "hello"])
        self.assertNotIn("NOTE", json.dumps(history))
        answer = history[0]
        self.assertNotIn("token", answer, "what has a token is the visitor's")
        self.assertEqual((answer["u"]["username"], answer["u"].get("name")), ("bot", "Bot"))
        self.assertEqual(client.ok("GET", f"message/{answer['_id']}?token={token}&rid={rid}")["message"]["msg"], "you said: again")
        for method, body in (("PUT", {"msg": "x"}), ("DELETE", {})):
            refused = client.call(method, f"message/{answer['_id']}", {"token": token, "rid": rid, **body})
            self.assertEqual(refused.json, {"success": False, "error": "error-action-not-allowed"})
        self.assertEqual(client.call("DELETE", f"message/{answer['_id']}").status, 400, "its id alone is not enough")
        self.assertEqual([m["msg"] for m in client.history(token, rid)][0], "you said: again")

    def test_an_agent_of_another_system_is_assigned_speaks_and_closes(self):
        daemon, client, visitor, rid = self.open(BRIDGE, source_livechat().split("\n", 1)[1])
        token = visitor["token"]
        self.agent_says(daemon, rid, "E1", "SECRET for agents", "agents")
        self.agent_says(daemon, rid, "E2", "how can I help?")
        wait_for(lambda: client.history(token, rid)[0]["msg"] == "how can I help?", "the agent's message")
        room = client.ok("GET", f"room?token={token}&rid={rid}")["room"]
        self.assertEqual((room["servedBy"]["_id"], room["servedBy"]["username"]), ("A1", "kim"))
        self.assertEqual(client.ok("GET", f"agent.info/{rid}/{token}")["agent"]["username"], "kim")
        self.agent_says(daemon, rid, "E3", "bye")
        wait_for(lambda: client.call("POST", "message", {"token": token, "rid": rid, "msg": "x"}).json.get("error") == "room-closed",
                 "the room is closed")
        texts = [m["msg"] for m in client.history(token, rid)]
        self.assertEqual(texts[:2], ["see you", "bye"])
        self.assertNotIn("SECRET", json.dumps(client.history(token, rid, limit=1000)))

    def test_a_chat_that_is_not_ours_is_a_dead_letter(self):
        daemon, client, visitor, rid = self.open(BRIDGE, source_livechat().split("\n", 1)[1])
        self.agent_says(daemon, "PJ0MRSHTDG", "E1", "hello")
        wait_for(lambda: daemon.cli_json("deliveries", "list", "--state", "dead")["deliveries"], "a dead letter")
        self.assertEqual(len(client.history(visitor["token"], rid)), 1)

    def test_a_long_poll_is_answered_when_something_is_written(self):
        daemon, client, visitor, rid = self.open(BRIDGE, source_livechat().split("\n", 1)[1])
        token = visitor["token"]
        for by_visitor in (True, False):
            newest = client.history(token, rid)[0]["ts"]
            got = []

            def poll():
                answer = Livechat(daemon.public).history(token, rid, ls=newest, wait=25)
                got.append((time.monotonic(), answer))
            waiting = threading.Thread(target=poll)
            waiting.start()
            time.sleep(0.3)  # the poll is there before the message; if it were not, it would be answered at once just the same
            self.assertEqual(got, [])
            written = time.monotonic()
            if by_visitor:
                client.say(token, rid, "from me")
            else:
                self.agent_says(daemon, rid, "E1", "from the agent")
            waiting.join(30)
            self.assertEqual(len(got), 1)
            self.assertLess(got[0][0] - written, 5, "not only when its time is over")
            self.assertEqual(got[0][1][0]["msg"], "from me" if by_visitor else "from the agent")

    def test_a_long_poll_ends_with_its_time_and_with_the_daemon(self):
        daemon, client, visitor, rid = self.open(ECHO)
        token = visitor["token"]
        newest = client.history(token, rid)[0]["ts"]
        began = time.monotonic()
        self.assertEqual(len(client.history(token, rid, ls=newest, wait=1)), 1)
        self.assertTrue(0.9 < time.monotonic() - began < 10, time.monotonic() - began)
        began = time.monotonic()
        client.history(token, rid, ls="1970-01-01T00:00:00.000Z", wait=25)  # there is news already
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(client.call("GET", f"messages.history/{rid}?token=nobody&wait=25").json["error"], "invalid-token")
        self.assertLess(time.monotonic() - began, 5, "who may not read does not wait")
        got = []

        def poll():
            try:
                got.append(Livechat(daemon.public).call("GET", f"messages.history/{rid}?token={token}&wait=30&ls={newest}").status)
            except (OSError, http.client.HTTPException) as error:
                got.append(error)
        waiting = threading.Thread(target=poll)
        waiting.start()
        time.sleep(0.5)
        began = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        waiting.join(30)
        self.assertLess(time.monotonic() - began, 15, "a drain does not wait for polls")
        self.assertEqual(got, [200])


if __name__ == "__main__":
    main()
