"""A chat of one system continued in another, by two rules: the visitor's words go to the other system's thread, the agent's reply comes back.

What we wrote ourselves comes back as webhooks and is dropped; where a system gives no mark of that, a loop is cut all the same.
"""
import json
import threading
import time

import chat_services
from chat_services import LiveChat, LiveHelperChat, RocketChat, Slack
from harness import NO_LIMITS, Case, Livechat, main, wait_for

QUICK = "retry: {first: 100ms, max: 300ms}, circuit: {failures: 1000000}, allow_private: true"
SLACK_SOURCE = """  slack:
    system: generic
    ack_budget: 3s
    verify: {slack: {signing_secret: "%s", verification_token: a-verification-token}}
    map:
      type: '"incoming_event"'
      chat: .event.thread_ts
      message: '.event | select(.type == "message" and .subtype == null) | {id: .ts, text, author: {id: .user, role: "agent"}}'
    own: {when: .event.bot_id != null}
""" % Slack.SECRET
FROM_SLACK = """  - name: the team's answer goes to the visitor
    on: incoming_event
    from: [slack]
    when: .raw.event.thread_ts != null and .message.text != null
    deliver:
      - to: %s
        with:
          chat: {linked: team, by: {thread_ts: .raw.event.thread_ts}}
          text: "{{ .message.text }}"
"""
TO_SLACK = """rules:
  - name: the visitor's words go to the team
    on: [incoming_chat, incoming_event]
    from: [%s]
    when: .message.author.role == "visitor" and .message.text != null and .message.repeated != true
    deliver:
      - to: team
        with: {text: "{{ .visitor.name // \\"Visitor\\" }}: {{ .message.text }}"}
"""


def slack_destination(slack, more=""):
    return (f"  team: {{connector: slack, token: {Slack.TOKEN}, channel: C024BE91L, base_url: '{slack.base_url}', pace: 1000/s, "
            f"{QUICK}{more}}}\n")


class Bridge(Case):
    def visitors(self, relay):
        client = Livechat(lambda: relay.public)
        self.addCleanup(client.close)
        return client

    def service(self, service):
        self.addCleanup(service.close)
        return service

    def events(self, daemon, source):
        return daemon.api("GET", f"/api/events?limit=500&source={source}")[1]["events"]

    def deliveries(self, daemon, query=""):
        return daemon.api("GET", f"/api/deliveries?limit=500{query}")[1]["deliveries"]

    def quiet(self, daemon, *services):
        """Everything that is on its way has arrived: webhooks were answered, planned, and delivered."""
        def still():
            for service in services:
                service.told()
            before = [s.count() for s in services], [s.webhooks for s in services]
            events = daemon.api("GET", "/api/events?limit=500")[1]["events"]
            open_ = self.deliveries(daemon, "&state=pending,deferred")
            if open_ or not all(e["planned"] for e in events):
                return False
            time.sleep(0.3)
            for service in services:
                service.told()
            return before == ([s.count() for s in services], [s.webhooks for s in services])
        wait_for(still, "it is quiet", 60)


