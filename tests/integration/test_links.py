"""What destinations answered is remembered with the visitor, the chat or the thread: the first message opens a thread or a ticket and the rest
go into it; both ways it can be looked up; a finished step is not done again. And what comes of a conversation at its end."""
import email
import email.policy
import json
import threading
import time
import urllib.parse

import scripted_destination as scripted
from chat_services import Slack
from harness import SECRET, SOURCE_DIR, Case, livechat_chat, livechat_event, main, source_livechat, wait_for

QUICK = "retry: {first: 100ms, max: 300ms}, circuit: {failures: 1000000}, allow_private: true"
SAYS = """rules:
  - name: messages
    on: [incoming_chat, incoming_event]
    when: .message.text != null and .message.repeated != true
    deliver: [{to: team, with: {text: "{{ .message.text }}"}}]
"""


def answer_json(value, status=200):
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


def ended(chat):
    return json.dumps({"webhook_id": "w", "secret_key": SECRET, "action": "chat_deactivated", "organization_id": "org",
                       "payload": {"chat_id": chat, "thread_id": "T" + chat, "user_id": "b7eff798-f8df-4364-8059-649c35c9ed0c"},
                       "additional_data": {}})


class Hub(Case):
    """Services that a test scripts by functions of what they received."""

    def post(self, daemon, body):
        self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)

    def begin(self, daemon, chat, text="Hello there", **more):
        self.post(daemon, livechat_chat(chat=chat, thread="T" + chat, text=text, **more))

    def say(self, daemon, chat, text, author=None, visibility="all", event=None):
        body = json.loads(livechat_event(chat=chat, thread="T" + chat, event=event or f"{chat}-{text}", text=text))
        body["payload"]["event"]["visibility"] = visibility
        if author:
            body["payload"]["event"]["author_id"] = author
        self.post(daemon, json.dumps(body))

    def deliveries(self, daemon, query=""):
        rows = daemon.api("GET", f"/api/deliveries?limit=500{query}")[1]["deliveries"]
        return [daemon.api("GET", f"/api/deliveries/{row['id']}")[1] for row in reversed(rows)]

    def all_delivered(self, daemon, count, limit_s=60):
        def states():
            rows = daemon.api("GET", "/api/deliveries?limit=500")[1]["deliveries"]
            return len(rows) == count and all(row["state"] == "delivered" for row in rows)
        wait_for(states, f"{count} deliveries, all delivered", limit_s)

    def links(self, daemon, chat):
        found = daemon.api("GET", f"/api/links?source=livechat&chat={urllib.parse.quote(chat)}")[1]["links"]
        return {(link["destination"], link["scope"], link["key"]): link["value"] for link in found}


