"""Chats become tickets of a real Request Tracker 5: one for each chat, with its replies in order, as plain text; also when Request Tracker is
away for a while, when its answers are lost, and when the daemon is killed in the middle.

Invariants 2, 4, 5 and 10.
"""
import json
import os
import unittest

import rt_server
from harness import SECRET, Case, livechat_chat, livechat_event, main, source_livechat, wait_for
from lossy_proxy import LossyProxy, lose_first

VISITOR, AGENT = "b7eff798-f8df-4364-8059-649c35c9ed0c", "smith@example.com"
RULES = """rules:
  - name: a chat becomes a ticket
    on: incoming_chat
    deliver:
      - to: desk
        action: create_ticket
        with: {subject: "Chat {{ .chat.id }}", text: "{{ .message.text }}", email: "{{ .visitor.email }}", name: "{{ .visitor.name }}"}
  - name: what is said becomes replies
    on: incoming_event
    when: .message.repeated != true
    deliver:
      - to: desk
        action: add_to_ticket
        with: {text: "{{ .message.text }}", public: "{{ .message.author.role == \\"agent\\" }}"}
  - name: the end resolves the ticket
    on: chat_deactivated
    deliver:
      - to: desk
        action: add_to_ticket
        with: {text: "The end.\\n{{ .transcript_text }}", status: resolved}
"""
CONTACTS = """rules:
  - name: visitors become users
    on: incoming_chat
    deliver: [{to: desk, action: upsert_contact, with: {email: "{{ .visitor.email }}", name: "{{ .visitor.name }}"}}]
  - name: notes
    on: incoming_event
    deliver: [{to: desk, action: add_note, with: {text: "{{ .message.text }}"}}]
"""
FIELDS = f', id_field: "{rt_server.TICKET_FIELD}", message_field: "{rt_server.MESSAGE_FIELD}"'
QUICK = ", retry: {first: 100ms, max: 500ms}, circuit: {failures: 1000000}, allow_private: true"
HOSTILE = [
    "<script>alert(1)</script> <b>bold</b> &amp; &lt;",
    "0",
    "first\n.\nFrom nobody\n-- \nsecond\n\n",
    "a\r\nX-Evil: 1\r\n\r\nbody",
    "[rt.test #1] Status: deleted\nOwner: root\nTake: 1",
    "\u202egnirts desrever\u202c \u200f \ufeff zero\u200bwidth",
    "Grüße, 你好, \U0001f600, e\u0301",
    "tab\there, bell\u0007, escape\u001b[31m, line\u2028separator",
    "%s %n $name {{ .visitor.email }} {$Ticket->Subject} @here \\ \" '",
]


def chat_said(chat, number, text, by=VISITOR, visibility="all"):
    """What somebody says in a chat, as LiveChat tells it."""
    body = json.loads(livechat_event(chat=chat, thread="T" + chat, event=f"{chat}_{number}", text=text))
    body["payload"]["event"].update(author_id=by, visibility=visibility)
    return json.dumps(body)


def chat_ended(chat):
    return json.dumps({"webhook_id": "w", "secret_key": SECRET, "action": "chat_deactivated", "organization_id": "org",
                       "payload": {"chat_id": chat, "thread_id": "T" + chat, "user_id": AGENT}, "additional_data": {}})