class OwnVisitorsAndSlack(Bridge):
    def setUp(self):
        self.slack = self.service(Slack())
        config = (f"sources:\n  site: {{system: rocketchat, serve: true, limits: {NO_LIMITS}}}\n{SLACK_SOURCE}"
                  f"destinations:\n{slack_destination(self.slack)}  visitors: {{kind: conversation, source: site, name: The team}}\n")
        rules = TO_SLACK % "site" + FROM_SLACK % "visitors"
        self.relay = self.slack.daemon = self.daemon(config, rules)
        self.client = self.visitors(self.relay)

    def open(self, name="Ann"):
        token = self.client.visitor(name=name)["token"]
        return token, self.client.room(token)

    def linked(self, text):
        """The thread that a message opened, once the relay remembers it."""
        post = wait_for(lambda: next((p for p in self.slack.posts if text in p["text"]), None), f"a post with {text}")
        ts = post.get("thread_ts") or post["ts"]
        wait_for(lambda: self.relay.api("GET", f"/api/links?remote={ts}")[1]["links"], "the thread is remembered")
        return ts

    def said_to(self, token, rid):
        """What others than the visitor said in a room, oldest first."""
        return [m["msg"] for m in reversed(self.client.history(token, rid, count=100)) if "token" not in m and not m.get("t")]

    def test_there_and_back(self):
        token, rid = self.open()
        self.client.say(token, rid, "hello <!channel> & <@U1>")
        ts = self.linked("hello")
        self.client.say(token, rid, "anybody there?")
        wait_for(lambda: len(self.slack.posts) == 2, "the second message")
        first, second = self.slack.posts
        self.assertEqual(first["text"], "Ann: hello &lt;!channel&gt; &amp; &lt;@U1&gt;", "nobody is pinged")
        self.assertIsNone(first.get("thread_ts"))
        self.assertEqual((second["text"], second["thread_ts"]), ("Ann: anybody there?", ts))

        self.slack.say("Yes, I am", ts)
        wait_for(lambda: self.said_to(token, rid) == ["Yes, I am"], "the answer is in the visitor's chat")
        newest = self.client.history(token, rid)[0]
        self.assertEqual(newest["u"].get("name"), "The team")
        # A page that waits gets it at once.
        got = []
        page = self.visitors(self.relay)
        waiting = threading.Thread(target=lambda: got.append(page.history(token, rid, ls=newest["ts"], wait=25)))
        waiting.start()
        self.slack.say("What is it?", ts, times=3)
        waiting.join(30)
        self.assertEqual(got[0][0]["msg"], "What is it?")
        self.client.say(token, rid, "never mind")
        wait_for(lambda: self.slack.thread(ts)[-1] == "Ann: never mind", "and so on")
        self.quiet(self.relay, self.slack)
        self.assertEqual(self.said_to(token, rid), ["Yes, I am", "What is it?"], "a webhook that came three times is one")
        self.assertEqual(len(self.slack.posts), 3, "what the team said does not go back to it")
        self.assertEqual(self.slack.refused, [])
        self.assertEqual(len(self.events(self.relay, "slack")), 2, "our own posts came back and were dropped")
        self.assertEqual(self.deliveries(self.relay, "&state=dead"), [])

    def test_two_visitors_are_kept_apart(self):
        rooms = [self.open(f"Visitor{n}") for n in range(6)]

        def speak(n):
            client = self.visitors(self.relay)
            for k in range(3):
                client.say(*rooms[n], f"visitor {n} says {k}.")
        threads = [threading.Thread(target=speak, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        threads_of = [self.linked(f"visitor {n} says 0.") for n in range(6)]
        self.assertEqual(len(set(threads_of)), 6)
        wait_for(lambda: len(self.slack.posts) == 18, "all is there")
        for n, ts in enumerate(threads_of):
            self.assertEqual(self.slack.thread(ts), [f"Visitor{n}: visitor {n} says {k}." for k in range(3)])
        for n, ts in enumerate(threads_of):
            self.slack.say(f"answer for {n}", ts)
        for n in range(6):
            wait_for(lambda n=n: self.said_to(*rooms[n]) == [f"answer for {n}"], f"visitor {n} has the own answer")

    def test_other_threads_are_nobodys(self):
        token, rid = self.open()
        self.client.say(token, rid, "hello")
        self.linked("hello")
        for ts in ("1699999999.000001", "", "1700000001.000100' OR 1=1 --", "{{ .links }}", "x" * 5000):
            self.slack.say("for somebody else", ts)
        self.slack.event({"type": "reaction_added", "user": "U1", "reaction": "thumbsup", "item": {"type": "message", "ts": "1.1"}})
        self.slack.event({"type": "message", "channel": "C024BE91L", "user": "U1", "text": "no thread at all", "ts": "1700000099.000001"})
        self.quiet(self.relay, self.slack)
        self.assertEqual(self.said_to(token, rid), [])
        self.assertEqual(self.slack.refused, [], "all of it is authentic, and answered")
        self.assertEqual(self.relay.cli_json("events", "list", "--failures")["events"], [], "and no failure of a rule")
        self.assertEqual([d for d in self.deliveries(self.relay) if d["destination"] == "visitors" and d["state"] != "dead"], [])

    def test_it_goes_on_after_a_kill_and_a_reload(self):
        token, rid = self.open()
        self.client.say(token, rid, "hello")
        ts = self.linked("hello")
        self.relay.kill()
        self.slack.say("while you were away", ts)
        self.relay.start()
        wait_for(lambda: self.said_to(token, rid) == ["while you were away"], "the answer found its chat")
        before = len(self.relay.log_text())
        self.relay.signal(1)
        wait_for(lambda: "reloaded" in self.relay.log_text(before), "reloaded")
        self.slack.say("and now", ts)
        self.client.say(token, rid, "fine")
        wait_for(lambda: self.said_to(token, rid)[1:] == ["and now"] and self.slack.thread(ts) == ["Ann: hello", "Ann: fine"], "both ways")

    def test_the_answers_of_a_chat_keep_their_order(self):
        token, rid = self.open()
        self.client.say(token, rid, "hello")
        ts = self.linked("hello")
        for n in range(20):
            self.slack.say(f"line {n}", ts)
        wait_for(lambda: len(self.said_to(token, rid)) == 20, "all lines")
        self.assertEqual(self.said_to(token, rid), [f"line {n}" for n in range(20)])

    def test_who_is_not_slack_is_refused(self):
        token, rid = self.open()
        self.client.say(token, rid, "hello")
        ts = self.linked("hello")
        body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "user": "U1", "text": "forged", "ts": "1.1",
                                                                              "thread_ts": ts}})
        now = time.time()
        good = Slack.sign(body)
        wrong = {
            "another secret": Slack.sign(body, secret="another-secret-0123456789abcdef"),
            "another body": Slack.sign(body + " "),
            "six minutes old": Slack.sign(body, at=now - 360),
            "six minutes ahead": Slack.sign(body, at=now + 360),
            "an old signature with a new time": {**good, "X-Slack-Request-Timestamp": str(int(now) - 1)},
            "no signature": {"X-Slack-Request-Timestamp": good["X-Slack-Request-Timestamp"]},
            "no time": {"X-Slack-Signature": good["X-Slack-Signature"]},
            "an empty signature": {**good, "X-Slack-Signature": "v0="},
            "half a signature": {**good, "X-Slack-Signature": good["X-Slack-Signature"][:-2]},
            "without its version": {**good, "X-Slack-Signature": good["X-Slack-Signature"][3:]},
            "another version": {**good, "X-Slack-Signature": "v1" + good["X-Slack-Signature"][2:]},
            "a time that is none": {**good, "X-Slack-Request-Timestamp": "soon"},
            "nothing": {},
        }
        for name, headers in wrong.items():
            with self.subTest(request=name):
                self.assertEqual(self.relay.post("/hooks/slack", body, headers)[0], 401)
        challenge = json.dumps({"token": "a-verification-token", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
                                "type": "url_verification"})
        self.assertEqual(self.relay.post("/hooks/slack", challenge, Slack.sign(challenge, secret="another-secret"))[0], 401)
        self.assertEqual(self.relay.post("/hooks/slack", challenge)[0], 401)
        status, text, _ = self.relay.post("/hooks/slack", challenge, Slack.sign(challenge))
        self.assertEqual((status, text), (200, b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"))
        self.assertEqual(self.relay.post("/hooks/slack", body, Slack.sign(body, at=now - 240))[0], 200, "four minutes are within reason")
        wait_for(lambda: self.said_to(token, rid), "the one that was signed arrived")
        self.quiet(self.relay, self.slack)
        self.assertEqual(self.said_to(token, rid), ["forged"], "and it alone")
        self.assertEqual(len(self.events(self.relay, "slack")), 1, "a challenge is not kept")
        stored = (self.relay.store.read_bytes() + (self.relay.directory / "chatrelay.db-wal").read_bytes())
        self.assertNotIn(b"a-verification-token", stored)
        self.assertNotIn(Slack.SECRET.encode(), stored)


class LiveChatAndRocketChat(Bridge):
    def setUp(self):
        self.livechat, self.rocketchat = self.service(LiveChat()), self.service(RocketChat())
        config = f"""sources:
  livechat: {{system: livechat, secrets: ["laudla991lamda0pnoaa0"]}}
  rocketchat: {{system: rocketchat, secrets: ["{RocketChat.SECRET}"], own: {{as_visitor: true}}}}
destinations:
  helpdesk: {{connector: rocketchat_visitor, url: '{self.rocketchat.url}', token_secret: a-long-secret-0123456789, pace: 1000/s, {QUICK}}}
  agent: {{connector: livechat, account: {LiveChat.ACCOUNT}, token: "{LiveChat.TOKEN}", agent: {LiveChat.AGENT}, base_url: '{self.livechat.url}',
          pace: 1000/s, {QUICK}}}
"""
        rules = """rules:
  - name: to Rocket.Chat
    on: [incoming_chat, incoming_event]
    from: [livechat]
    when: .message.author.role == "visitor" and .message.text != null and .message.repeated != true
    deliver:
      - to: helpdesk
        with: {text: "{{ .message.text }}", name: "{{ .visitor.name }}", email: "{{ .visitor.email }}"}
  - name: to LiveChat
    on: incoming_event
    from: [rocketchat]
    when: .message.author.role == "agent" and .message.text != null
    deliver:
      - to: agent
        with:
          chat: {linked: helpdesk, by: {rid: .raw._id}}
          text: "{{ .message.text }}"
  - name: who leaves here leaves there
    on: chat_deactivated
    from: [livechat]
    deliver: [{to: helpdesk, action: close, with: {}}]
"""
        self.relay = self.livechat.daemon = self.rocketchat.daemon = self.daemon(config, rules)

    def room_of(self, text):
        def found():
            return next((rid for rid in list(self.rocketchat.rooms) if text in self.rocketchat.texts(rid)), None)
        rid = wait_for(found, f"a room with {text}")
        wait_for(lambda: self.relay.api("GET", f"/api/links?remote={rid}")[1]["links"], "the room is remembered")
        return rid

    def test_there_and_back_and_the_end(self):
        self.livechat.begin("PJ0MRSHTDG", "hello from LiveChat")
        rid = self.room_of("hello from LiveChat")
        self.livechat.say("PJ0MRSHTDG", "are you there?")
        wait_for(lambda: self.rocketchat.texts(rid) == ["hello from LiveChat", "are you there?"], "the visitor's words, each once")
        self.rocketchat.say(rid, "yes, we are")
        self.rocketchat.say(rid, "how can we help?")
        wait_for(lambda: self.livechat.texts("PJ0MRSHTDG") == ["yes, we are", "how can we help?"], "the agent's words")
        self.livechat.say("PJ0MRSHTDG", "a colleague here", author="kim@example.com")
        self.quiet(self.relay, self.livechat, self.rocketchat)
        self.assertEqual(self.livechat.texts("PJ0MRSHTDG"), ["yes, we are", "how can we help?"])
        self.assertEqual(self.rocketchat.texts(rid), ["hello from LiveChat", "are you there?"], "who spoke is asked")
        self.assertEqual([action for action, _ in self.livechat.calls].count("add_user_to_chat"), 1, "the relay joins once")
        sent = [body["event"] for action, body in self.livechat.calls if action == "send_event"]
        ids = {d["id"] for d in self.deliveries(self.relay, "&destination=agent")}
        self.assertEqual({event["custom_id"] for event in sent}, ids)
        self.assertEqual((self.livechat.refused, self.rocketchat.refused), ([], []))
        spoken = [e for e in self.events(self.relay, "livechat") if e["type"] == "incoming_event"]
        self.assertEqual(len(spoken), 3, "the visitor twice (once a repetition) and the colleague: ours came back and were dropped")
        self.assertEqual(len(self.events(self.relay, "rocketchat")), 2, "there too")
        self.livechat.end("PJ0MRSHTDG")
        wait_for(lambda: not self.rocketchat.rooms[rid]["open"], "the room is closed")

    def test_many_at_once_are_kept_apart(self):
        chats = [f"CHAT{n}" for n in range(5)]
        for chat in chats:
            self.livechat.begin(chat, f"{chat} begins")
        for k in range(3):
            for chat in chats:
                self.livechat.say(chat, f"{chat} says {k}")
        rooms = {chat: self.room_of(f"{chat} begins") for chat in chats}
        self.assertEqual(len(set(rooms.values())), len(chats))
        for chat, rid in rooms.items():
            wait_for(lambda rid=rid: len(self.rocketchat.texts(rid)) == 4, "all of it")
            self.assertEqual(self.rocketchat.texts(rid), [f"{chat} begins"] + [f"{chat} says {k}" for k in range(3)])
            self.rocketchat.say(rid, f"answer for {chat}")
        for chat in chats:
            wait_for(lambda chat=chat: self.livechat.texts(chat) == [f"answer for {chat}"], f"{chat} has its answer")

    def test_a_message_that_nobody_answered_for_is_looked_for_and_not_repeated(self):
        """LiveChat took it and hung up: custom_id tells that it is there."""
        self.livechat.begin("PJ0MRSHTDG", "hello")
        rid = self.room_of("hello")
        send, lost = self.livechat.send_event, []

        def lose(body):
            answer = send(body)
            if not lost:
                lost.append(body)
                return None
            return answer
        self.livechat.send_event = lose
        self.rocketchat.say(rid, "yes?")
        wait_for(lambda: [d["state"] for d in self.deliveries(self.relay, "&destination=agent")] == ["delivered"], "delivered")
        self.assertEqual(self.livechat.texts("PJ0MRSHTDG"), ["yes?"], "once")
        self.assertEqual([action for action, _ in self.livechat.calls if action == "send_event"], ["send_event"])


class LiveHelperChatAndSlack(Bridge):
    def setUp(self):
        self.lhc, self.slack = self.service(LiveHelperChat()), self.service(Slack())
        config = f"""sources:
  lhc: {{system: livehelperchat, secrets: ["{LiveHelperChat.SECRET}"], own: {{names: [The team]}}}}
{SLACK_SOURCE}destinations:
{slack_destination(self.slack)}  answers: {{connector: livehelperchat, url: '{self.lhc.url}', user: {LiveHelperChat.USER}, key: "{LiveHelperChat.KEY}", {QUICK}}}
"""
        rules = TO_SLACK % "lhc" + FROM_SLACK % "answers" + "          name: The team\n"
        self.relay = self.lhc.daemon = self.slack.daemon = self.daemon(config, rules)

    def thread_of(self, text):
        post = wait_for(lambda: next((p for p in self.slack.posts if text in p["text"]), None), f"a post with {text}")
        ts = post.get("thread_ts") or post["ts"]
        wait_for(lambda: self.relay.api("GET", f"/api/links?remote={ts}")[1]["links"], "the thread is remembered")
        return ts

    def test_there_and_back(self):
        self.lhc.say(616, "hello")
        ts = self.thread_of("hello")
        self.lhc.say(616, "please")
        self.lhc.say(617, "somebody else")
        other = self.thread_of("somebody else")
        wait_for(lambda: self.slack.thread(ts) == ["Zoë: hello", "Zoë: please"], "both in one thread")
        self.slack.say("!close is no command, [html]neither[/html]", ts)
        self.slack.say("and you?", other)
        wait_for(lambda: len(self.lhc.texts(616)) == 1 and self.lhc.texts(617) == ["and you?"], "each chat has its answer")
        form = self.lhc.messages["616"][0]
        self.assertFalse(form["msg"].startswith("!"), form)
        self.assertNotIn("[html]", form["msg"])
        self.assertEqual((form["sender"], form["operator_name"], form["no_event"]), ("operator", "The team", "true"))
        self.lhc.operator_says(616, "a colleague over there")
        self.quiet(self.relay, self.lhc, self.slack)
        self.assertEqual(self.slack.thread(ts), ["Zoë: hello", "Zoë: please"])
        self.assertEqual((self.lhc.refused, self.slack.refused), ([], []))

    def test_a_server_that_sends_our_words_back_all_the_same(self):
        self.lhc.ignores_no_event = True
        self.lhc.say(616, "hello")
        ts = self.thread_of("hello")
        for n in range(3):
            self.slack.say(f"answer {n}", ts)
        wait_for(lambda: len(self.lhc.texts(616)) == 3, "the answers")
        self.quiet(self.relay, self.lhc, self.slack)
        self.assertEqual(len(self.events(self.relay, "lhc")), 1, "by the name they were written under")
        self.assertEqual(len(self.slack.posts), 1)


class Unmarked(chat_services.Service):
    """A chat system that gives everything back as if somebody had said it just now: another id, another author, no mark at all. `rooms`: what
    is said in a room is said by somebody in this one."""

    def __init__(self, hook):
        self.hook_path, self.heard, self.wraps = hook, [], "{}"
        super().__init__()

    def respond(self, got):
        body = got.json()
        self.heard.append((body["room"], body["text"]))
        self.say(body["room"], self.wraps.format(body["text"]))
        return 200, {}, b""

    def say(self, room, text):
        number = next(self.numbers)
        self.tell(self.hook_path, json.dumps({"id": f"{self.hook_path}-{number}", "room": room, "text": text, "user": f"u{number}"}))


class Loops(Bridge):
    """Rules that answer each other, without a question in `when`."""
    SOURCE = """  %s:
    system: generic
    verify: none
    map: {type: '"%s"', chat: .room, key: .id, message: '{id: .id, text: .text, author: {id: .user, role: "visitor"}}'}
"""
    RULE = """  - name: from %s to %s
    on: %s
    from: [%s]
    deliver: [{to: to_%s, with: {body: {room: "{{ .chat.id }}", text: "%s{{ .message.text }}"}}}]
"""

    def mirror(self, prefix="", kind="incoming_event"):
        a, b = self.service(Unmarked("/hooks/a")), self.service(Unmarked("/hooks/b"))
        config = "sources:\n" + self.SOURCE % ("a", kind) + self.SOURCE % ("b", kind) + "destinations:\n"
        for name, service in (("a", a), ("b", b)):
            config += f"  to_{name}: {{connector: webhook, url: '{service.url}/in', {QUICK}}}\n"
        rules = "rules:\n" + self.RULE % ("a", "b", kind, "a", "b", prefix) + self.RULE % ("b", "a", kind, "b", "a", prefix)
        relay = a.daemon = b.daemon = self.daemon(config, rules)
        return relay, a, b

    def assert_cut(self, relay, a, b, word):
        self.quiet(relay, a, b)
        turns = sum(word in text for service in (a, b) for _, text in service.heard)
        self.assertGreaterEqual(turns, 2, "the bridge works")
        self.assertLessEqual(turns, 20, "and the loop ends")
        return turns

    def test_two_rules_that_mirror_each_other(self):
        relay, a, b = self.mirror()
        a.say("room1", "hello hello")
        turns = self.assert_cut(relay, a, b, "hello hello")
        failed = relay.cli_json("events", "list", "--failures")["events"]
        self.assertEqual(len(failed), 1, "the turn that was cut is told as a failure of its rule")
        event = relay.api("GET", f"/api/events/{failed[0]['id']}")[1]
        self.assertIn("circles", event["failures"][0]["reason"])
        # What is said next goes through, in that chat and in others.
        a.say("room1", "something else")
        b.say("room2", "from the other side")
        self.assert_cut(relay, a, b, "something else")
        self.assert_cut(relay, a, b, "from the other side")
        self.assertIn(("room1", "something else"), b.heard)
        self.assertIn(("room2", "from the other side"), a.heard)
        # The same again, soon: it has no ten turns once more.
        a.say("room1", "hello hello")
        self.quiet(relay, a, b)
        again = sum("hello hello" in text for service in (a, b) for _, text in service.heard)
        self.assertLessEqual(again - turns, 2)

    def test_with_what_bridges_put_in_front(self):
        """Each turn makes the text longer: it is the same all the same."""
        relay, a, b = self.mirror("Ann: ")
        b.wraps = "*{}*"
        a.say("room1", "good morning")
        self.assert_cut(relay, a, b, "good morning")

    def test_whatever_the_source_calls_it(self):
        """A generic source's `map` may give a message any type."""
        relay, a, b = self.mirror(kind="team_message")
        a.say("room1", "hello hello")
        self.assert_cut(relay, a, b, "hello hello")

    def test_people_who_say_the_same_are_no_loop(self):
        """Many visitors greet with the same word, and the team greets back."""
        slack = self.service(Slack())
        config = (f"sources:\n  site: {{system: rocketchat, serve: true, limits: {NO_LIMITS}}}\n{SLACK_SOURCE}"
                  f"destinations:\n{slack_destination(slack)}  visitors: {{kind: conversation, source: site, name: The team}}\n")
        rules = TO_SLACK % "site" + FROM_SLACK % "visitors"
        relay = slack.daemon = self.daemon(config, rules)
        client = self.visitors(relay)
        rooms = []
        for n in range(30):
            token = client.visitor(name=f"V{n}")["token"]
            rooms.append((token, client.room(token)))
            client.say(*rooms[-1], "hello")
        wait_for(lambda: len(slack.posts) == 30, "every greeting arrived", 60)
        for post in list(slack.posts):
            wait_for(lambda post=post: relay.api("GET", f"/api/links?remote={post['ts']}")[1]["links"], "linked")
            slack.say("hello", post["ts"])
        for token, rid in rooms:
            wait_for(lambda token=token, rid=rid: [m["msg"] for m in client.history(token, rid)][:1] == ["hello"]
                     and len([m for m in client.history(token, rid) if m["msg"] == "hello"]) == 2, "and was greeted back")
        self.assertEqual(relay.cli_json("events", "list", "--failures")["events"], [])

    def test_a_rule_that_answers_its_own_chat(self):
        """A bot's rule without a question who spoke: it would answer itself for ever."""
        config = (f"sources:\n  site: {{system: rocketchat, serve: true, limits: {NO_LIMITS}}}\ndestinations:\n"
                  "  visitors: {kind: conversation, source: site}\n  notes: {kind: file, path: notes.jsonl}\n")
        rules = """rules:
  - name: the bot answers everything
    on: incoming_event
    deliver: [{to: visitors, with: {chat: "{{ .chat.id }}", text: "you said {{ .message.text }}"}}]
"""
        relay = self.daemon(config, rules)
        client = self.visitors(relay)
        token = client.visitor()["token"]
        rid = client.room(token)
        client.say(token, rid, "hi")
        wait_for(lambda: self.deliveries(relay, "&state=dead"), "it is stopped")
        self.quiet(relay)
        self.assertLessEqual(len(client.history(token, rid, count=100)), 6)

    def test_served_chats_mirrored_with_a_system_that_gives_no_mark(self):
        """The visitor's words go to a system that gives them back; what comes from there is said to the visitor, and goes there again."""
        b = self.service(Unmarked("/hooks/b"))
        config = (f"sources:\n  site: {{system: rocketchat, serve: true, limits: {NO_LIMITS}}}\n{self.SOURCE % ('b', 'incoming_event')}destinations:\n"
                  f"  to_b: {{connector: webhook, url: '{b.url}/in', {QUICK}}}\n  visitors: {{kind: conversation, source: site}}\n")
        rules = """rules:
  - name: there
    on: incoming_event
    from: [site]
    deliver: [{to: to_b, with: {body: {room: "{{ .chat.id }}", text: "{{ .message.text }}"}}}]
  - name: and back
    on: incoming_event
    from: [b]
    deliver: [{to: visitors, with: {chat: "{{ .chat.id }}", text: "{{ .message.text }}"}}]
"""
        relay = b.daemon = self.daemon(config, rules)
        client = self.visitors(relay)
        token = client.visitor()["token"]
        rid = client.room(token)
        client.say(token, rid, "round and round")
        wait_for(lambda: len(client.history(token, rid)) > 1, "it came back")
        self.quiet(relay, b)
        self.assertLessEqual(len(client.history(token, rid, count=100)), 20)
        self.assertLessEqual(len(b.heard), 20)
        client.say(token, rid, "still there?")
        wait_for(lambda: (rid, "still there?") in b.heard, "the bridge still works")


if __name__ == "__main__":
    main()