class Threads(Hub):
    def slack_relay(self, slack, more="", rules=SAYS):
        self.addCleanup(slack.close)
        slack.daemon = self.daemon(
            f"{source_livechat()}destinations:\n  team: {{connector: slack, token: {Slack.TOKEN}, channel: C024BE91L, base_url: '{slack.base_url}', "
            f"pace: 1000/s, {QUICK}}}\n{more}", rules)
        return slack.daemon

    def test_what_comes_while_the_first_is_in_flight_goes_into_its_thread(self):
        slack = Slack(echo=False)
        slack.delay_s = 1
        daemon = self.slack_relay(slack)
        for n in range(6):  # all of it is here before Slack has answered the first
            for chat in ("A", "B", "C"):
                self.begin(daemon, chat, f"{chat}0") if n == 0 else self.say(daemon, chat, f"{chat}{n}")
        wait_for(lambda: len(slack.posts) == 3, "the first of each chat")
        slack.delay_s = 0
        self.all_delivered(daemon, 18)
        self.assertEqual(len(slack.posts), 18)
        for chat in ("A", "B", "C"):
            mine = [post for post in slack.posts if post["text"].startswith(chat)]
            self.assertEqual([post["text"] for post in mine], [f"{chat}{n}" for n in range(6)])
            self.assertEqual([post.get("thread_ts") for post in mine], [None] + [mine[0]["ts"]] * 5, "one thread")
            self.assertEqual(self.links(daemon, chat), {("team", "chat", "thread_ts"): mine[0]["ts"], ("team", "chat", "channel"): "C024BE91L"})

    def test_a_first_message_that_fails_opens_no_second_thread(self):
        slack, broken = Slack(echo=False), threading.Event()
        broken.set()
        respond = slack.respond
        slack.respond = lambda got: (503, {}, b"") if broken.is_set() else respond(got)
        daemon = self.slack_relay(slack)
        for n in range(4):
            self.say(daemon, "A", f"A{n}")
        wait_for(lambda: slack.count() >= 3, "the first is tried")
        broken.clear()
        self.all_delivered(daemon, 4)
        self.assertEqual([post.get("thread_ts") for post in slack.posts], [None] + [slack.posts[0]["ts"]] * 3)

    def test_it_survives_kills(self):
        slack = Slack(echo=False)
        daemon = self.slack_relay(slack)
        self.begin(daemon, "A", "A0")
        self.all_delivered(daemon, 1)
        for n in range(1, 4):
            daemon.kill() if n % 2 else daemon.stop()
            daemon.start()
            self.say(daemon, "A", f"A{n}")
            self.all_delivered(daemon, n + 1)
        self.assertEqual([post.get("thread_ts") for post in slack.posts], [None] + [slack.posts[0]["ts"]] * 3)

    def test_a_ticket_is_opened_once(self):
        """Zendesk takes a second for the ticket; comments come meanwhile."""
        opened, comments, lock = [], [], threading.Lock()

        def answer(got):
            if got.method == "POST" and got.path == "/tickets.json":
                time.sleep(1)
                with lock:
                    opened.append(got)
                    return answer_json({"ticket": {"id": 35000 + len(opened)}}, 201)
            if got.method == "PUT" and got.path.startswith("/tickets/"):
                with lock:
                    comments.append((got.path, got.json()["ticket"]["comment"]["body"]))
                return answer_json({"ticket": {"id": int(got.path[9:14])}})
            return answer_json({"tickets": []})
        sink = self.sink(answer)
        rules = """rules:
  - name: a ticket
    on: incoming_chat
    deliver: [{to: desk, action: create_ticket, with: {subject: "Chat {{ .chat.id }}", text: "{{ .message.text }}", email: "{{ .visitor.email }}"}}]
  - name: comments
    on: incoming_event
    deliver: [{to: desk, action: add_to_ticket, with: {text: "{{ .message.text }}"}}]
"""
        daemon = self.daemon(f"{source_livechat()}destinations:\n  desk: {{connector: zendesk, subdomain: acme, email: relay@acme.com, token: t-0123456789, "
                             f"base_url: '{sink.url[:-3]}', {QUICK}}}\n", rules)
        for chat in ("A", "B"):
            self.begin(daemon, chat)
            for n in range(4):
                self.say(daemon, chat, f"{chat}{n}")
        self.all_delivered(daemon, 10)
        self.assertEqual(len(opened), 2)
        tickets = {chat: self.links(daemon, chat)[("desk", "thread", "ticket_id")] for chat in ("A", "B")}
        self.assertEqual(sorted(tickets.values()), ["35001", "35002"])
        for chat, ticket in tickets.items():
            self.assertEqual([text for path, text in comments if path == f"/tickets/{ticket}.json"], [f"{chat}{n}" for n in range(4)])

    def test_several_chats_of_one_visitor_make_one_contact(self):
        """A CRM without an upsert: whoever searches at the same time finds nothing. Other visitors do not wait for that."""
        persons, calls, lock = {}, [], threading.Lock()
        hold = threading.Event()

        def answer(got):
            path = urllib.parse.urlsplit(got.path)
            if path.path.endswith("/persons/search"):
                term = dict(urllib.parse.parse_qsl(path.query))["term"]
                with lock:
                    found = persons.get(term)
                if term.startswith("ann"):
                    hold.wait(30)
                return answer_json({"success": True, "data": {"items": [{"item": {"id": found}}] if found else []}})
            address = got.json()["emails"][0]["value"]
            with lock:
                calls.append((got.method, address))
                if got.method == "POST":
                    persons.setdefault(address, 100 + len(persons))
                return answer_json({"success": True, "data": {"id": persons[address]}})
        sink = self.sink(answer)
        rules = """rules:
  - name: contacts
    on: incoming_chat
    deliver: [{to: crm, action: upsert_contact, with: {email: "{{ .visitor.email }}", name: "{{ .visitor.name }}"}}]
"""
        daemon = self.daemon(f"{source_livechat()}destinations:\n  crm: {{connector: pipedrive, token: t-0123456789, base_url: '{sink.url[:-3]}', {QUICK}}}\n", rules)

        def chat_of(chat, visitor, address):
            body = livechat_chat(chat=chat, thread="T" + chat, email=address).replace("b7eff798-f8df-4364-8059-649c35c9ed0c", visitor)
            self.post(daemon, body)
        ann, bob = "b7eff798-f8df-4364-8059-649c35c9ed0c", "11111111-2222-4333-8444-555555555555"
        for n in range(5):
            chat_of(f"A{n}", ann, "ann@example.com")
        chat_of("B0", bob, "bob@example.com")
        wait_for(lambda: ("POST", "bob@example.com") in calls, "another visitor's contact is made while hers is looked for")
        self.assertEqual(sum("ann" in r.path for r in sink.all()), 1, "the others of hers wait for the first")
        hold.set()
        self.all_delivered(daemon, 6)
        self.assertEqual([method for method, address in calls if address == "ann@example.com"], ["POST"] + ["PATCH"] * 4)
        for n in range(5):
            self.assertEqual(self.links(daemon, f"A{n}")[("crm", "visitor", "contact_id")], str(persons["ann@example.com"]))
        # And back: from the contact to every chat of the visitor.
        found = daemon.api("GET", f"/api/links?remote={persons['ann@example.com']}&destination=crm&key=contact_id")[1]["links"]
        self.assertEqual([(link["visitor_id"], sorted(link["chats"])) for link in found], [(ann, [f"A{n}" for n in range(5)])])