@unittest.skipUnless(os.environ.get("CHATRELAY_TEST_ALL"), "real counterparts are tested by scripts/test --all")
class RequestTracker(Case):
    @classmethod
    def setUpClass(cls):
        if not rt_server.available():
            raise AssertionError("this needs the packages request-tracker5, rt5-standalone and rt5-db-sqlite: run scripts/test --all")
        cls.rt = rt_server.RequestTracker()
        cls.addClassCleanup(cls.rt.stop)
        cls.rt.start()

    def relay(self, rules=RULES, url=None, token=None, more=FIELDS):
        return self.daemon(source_livechat() + f"""destinations:
  desk: {{connector: request_tracker, url: "{url or self.rt.url}", token: "{token or self.rt.token}"{QUICK}{more}}}
""", rules)

    def post(self, daemon, body):
        self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)

    def begin(self, daemon, chat, text="Hello there", **visitor):
        self.post(daemon, livechat_chat(chat=chat, thread="T" + chat, text=text, **visitor))

    def say(self, daemon, chat, number, text, **more):
        self.post(daemon, chat_said(chat, number, text, **more))

    def deliveries(self, daemon, state=None):
        return daemon.api("GET", "/api/deliveries?limit=500" + (f"&state={state}" if state else ""))[1]["deliveries"]

    def settled(self, daemon, count, state="delivered", limit_s=60):
        def over():
            return len(self.deliveries(daemon, state)) == count
        try:
            wait_for(over, f"{count} deliveries are {state}", limit_s)
        except AssertionError as failure:
            states = [(row["state"], row["reason"]) for row in self.deliveries(daemon)]
            raise AssertionError(f"{failure}: {states}\n{self.rt.log()}") from None
        return self.deliveries(daemon, state)

    def the_ticket(self, chat):
        tickets = self.rt.tickets(f"Chat {chat}")
        self.assertEqual(len(tickets), 1, f"tickets of {chat}")
        return tickets[0]

    # ---- a chat

    def test_a_chat_becomes_one_ticket_with_its_replies(self):
        daemon = self.relay()
        self.begin(daemon, "WHOLE", "My order is late", name="Zoë \"Z\" O'Neil", email="zoe@example.com")
        self.say(daemon, "WHOLE", 2, "Number 17")
        self.say(daemon, "WHOLE", 3, "I look for it", by=AGENT)
        self.say(daemon, "WHOLE", 4, "He is always late", by=AGENT, visibility="agents")
        self.say(daemon, "WHOLE", 5, "Thank you")
        self.post(daemon, chat_ended("WHOLE"))
        self.settled(daemon, 6)
        ticket = self.the_ticket("WHOLE")
        said = self.rt.said(ticket["id"])
        self.assertEqual(said[:5], [("Create", "My order is late"), ("Comment", "Number 17"), ("Correspond", "I look for it"),
                                    ("Comment", "He is always late"), ("Comment", "Thank you")])
        self.assertEqual(len(said), 6)
        self.assertEqual(said[5][0], "Comment")
        self.assertIn("The end.\n", said[5][1])
        self.assertIn("Number 17", said[5][1])
        self.assertNotIn("He is always late", said[5][1], "agents' words among themselves are not in the transcript")
        self.assertEqual(ticket["Status"], "resolved")
        self.assertEqual([user["id"] for user in ticket["Requestor"]], ["zoe@example.com"])
        self.assertEqual(self.rt.get("/user/zoe@example.com")["RealName"], "Zoë Z O'Neil")
        mails = [mail for mail in self.rt.mails() if "zoe@example.com" in str(mail["to"])]
        texts = [mail.get_body(("plain",)).get_content() for mail in mails]
        self.assertEqual(sum("I look for it" in text for text in texts), 1, "the requestor gets what the agent says")
        for private in ("He is always late", "Number 17"):
            self.assertFalse(any(private in text for text in texts), "comments are not mailed to the requestor")
        self.links_lead_both_ways(daemon, "WHOLE", str(ticket["id"]))

    def links_lead_both_ways(self, daemon, chat, ticket):
        there = daemon.cli_json("links", chat)["links"]
        self.assertEqual([(link["destination"], link["scope"], link["key"], link["value"], link["chat_id"]) for link in there],
                         [("desk", "thread", "ticket_id", ticket, chat)])
        back = daemon.cli_json("links", "--remote", ticket, "--destination", "desk")["links"]
        self.assertEqual([link["chats"] for link in back], [[chat]])
        self.assertIn("ticket_id", daemon.cli("links", chat).stdout)
        events = [row for row in daemon.cli_json("events", "list")["events"]]
        self.assertEqual(len(events), 6)
        for row in events:
            shown = daemon.cli_json("events", "show", row["id"])
            self.assertEqual([(link["key"], link["value"]) for link in shown["links"]], [("ticket_id", ticket)])
            self.assertEqual([delivery["state"] for delivery in shown["deliveries"]], ["delivered"])
            self.assertRegex(daemon.cli("events", "show", row["id"]).stdout, rf"ticket_id\s+{ticket}\b")

    def test_two_chats_of_one_visitor_are_two_tickets(self):
        daemon = self.relay()
        for chat in ("FIRST", "SECOND"):
            self.begin(daemon, chat, f"beginning of {chat}", email="both@example.com")
        for number in range(2, 6):
            for chat in ("FIRST", "SECOND"):
                self.say(daemon, chat, number, f"{chat} {number}")
        self.settled(daemon, 10)
        for chat in ("FIRST", "SECOND"):
            self.assertEqual([text for _, text in self.rt.said(self.the_ticket(chat)["id"])],
                             [f"beginning of {chat}", *(f"{chat} {number}" for number in range(2, 6))])

    # ---- what visitors type is data

    def test_hostile_text_stays_text(self):
        daemon = self.relay()
        self.begin(daemon, "HOSTILE", HOSTILE[0], email="hostile@example.com")
        for number, text in enumerate(HOSTILE, 2):
            self.say(daemon, "HOSTILE", number, text)
            self.say(daemon, "HOSTILE", f"{number}a", text, by=AGENT)
        self.settled(daemon, 1 + 2 * len(HOSTILE))
        ticket = self.the_ticket("HOSTILE")
        expected = [("Create", HOSTILE[0])] + [(kind, text) for text in HOSTILE for kind in ("Comment", "Correspond")]
        # Request Tracker ends lines with LF alone; "0" is nothing to it, and is sent as a line.
        def plain(said):
            return [(kind, text.replace("\r\n", "\n").rstrip("\n")) for kind, text in said]
        self.assertEqual(plain(self.rt.said(ticket["id"])), plain(expected))
        self.assertEqual(ticket["Status"], "open", "what was typed is no command")
        self.assertEqual(ticket["Owner"]["id"], "Nobody")

    def test_a_long_text_arrives_whole_in_pieces(self):
        daemon = self.relay()
        self.begin(daemon, "LONG")
        text = "".join(f"{line:05} ä <&> \U0001f600\n" for line in range(7000))
        self.say(daemon, "LONG", 2, text)
        self.say(daemon, "LONG", 3, "after it")
        self.settled(daemon, 3)
        said = self.rt.said(self.the_ticket("LONG")["id"])
        self.assertEqual((said[0][1], said[-1][1]), ("Hello there", "after it"))
        self.assertGreater(len(said), 3)
        self.assertEqual("".join(piece for _, piece in said[1:-1]).replace("\n", ""), text.replace("\n", ""))

    def test_hostile_names_and_addresses(self):
        daemon = self.relay()
        cases = {  # an address -> who becomes requestor
            "a@example.com, b@example.com": [], "root": [], "14": [], "boss": [], "Evil <c@example.com>": [], "d@example.com\r\nBcc: e@example.com": [],
            "group:3": [], "f@example.com;g@example.com": [], "o'hara+x@example.com": ["o'hara+x@example.com"], "": [],
        }
        for number, email in enumerate(cases):
            self.begin(daemon, f"NAME{number}", "hi", email=email, name="Evil\" <h@example.com>, \"\r\nX: y")
        self.settled(daemon, len(cases))
        for number, (email, requestors) in enumerate(cases.items()):
            ticket = self.the_ticket(f"NAME{number}")
            self.assertEqual([user["id"] for user in ticket["Requestor"]], requestors, repr(email))
            self.assertEqual((ticket["Cc"], ticket["AdminCc"]), ([], []))
            kind, text = self.rt.said(ticket["id"])[0]
            self.assertTrue(text.endswith("hi"), text)
            if not requestors and email.isalnum():
                self.assertIn(email, text, "who it was stands above the text")
        mailed = {address.addr_spec for mail in self.rt.mails() for field in ("to", "cc", "bcc") if mail[field] for address in mail[field].addresses}
        self.assertIn("o'hara+x@example.com", mailed)
        self.assertEqual(mailed & {f"{name}@example.com" for name in "abcdefgh"}, set())

    def test_contacts_are_the_visitors_own(self):
        daemon = self.relay(CONTACTS)
        self.begin(daemon, "USER1", email="new@example.com", name="New One")
        self.settled(daemon, 1)
        user = self.rt.get("/user/new@example.com")
        self.assertEqual((user["RealName"], user["EmailAddress"], user["Privileged"]), ("New One", "new@example.com", 0))
        self.begin(daemon, "USER2", email="new@example.com", name="Renamed")
        self.settled(daemon, 2)
        self.assertEqual(self.rt.get("/user/new@example.com")["RealName"], "Renamed")
        links = daemon.cli_json("links", "USER2")["links"]
        self.assertEqual([(link["scope"], link["key"], link["value"]) for link in links], [("visitor", "contact_id", str(user["id"]))])
        # Nobody of the staff is changed by what somebody types into a chat, by address, by number or by name.
        root = self.rt.get("/user/root")
        for number, email in enumerate(("boss@rt.test", "14", "root")):
            self.begin(daemon, f"STAFF{number}", email=email, name="Evil")
        self.settled(daemon, 3)
        self.settled(daemon, 2, "dead")
        self.assertEqual(self.rt.get("/user/boss@rt.test")["RealName"], "The Boss")
        self.assertEqual({k: v for k, v in self.rt.get("/user/root").items() if k != "_hyperlinks"},
                         {k: v for k, v in root.items() if k != "_hyperlinks"})
        # A note needs a ticket: that is said, not lost in silence.
        self.say(daemon, "USER1", 2, "a note")
        dead = self.settled(daemon, 3, "dead")
        self.assertTrue(any("has no ticket" in row["reason"] for row in dead), dead)

    # ---- when things go wrong

    def test_what_arrives_while_it_is_away_is_there_afterwards_in_order(self):
        chats = ("AWAY1", "AWAY2", "AWAY3")
        daemon = self.relay()
        self.begin(daemon, "AWAY1", "before")
        self.say(daemon, "AWAY1", 1, "before, too")
        self.settled(daemon, 2)
        self.rt.down()
        try:
            for chat in chats[1:]:
                self.begin(daemon, chat, "before")
            for number in range(2, 8):
                for chat in chats:
                    self.say(daemon, chat, number, f"{chat} {number}")
            wait_for(lambda: len(self.deliveries(daemon, "deferred,pending")) == 20, "all are planned")
            wait_for(lambda: len(self.deliveries(daemon, "deferred")) == len(chats), "every chat's first delivery was tried, and waits")
            for chat, count in zip(chats, (6, 7, 7)):
                rows = daemon.api("GET", f"/api/deliveries?source=livechat&chat={chat}&state=deferred,pending&limit=500")[1]["deliveries"]
                states = [row["state"] for row in sorted(rows, key=lambda row: row["seq"])]
                self.assertEqual(states, ["deferred"] + ["pending"] * (count - 1), "what follows waits behind it")
            self.assertEqual(self.deliveries(daemon, "dead"), [])
        finally:
            self.rt.start()
        self.settled(daemon, 2 + 2 + 18)
        for chat in chats:
            texts = [text for _, text in self.rt.said(self.the_ticket(chat)["id"])]
            begin = ["before", "before, too"] if chat == "AWAY1" else ["before"]
            self.assertEqual(texts, begin + [f"{chat} {number}" for number in range(2, 8)])

    def test_lost_answers_double_nothing(self):
        proxy = LossyProxy(self.rt.port)
        self.addCleanup(proxy.close)
        loses = [lose_first(1, "POST", "/REST/2.0/ticket"), lose_first(2, "POST", "/comment"), lose_first(1, "POST", "/correspond")]
        proxy.lose = lambda got, status: any(lose(got, status) for lose in loses)
        daemon = self.relay(url=proxy.url)
        self.begin(daemon, "LOST", "first", email="lost@example.com")
        self.say(daemon, "LOST", 2, "second")
        self.say(daemon, "LOST", 3, "x" * 60000)  # two pieces: the first one's answer is lost
        self.say(daemon, "LOST", 4, "fourth", by=AGENT)
        self.post(daemon, chat_ended("LOST"))
        self.settled(daemon, 5)
        self.assertEqual(sum(lost for _, _, lost in proxy.exchanges), 4, "four answers were lost")
        ticket = self.the_ticket("LOST")
        said = self.rt.said(ticket["id"])
        # The transcript is longer than one comment, too.
        self.assertEqual([kind for kind, _ in said], ["Create", "Comment", "Comment", "Comment", "Correspond", "Comment", "Comment"])
        self.assertEqual(ticket["Status"], "resolved")
        self.assertEqual([said[0][1], said[1][1], said[4][1]], ["first", "second", "fourth"])
        self.assertEqual(said[2][1] + said[3][1], "x" * 60000)

    def test_a_daemon_that_is_killed_before_the_answer_doubles_nothing(self):
        for part, sent in (("/REST/2.0/ticket", 1), ("/comment", 2)):
            with self.subTest(part):
                chat = f"KILLED{sent}"
                proxy = LossyProxy(self.rt.port)
                self.addCleanup(proxy.close)
                daemon = self.relay(url=proxy.url)
                killed = lose_first(1, "POST", part)

                def lose(got, status, daemon=daemon, killed=killed):
                    if not killed(got, status):
                        return False
                    daemon.kill()
                    return True
                proxy.lose = lose
                self.begin(daemon, chat, "first")
                if sent == 2:
                    self.settled(daemon, 1)
                    self.say(daemon, chat, 2, "second")
                self.assertEqual(daemon.process.wait(30), -9)
                daemon.start()
                self.settled(daemon, sent)
                self.assertEqual([text for _, text in self.rt.said(self.the_ticket(chat)["id"])], ["first", "second"][:sent])

    def test_without_the_fields_hold_never_doubles_and_retry_never_loses(self):
        proxy = LossyProxy(self.rt.port, lose_first(1, "POST", "/comment"))
        self.addCleanup(proxy.close)
        daemon = self.relay(url=proxy.url, more=", ambiguous: hold")
        self.begin(daemon, "HOLD", "first")
        self.say(daemon, "HOLD", 2, "second")
        self.say(daemon, "HOLD", 3, "third")
        held = self.settled(daemon, 1, "held")
        ticket = self.the_ticket("HOLD")["id"]
        self.assertEqual([text for _, text in self.rt.said(ticket)], ["first", "second"], "nothing passes the one that is held")
        daemon.cli("deliveries", "cancel", held[0]["id"])  # it is there: an operator has looked
        self.settled(daemon, 2)
        self.assertEqual([text for _, text in self.rt.said(ticket)], ["first", "second", "third"])

        proxy.lose = lose_first(1, "POST", "/comment")
        daemon = self.relay(url=proxy.url, more="")
        self.begin(daemon, "TWICE", "first")
        self.say(daemon, "TWICE", 2, "second")
        self.say(daemon, "TWICE", 3, "third")
        self.settled(daemon, 3)
        self.assertEqual([text for _, text in self.rt.said(self.the_ticket("TWICE")["id"])], ["first", "second", "second", "third"],
                         "the price of ambiguous: retry, told in the manual")

    def test_a_token_that_is_refused_holds_everything_until_it_is_mended(self):
        daemon = self.relay(token="1-14-0123456789abcdef0123456789abcdef")
        tested = daemon.cli("destinations", "test", "desk", check=False)
        self.assertNotEqual(tested.returncode, 0)
        self.assertIn("401", tested.stdout + tested.stderr)
        self.begin(daemon, "REFUSED", "first")
        self.say(daemon, "REFUSED", 2, "second")
        held = wait_for(lambda: self.deliveries(daemon, "held"), "held")
        self.assertIn("401", held[0]["reason"])
        self.assertEqual(self.rt.tickets("Chat REFUSED"), [])
        daemon.config_file.write_text(daemon.config_file.read_text().replace("1-14-0123456789abcdef0123456789abcdef", self.rt.token))
        daemon.cli("reload")
        daemon.cli("destinations", "test", "desk")
        daemon.cli("destinations", "resume", "desk")
        self.settled(daemon, 2)
        self.assertEqual([text for _, text in self.rt.said(self.the_ticket("REFUSED")["id"])], ["first", "second"])
        self.assertNotIn(self.rt.token, daemon.log_text())

    def test_what_the_user_may_not_do_is_told(self):
        daemon = self.relay(more=", queue: Nowhere")
        self.begin(daemon, "NOWHERE")
        self.assertIn("No permission to create tickets in the queue 'Nowhere'", self.settled(daemon, 1, "dead")[0]["reason"])
        # In this queue the user may not modify tickets, and the connector's manual says that `status` needs it.
        daemon = self.relay(more=", queue: Bare")
        self.begin(daemon, "BARE")
        self.post(daemon, chat_ended("BARE"))
        self.settled(daemon, 1)
        self.assertIn("the ticket is new", self.settled(daemon, 1, "dead")[0]["reason"])
        self.assertEqual(len(self.rt.said(self.the_ticket("BARE")["id"])), 2, "the text stands there all the same, once")


if __name__ == "__main__":
    main()
