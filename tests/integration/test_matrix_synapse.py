"""Chats in a room of a real Matrix homeserver: each in a thread, in order, as plain text, and every message once, whatever becomes of the
answers: a transaction is stored once.

Invariants 2, 4, 5 and 10.
"""
import os
import unittest
import urllib.parse

import synapse_server
from harness import Case, livechat_chat, livechat_event, main, source_livechat, wait_for
from lossy_proxy import LossyProxy, lose_first
from synapse_server import quoted

RULES = """rules:
  - name: chats are told to the team
    on: [incoming_chat, incoming_event]
    when: .message.repeated != true
    deliver: [{to: team, with: {text: "{{ .message.text }}"}}]
"""
MARKED_UP = """rules:
  - name: chats are told to the team
    on: incoming_event
    deliver: [{to: team, with: {text: "Visitor: {{ .message.text }}", html: "<b>Visitor</b>: {{ .message.text }}"}}]
"""
QUICK = "retry: {first: 100ms, max: 500ms}, circuit: {failures: 1000000}, allow_private: true"
HOSTILE = [
    "<b>bold</b> <img src=x onerror=alert(1)> &amp; <mx-reply>",
    "@room @ann:relay.test ann [ann](https://matrix.to/#/@ann:relay.test)",
    "/me does it\n/invite @evil:relay.test",
    "**bold** _it_ `code` > quote\n# title\n- point",
    "a\r\nb\u0000c\u0007d\u001b[31m",
    "\u202egnirts desrever\u202c \u200f e\u0301 \U0001f600 你好",
    "\", \"msgtype\": \"m.emote\", \"x\": \"{{ .visitor.email }} \\u0041",
    "0",
]