class LookingUp(Hub):
    def setUp(self):
        self.slack = Slack(echo=False)
        self.addCleanup(self.slack.close)
        self.contact = self.sink(lambda got: answer_json({"results": [{"id": "501", "new": True}], "status": "COMPLETE"}))
        rules = SAYS + """  - name: contacts
    on: incoming_chat
    deliver: [{to: crm, action: upsert_contact, with: {email: "{{ .visitor.email }}"}}]
"""
        self.relay = self.slack.daemon = self.daemon(
            f"{source_livechat()}destinations:\n  team: {{connector: slack, token: {Slack.TOKEN}, channel: C024BE91L, base_url: '{self.slack.base_url}', "
            f"pace: 1000/s, {QUICK}}}\n  crm: {{connector: hubspot, token: pat-0123456789, base_url: '{self.contact.url[:-3]}', {QUICK}}}\n", rules)

    def test_both_ways(self):
        self.begin(self.relay, "PJ0MRSHTDG", "one")
        self.say(self.relay, "PJ0MRSHTDG", "two")
        self.all_delivered(self.relay, 3)
        ts = self.slack.posts[0]["ts"]
        wanted = {("team", "chat", "thread_ts"): ts, ("team", "chat", "channel"): "C024BE91L", ("crm", "visitor", "contact_id"): "501"}
        self.assertEqual(self.links(self.relay, "PJ0MRSHTDG"), wanted)
        events = {e["type"]: e for e in self.relay.api("GET", "/api/events")[1]["events"]}

        # From the chat and from its events to the records.
        shown = self.relay.cli("links", "PJ0MRSHTDG").stdout
        event = self.relay.cli("events", "show", events["incoming_event"]["id"]).stdout
        chat = self.relay.cli("chats", "show", "PJ0MRSHTDG").stdout
        for text in (shown, event, chat):
            for value in (ts, "501", "team", "crm"):
                self.assertIn(value, text)
        of_event = self.relay.cli_json("events", "show", events["incoming_chat"]["id"])["links"]
        self.assertEqual({(link["destination"], link["scope"], link["key"]): link["value"] for link in of_event}, wanted)
        as_json = self.relay.cli_json("links", "PJ0MRSHTDG", "--source", "livechat")["links"]
        self.assertEqual(len(as_json), 3)

        # And from a record to the chat, and to the delivery and the event that made it.
        back = self.relay.cli_json("links", "--remote", ts)["links"]
        self.assertEqual([(link["destination"], link["key"], link["chats"]) for link in back], [("team", "thread_ts", ["PJ0MRSHTDG"])])
        # What saved it last: every message in the thread confirms it.
        delivery = self.relay.api("GET", f"/api/deliveries/{back[0]['delivery']}")[1]
        self.assertEqual((delivery["destination"], delivery["event_seq"]), ("team", back[0]["event_seq"]))
        contact = self.relay.cli_json("links", "--remote", "501", "--destination", "crm", "--key", "contact_id")["links"]
        self.assertEqual((contact[0]["scope"], contact[0]["chats"]), ("visitor", ["PJ0MRSHTDG"]))
        self.assertEqual(contact[0]["event_seq"], events["incoming_chat"]["seq"])
        self.assertIn("PJ0MRSHTDG", self.relay.cli("links", "--remote", "501").stdout)
        self.assertEqual(self.relay.cli_json("links", "--remote", "501", "--destination", "team")["links"], [])

    def test_what_is_not_there_and_what_is_asked_wrongly(self):
        self.begin(self.relay, "PJ0MRSHTDG", "one")
        self.all_delivered(self.relay, 2)
        self.assertEqual(self.relay.cli_json("links", "--remote", "502")["links"], [])
        self.assertNotEqual(self.relay.cli("links", "NOSUCHCHAT", check=False).returncode, 0)
        self.assertEqual(self.relay.cli("links", check=False).returncode, 64)
        self.assertEqual(self.relay.cli("links", "PJ0MRSHTDG", "--remote", "501", check=False).returncode, 64)
        for query in ("", "?chat=PJ0MRSHTDG", "?source=livechat", "?source=livechat&chat=X&remote=501", "?source=livechat&chat=X&key=k", "?nonsense=1"):
            status, answer = self.relay.api("GET", "/api/links" + query)
            self.assertEqual((status, bool(answer["error"])), (400, True), query)
        for hostile in ("' OR 1=1 --", "%", "_", "*", "{{ .links }}", "\u202e501", "x" * 4000):
            found = self.relay.api("GET", "/api/links?remote=" + urllib.parse.quote(hostile))
            self.assertEqual((found[0], found[1].get("links")), (200, []), hostile)

    def test_they_survive_a_kill_and_a_stop(self):
        self.begin(self.relay, "PJ0MRSHTDG", "one")
        self.all_delivered(self.relay, 2)
        before = self.links(self.relay, "PJ0MRSHTDG")
        self.assertEqual(len(before), 3)
        self.relay.kill()
        self.relay.start()
        self.assertEqual(self.links(self.relay, "PJ0MRSHTDG"), before)
        self.assertEqual(self.relay.stop(), 0)
        self.relay.start()
        self.assertEqual(self.links(self.relay, "PJ0MRSHTDG"), before)

    def test_links_in_a_rule_are_as_of_its_turn_and_stay(self):
        """A `with` that uses links is rendered at the head of its lane, once: every retry sends the same bytes."""
        seen, fail = [], threading.Event()
        fail.set()

        def answer(got):
            seen.append(got.body)
            return (500, {}, b"") if fail.is_set() else (200, {}, b"")
        hook = self.sink(answer)
        self.relay.write(self.relay.config_file.read_text() + f"  hook: {{connector: webhook, url: '{hook.url}', {QUICK}}}\n", """rules:
  - name: contacts
    on: incoming_chat
    deliver: [{to: crm, action: upsert_contact, with: {email: "{{ .visitor.email }}"}}]
  - name: told with its contact
    on: incoming_event
    deliver: [{to: hook, with: {body: {text: "{{ .message.text }}", contact: "{{ .links.crm.contact_id }}", all: "{{ .links }}"}}}]
""")
        before = len(self.relay.log_text())
        self.relay.signal(1)
        wait_for(lambda: "reloaded" in self.relay.log_text(before), "reloaded")
        self.begin(self.relay, "PJ0MRSHTDG")
        self.all_delivered(self.relay, 1)
        self.say(self.relay, "PJ0MRSHTDG", "one")
        wait_for(lambda: len(seen) >= 2, "it was tried twice")
        # Another contact, and a restart: what was rendered stays.
        self.contact.answer = lambda got: answer_json({"results": [{"id": "999"}], "status": "COMPLETE"})
        self.begin(self.relay, "ANOTHER")
        wait_for(lambda: self.links(self.relay, "ANOTHER").get(("crm", "visitor", "contact_id")) == "999", "the visitor's contact is another one now")
        self.relay.kill()
        self.relay.start()
        count = len(seen)
        wait_for(lambda: len(seen) > count, "it is tried again")
        fail.clear()
        wait_for(lambda: not [d for d in self.deliveries(self.relay, "&destination=hook") if d["state"] != "delivered"], "delivered")
        bodies = {bytes(body) for body in seen}
        self.assertEqual(len(bodies), 1)
        body = json.loads(bodies.pop())
        self.assertEqual((body["text"], body["contact"], body["all"]["crm"]), ("one", "501", {"contact_id": "501"}))
        self.say(self.relay, "PJ0MRSHTDG", "two")
        wait_for(lambda: json.loads(seen[-1])["text"] == "two", "the next one")
        self.assertEqual(json.loads(seen[-1])["contact"], "999")


TWO_STEPS = """connector: two_steps
version: 1
about: A CRM without keys, that makes a contact and then a note
settings:
  url: {type: url, required: true}
base_url: "{{ .settings.url | raw }}"
actions:
  note:
    with: {text: {required: true}}
    steps:
      - name: contact
        if: .links.visitor.contact_id == null
        request: {url: /contacts, body: {name: someone}}
        keep: {id: .id}
        save: {scope: visitor, contact_id: .id}
      - name: note
        request: {url: "/contacts/{{ .links.visitor.contact_id }}/notes", body: {text: "{{ .with.text }}"}}
tests:
  - name: both
    settings: {url: "https://crm.example"}
    with: {text: hi}
    exchange:
      - {expect_request: {url: "https://crm.example/contacts"}, reply: {body: {id: "7"}}}
      - {expect_request: {url: "https://crm.example/contacts/7/notes", body: {text: hi}}}
    expect_class: ok
    expect_saved: {visitor: {contact_id: "7"}}
"""


class Steps(Hub):
    """Between a finished step and the next."""

    def setUp(self):
        self.contacts, self.notes, self.stuck = [], [], threading.Event()
        self.fault = None

        def play(exchange):
            if exchange.request.path == "/contacts":
                self.contacts.append(exchange.request)
                return exchange.answer(200, json.dumps({"id": str(6 + len(self.contacts))}).encode())
            self.notes.append(exchange.request)
            (self.fault or (lambda e: e.answer()))(exchange)
        self.crm = scripted.Server(play)
        self.addCleanup(self.crm.close)

    def relay(self, more="timeout: 60s"):
        rules = "rules:\n  - name: notes\n    on: incoming_event\n    deliver: [{to: crm, with: {text: '{{ .message.text }}'}}]\n"
        daemon = self.daemon(f"connectors: [connectors]\n{source_livechat()}destinations:\n  crm: {{connector: two_steps, url: '{self.crm.url}', "
                             f"{more}, {QUICK}}}\n", rules, start=False)
        (daemon.directory / "connectors").mkdir()
        (daemon.directory / "connectors" / "two_steps.yaml").write_text(TWO_STEPS)
        return daemon.start()

    def test_a_retry_does_not_repeat_what_is_done(self):
        self.fault = lambda e: e.answer(503)
        daemon = self.relay()
        self.say(daemon, "A", "one")
        wait_for(lambda: len(self.notes) >= 4, "the second step is tried again")
        daemon.stop()
        daemon.start()
        before = len(self.notes)
        wait_for(lambda: len(self.notes) > before, "also after a restart")
        self.fault = None
        self.all_delivered(daemon, 1)
        self.assertEqual(len(self.contacts), 1)
        self.assertEqual({r.path for r in self.notes}, {"/contacts/7/notes"})

    def test_a_kill_after_a_finished_step_does_not_repeat_it(self):
        self.fault = lambda e: e.wait_for_the_other_side(60)
        daemon = self.relay()
        for n in range(3):
            chat = f"C{n}"
            body = livechat_event(chat=chat, thread="T" + chat, event=chat, text=chat)
            self.post(daemon, body.replace("b7eff798-f8df-4364-8059-649c35c9ed0c", f"b7eff798-f8df-4364-8059-00000000000{n}"))
            wait_for(lambda n=n: len(self.contacts) == n + 1 and len(self.notes) == 2 * n + 1, "the first step is done, the second hangs")
            daemon.kill()
            self.fault = None
            daemon.start()
            self.all_delivered(daemon, n + 1)
            self.assertEqual(len(self.contacts), n + 1, "the finished step is not done again")
            self.assertEqual(self.links(daemon, chat), {("crm", "visitor", "contact_id"): str(7 + n)})
            self.assertEqual({r.path for r in self.notes[2 * n:]}, {f"/contacts/{7 + n}/notes"}, "and what it answered is known")
            self.assertEqual(len(self.notes), 2 * n + 2)
            self.fault = lambda e: e.wait_for_the_other_side(60)