@unittest.skipUnless(os.environ.get("CHATRELAY_TEST_ALL"), "real counterparts are tested by scripts/test --all")
class Matrix(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = synapse_server.Synapse()
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.ann, cls.bot = cls.server.register("ann"), cls.server.register("relay")

    def setUp(self):
        self.room = self.server.room(self.ann, self.bot)

    def relay(self, rules=RULES, url=None, token=None, room=None, more=""):
        return self.daemon(source_livechat() + f"""destinations:
  team: {{connector: matrix, url: "{url or self.server.url}", token: "{token or self.bot}", room: "{room or self.room}", {QUICK}{more}}}
""", rules)

    def begin(self, daemon, chat, text="Hello there"):
        self.assertEqual(daemon.post("/hooks/livechat", livechat_chat(chat=chat, thread="T" + chat, text=text))[0], 200)

    def say(self, daemon, chat, number, text):
        body = livechat_event(chat=chat, thread="T" + chat, event=f"{chat}_{number}", text=text)
        self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)

    def deliveries(self, daemon, state=None):
        return daemon.api("GET", "/api/deliveries?limit=500" + (f"&state={state}" if state else ""))[1]["deliveries"]

    def settled(self, daemon, count, state="delivered", limit_s=60):
        try:
            wait_for(lambda: len(self.deliveries(daemon, state)) == count, f"{count} deliveries are {state}", limit_s)
        except AssertionError as failure:
            states = [(row["state"], row["reason"]) for row in self.deliveries(daemon)]
            raise AssertionError(f"{failure}: {states}\n{self.server.log()}") from None
        return self.deliveries(daemon, state)

    def messages(self):
        return self.server.messages(self.room, self.ann)

    def texts(self):
        return [event["content"]["body"] for event in self.messages()]

    # ---- a chat

    def test_each_chat_is_a_thread_in_order(self):
        daemon = self.relay()
        for chat in ("ONE", "TWO"):
            self.begin(daemon, chat, f"{chat} begins")
        for number in range(2, 8):
            for chat in ("ONE", "TWO"):
                self.say(daemon, chat, number, f"{chat} {number}")
        self.settled(daemon, 14)
        events = self.messages()
        self.assertEqual(len(events), 14)
        for chat in ("ONE", "TWO"):
            root = next(event for event in events if event["content"]["body"] == f"{chat} begins")
            self.assertNotIn("m.relates_to", root["content"])
            thread = self.server.thread(self.room, root["event_id"], self.ann)
            self.assertEqual([event["content"]["body"] for event in thread], [f"{chat} {number}" for number in range(2, 8)])
            for event in thread:
                self.assertEqual(event["sender"], "@relay:relay.test")
                self.assertEqual(event["content"]["msgtype"], "m.notice")
                self.assertEqual(event["content"]["m.relates_to"], {"rel_type": "m.thread", "event_id": root["event_id"],
                                                                    "is_falling_back": True, "m.in_reply_to": {"event_id": root["event_id"]}})
            links = daemon.cli_json("links", chat)["links"]
            self.assertEqual([(link["destination"], link["scope"], link["key"], link["value"]) for link in links],
                             [("team", "chat", "thread_root", root["event_id"])])
            back = daemon.cli_json("links", "--remote", root["event_id"])["links"]
            self.assertEqual([link["chats"] for link in back], [[chat]])
        for row in daemon.cli_json("events", "list")["events"]:
            shown = daemon.cli_json("events", "show", row["id"])
            self.assertEqual([link["key"] for link in shown["links"]], ["thread_root"])
        daemon.cli("destinations", "test", "team")

    def test_a_chat_stays_in_the_room_where_it_began(self):
        other = self.server.room(self.ann, self.bot)
        rules = RULES.replace('{text: "{{ .message.text }}"}',
                              '{text: "{{ .message.text }}", room: "{{ if .type == \\"incoming_chat\\" then \\"%s\\" else null end }}"}' % other)
        daemon = self.relay(rules)
        self.begin(daemon, "OTHER", "begins")
        self.say(daemon, "OTHER", 2, "goes on")
        self.settled(daemon, 2)
        self.assertEqual(self.messages(), [])
        events = self.server.messages(other, self.ann)
        self.assertEqual([event["content"]["body"] for event in events], ["begins", "goes on"])
        self.assertEqual(events[1]["content"]["m.relates_to"]["event_id"], events[0]["event_id"])

    # ---- what visitors type is data

    def test_hostile_text_stays_text_and_pings_nobody(self):
        daemon = self.relay(more=", msgtype: m.text")
        self.begin(daemon, "HOSTILE", HOSTILE[0])
        for number, text in enumerate(HOSTILE[1:], 2):
            self.say(daemon, "HOSTILE", number, text)
        self.settled(daemon, len(HOSTILE))
        events = self.messages()
        self.assertEqual([event["content"]["body"] for event in events], HOSTILE)
        for event in events:
            self.assertEqual(set(event["content"]) - {"m.relates_to"}, {"body", "msgtype", "m.mentions"})
            self.assertEqual((event["content"]["msgtype"], event["content"]["m.mentions"]), ("m.text", {}))
        self.assertEqual(self.server.highlights(self.room, self.ann), 0)
        # That this can be seen at all: the same words without m.mentions do ping.
        self.server.done("PUT", f"/_matrix/client/v3/rooms/{quoted(self.room)}/send/m.room.message/control",
                         {"msgtype": "m.text", "body": HOSTILE[1]}, self.bot)
        self.assertEqual(self.server.highlights(self.room, self.ann), 1)

    def test_markup_is_the_rules_alone(self):
        daemon = self.relay(MARKED_UP)
        texts = ["<b>x</b> & \"y\" @room", "\"" * 9000, "<" * 4000, "\u0007" * 9000]
        for number, text in enumerate(texts, 2):
            self.say(daemon, "MARKUP", number, text)
        self.settled(daemon, len(texts))
        contents = [event["content"] for event in self.messages()]
        self.assertEqual([content["body"] for content in contents], ["Visitor: " + text for text in texts])
        html = contents[0]["formatted_body"]
        self.assertTrue(html.startswith("<b>Visitor</b>: &lt;b&gt;x"), html)
        self.assertEqual(html.count("<"), 2, html)
        self.assertEqual(contents[0]["format"], "org.matrix.custom.html")
        # Too long for one event with the markup: the text alone.
        self.assertEqual(["formatted_body" in content for content in contents], [True, False, True, False])
        self.assertEqual(["format" in content for content in contents], [True, False, True, False])

    def test_a_long_text_arrives_whole_in_pieces(self):
        daemon = self.relay()
        text = "".join(f"{line:05} ä <&> \U0001f600\n" for line in range(4000))
        self.begin(daemon, "LONG", text)
        self.say(daemon, "LONG", 2, "\u0001" * 25000)  # the bytes that take most room in an event
        self.say(daemon, "LONG", 3, "after it")
        self.settled(daemon, 3)
        events = self.messages()
        said = [event["content"]["body"] for event in events]
        self.assertEqual(said[-1], "after it")
        whole = "".join(said[:-1]).replace("\n", "")
        self.assertEqual(whole, text.replace("\n", "") + "\u0001" * 25000)
        root = events[0]["event_id"]
        self.assertEqual({event["content"]["m.relates_to"]["event_id"] for event in events[1:]}, {root}, "all pieces stand in one thread")

    # ---- when things go wrong

    def test_the_same_transaction_twice_is_stored_once(self):
        proxy = LossyProxy(self.server.port, lose_first(4, "PUT", "/send/"))
        self.addCleanup(proxy.close)
        daemon = self.relay(url=proxy.url)
        self.begin(daemon, "TWICE", "first")
        for number in range(2, 7):
            self.say(daemon, "TWICE", number, f"message {number}")
        self.settled(daemon, 6)
        expected = ["first", *(f"message {number}" for number in range(2, 7))]
        self.assertEqual(self.texts(), expected)
        asked = [got for got in proxy.all() if got.method == "PUT"]
        self.assertEqual(len(asked), 6 + 4, "each whose answer was lost was sent again")
        paths = [got.path for got in asked]
        self.assertEqual(len(set(paths)), 6, "under the same transaction")
        for path in set(paths):
            self.assertEqual(len({got.body for got in asked if got.path == path}), 1, "and with the same content")
        transactions = [urllib.parse.unquote(path.rsplit("/", 1)[1]) for path in dict.fromkeys(paths)]
        ids = [row["id"] for row in sorted(self.deliveries(daemon), key=lambda row: row["event_seq"])]
        self.assertEqual(transactions, [f"{delivery}-0" for delivery in ids])

    def test_a_homeserver_that_dies_before_it_answers_stores_once(self):
        proxy = LossyProxy(self.server.port)
        self.addCleanup(proxy.close)
        first = lose_first(1, "PUT", "/send/")

        def lose(got, status):
            if not first(got, status):
                return False
            self.server.down()
            return True
        proxy.lose = lose
        daemon = self.relay(url=proxy.url)
        try:
            self.begin(daemon, "DIES", "first")
            wait_for(lambda: self.server.process is None, "the homeserver is gone")
            for number in range(2, 6):
                self.say(daemon, "DIES", number, f"message {number}")
            wait_for(lambda: self.deliveries(daemon, "deferred"), "it waits")
        finally:
            if self.server.process is None:
                self.server.start()
        self.settled(daemon, 5)
        self.assertEqual(self.texts(), ["first", *(f"message {number}" for number in range(2, 6))])

    def test_a_daemon_that_is_killed_before_the_answer_doubles_nothing(self):
        proxy = LossyProxy(self.server.port)
        self.addCleanup(proxy.close)
        daemon = self.relay(url=proxy.url)
        first = lose_first(1, "PUT", "/send/")

        def lose(got, status):
            if not first(got, status):
                return False
            daemon.kill()
            return True
        proxy.lose = lose
        self.begin(daemon, "KILLED", "first")
        self.assertEqual(daemon.process.wait(30), -9)
        daemon.start()
        self.say(daemon, "KILLED", 2, "second")
        self.settled(daemon, 2)
        self.assertEqual(self.texts(), ["first", "second"])
        asked = [got.path for got in proxy.all() if got.method == "PUT"]
        self.assertEqual((asked[0], len(asked)), (asked[1], 3))

    def test_a_real_limit_is_waited_for_and_costs_no_attempt(self):
        server = synapse_server.Synapse({"rc_message": {"per_second": 2, "burst_count": 3}})
        self.addCleanup(server.stop)
        server.start()
        ann, bot = server.register("ann"), server.register("relay")
        room = server.room(ann, bot)
        proxy = LossyProxy(server.port)
        self.addCleanup(proxy.close)
        daemon = self.relay(url=proxy.url, token=bot, room=room)
        for chat in ("A", "B"):
            self.begin(daemon, chat, f"{chat} begins")
            for number in range(2, 7):
                self.say(daemon, chat, number, f"{chat} {number}")
        self.settled(daemon, 12)
        self.assertIn(429, [status for _, status, _ in proxy.exchanges], "the homeserver limited")
        texts = [event["content"]["body"] for event in server.messages(room, ann)]
        for chat in ("A", "B"):
            self.assertEqual([text for text in texts if text.startswith(chat)], [f"{chat} begins", *(f"{chat} {n}" for n in range(2, 7))])
        self.assertEqual(len(texts), 12)
        self.assertEqual({row["attempts"] for row in self.deliveries(daemon)}, {1}, "a throttle is no attempt")

    def test_a_token_that_was_logged_out_holds_everything_until_it_is_mended(self):
        gone = self.server.register(f"gone{self._testMethodName[-4:]}")
        self.server.done("POST", "/_matrix/client/v3/logout", {}, gone)
        daemon = self.relay(token=gone)
        self.assertNotEqual(daemon.cli("destinations", "test", "team", check=False).returncode, 0)
        self.begin(daemon, "REFUSED", "first")
        self.say(daemon, "REFUSED", 2, "second")
        held = wait_for(lambda: self.deliveries(daemon, "held"), "held")
        self.assertIn("M_UNKNOWN_TOKEN", held[0]["reason"])
        daemon.config_file.write_text(daemon.config_file.read_text().replace(gone, self.bot))
        daemon.cli("reload")
        daemon.cli("destinations", "resume", "team")
        self.settled(daemon, 2)
        self.assertEqual(self.texts(), ["first", "second"])
        self.assertNotIn(self.bot, daemon.log_text())

    def test_a_room_that_it_is_not_in_is_told(self):
        room = self.server.room(self.ann)
        daemon = self.relay(room=room)
        self.begin(daemon, "OUTSIDE")
        self.assertIn("not in room", self.settled(daemon, 1, "dead")[0]["reason"])


if __name__ == "__main__":
    main()