class Endings(Hub):
    """At the end the whole conversation as one note, mail or line."""
    RULES = """rules:
  - name: the mail of the conversation
    on: chat_deactivated
    deliver:
      - to: mailbox
        with: {subject: "Chat {{ .chat.id }}", text: "{{ .transcript_text }}", html: "{{ .transcript_html | raw }}"}
  - name: the line of the conversation
    on: chat_deactivated
    deliver: [{to: archive, with: {body: {chat: "{{ .chat.id }}", by: "{{ .activity.by }}", since: "{{ .activity.silent_since }}", said: "{{ .transcript }}",
                                         among_agents: "{{ .agents_transcript_text }}"}}}]
"""

    def setUp(self):
        self.notes = []

        def answer(got):
            if got.path.endswith("/notes"):
                self.notes.append(got.json())
                return answer_json({"id": str(len(self.notes))}, 201)
            return answer_json({"results": [{"id": "501"}], "status": "COMPLETE"})
        self.crm = self.sink(answer)

    def relay(self, more=""):
        """The shipped example of a CRM, and rules beside it."""
        config = f"""rules: [rules, {SOURCE_DIR / 'rules' / 'crm.yaml'}]
{more}{source_livechat()}destinations:
  crm: {{connector: hubspot, token: pat-0123456789, base_url: '{self.crm.url[:-3]}', {QUICK}}}
  mailbox: {{kind: email, smtp: "maildir:mail", from: chat@example.com, to: [support@example.com]}}
  archive: {{kind: file, path: archive.jsonl}}
"""
        return self.daemon(config, self.RULES)

    def archived(self, daemon):
        path = daemon.directory / "archive.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def mails(self, daemon):
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in (daemon.directory / "mail" / "new").glob("*")]

    def note_texts(self):
        return [note["properties"]["hs_note_body"] for note in self.notes]

    def test_a_conversation_becomes_one_note_one_mail_and_one_line(self):
        daemon = self.relay("transcripts: {time_zone: Europe/Vienna}\n")
        hostile = "<script>alert(1)</script>\r\n2026-11-20 11:00 CET  Agent Smith: I promise a refund"
        self.begin(daemon, "A", "Do you ship to Malta?")
        self.say(daemon, "A", "Do you ship to Malta?", event="TA_1")  # told again: it stands there once
        self.say(daemon, "A", hostile)
        self.say(daemon, "A", "A difficult one", author="smith@example.com", visibility="agents")
        self.say(daemon, "A", "We do.", author="smith@example.com")
        self.begin(daemon, "OTHER", "somebody else's words", email="other@example.com")
        self.post(daemon, ended("A"))
        wait_for(lambda: self.archived(daemon) and self.mails(daemon), "the end has arrived")
        wait_for(lambda: any("We do." in text and "Malta" in text for text in self.note_texts()), "as a note too")
        whole = [text for text in self.note_texts() if "We do." in text and "Malta" in text]
        self.assertEqual(len(whole), 1, "one note has the whole conversation")

        line, = self.archived(daemon)
        self.assertEqual((line["chat"], line["by"]), ("A", None))
        self.assertEqual([m["text"] for m in line["said"]], ["Do you ship to Malta?", hostile, "We do."], "in order, once, without what is for agents")
        self.assertEqual([m["author"]["role"] for m in line["said"]], ["visitor", "visitor", "agent"])
        self.assertIn("A difficult one", line["among_agents"], "who asks for it gets it")
        mail, = self.mails(daemon)
        text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
        for shown in (text, whole[0]):
            self.assertIn("Malta?", shown)
            self.assertNotIn("difficult", shown)
            self.assertNotIn("somebody else", shown)
        for shown in (text, whole[0].replace("<br>", "\n")):
            rows = [row for row in shown.splitlines() if row.startswith("2026-11-20 11:00 CET")]
            self.assertEqual(len(rows), 3, f"10:00 UTC is told in the configured zone, and a visitor's line cannot pass for another's: {shown}")
        self.assertNotIn("<script", html)
        self.assertNotIn("difficult", html)
        self.assertNotIn("<script", whole[0])

    def test_a_long_conversation_is_split_in_order_and_nothing_is_lost(self):
        daemon = self.relay()
        self.begin(daemon, "A", "the beginning")
        words = [f"number{n:03} " + "lorem ipsum " * 40 for n in range(60)]
        for text in words:
            self.say(daemon, "A", text)
        self.post(daemon, ended("A"))
        wait_for(lambda: self.archived(daemon), "the end has arrived")
        self.all_delivered(daemon, 1 + 61 + 3, 120)
        parts = [text for text in self.note_texts() if text.count("number0") > 1]
        self.assertGreater(len(parts), 2, "HubSpot's limit makes several of it")
        joined = "".join(parts)
        places = [joined.find(f"number{n:03}") for n in range(60)]
        self.assertNotIn(-1, places)
        self.assertEqual(places, sorted(places))

    def test_a_silent_chat_is_closed_and_says_so(self):
        """A chat whose end never comes. The smallest silence there is."""
        self.assertIn("minute", self.check("conversations: {silence: 59s}\n"))
        daemon = self.relay("conversations: {silence: 1m}\n")
        self.begin(daemon, "SILENT", "is anybody there?")
        self.begin(daemon, "BUSY", "one moment", email="busy@example.com")
        self.begin(daemon, "OVER", "bye", email="over@example.com")
        self.post(daemon, ended("OVER"))
        begun = time.monotonic()
        talks = threading.Event()

        def talk():
            n = 0
            while not talks.wait(15):
                n += 1
                self.say(daemon, "BUSY", f"still here {n}")
        talking = threading.Thread(target=talk, daemon=True)
        talking.start()
        self.addCleanup(talks.set)
        time.sleep(20)
        daemon.kill()  # what is silent is known without a memory of it
        daemon.start()
        wait_for(lambda: any(line["chat"] == "SILENT" for line in self.archived(daemon)), "the silent chat was ended", 180)
        took = time.monotonic() - begun
        self.assertGreater(took, 59)
        self.assertLess(took, 150)
        lines = {line["chat"]: line for line in self.archived(daemon)}
        self.assertEqual((lines["SILENT"]["by"], lines["OVER"]["by"]), ("silence", None), "it says so")
        self.assertTrue(lines["SILENT"]["since"])
        self.assertEqual([m["text"] for m in lines["SILENT"]["said"]], ["is anybody there?"])
        self.assertNotIn("BUSY", lines, "who speaks is not silent")
        wait_for(lambda: len([t for t in self.note_texts() if "is anybody there?" in t]) == 2, "the note of the message, and of the conversation")
        event = daemon.api("GET", "/api/events?source=livechat&chat=SILENT&type=chat_deactivated")[1]["events"]
        self.assertEqual(len(event), 1)
        chats = {row["chat_id"]: row["status"] for row in daemon.api("GET", "/api/chats")[1]["chats"]}
        self.assertEqual((chats["SILENT"], chats["BUSY"], chats["OVER"]), ("closed", "active", "closed"))
        talks.set()
        talking.join(30)
        self.assertEqual(len([line for line in self.archived(daemon) if line["chat"] != "BUSY"]), 2, "each end is told once")

    def check(self, more):
        daemon = self.daemon(more + source_livechat(), "rules: []\n", start=False)
        done = daemon.cli("check", check=False)
        self.assertEqual(done.returncode, 78, done.stdout + done.stderr)
        return done.stdout + done.stderr


if __name__ == "__main__":
    main()
