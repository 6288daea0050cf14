"""The services' own published clients as oracles: what @hubspot/api-client, @slack/web-api and jsforce send for an intent is what
the daemon's connector sends for it. Both are pointed at the same recorder.

What is equal: method, path (segment by segment, percent-decoded), query, the login (Authorization), the media type of a body, and the body
as a structure. What is left out: names and versions (User-Agent), how bytes travel (Accept-Encoding, Connection, chunks), and the order of
members. `Accept` is compared by what it must let through: JSON. Values that come to be with a delivery (its id, its time) are checked for
what they are, and then given to the client as part of its intent.
"""
import datetime
import functools
import html
import json
import os
import pathlib
import subprocess
import unittest
import urllib.parse

from harness import BINARY, Case, Sink, livechat_chat, livechat_event, main, npm_ci, source_livechat, wait_for

HERE = pathlib.Path(__file__).resolve().parent / "sdk_oracles"
STORE_KEY = "0123456789abcdef0123456789abcdef"
REDIRECT = "https://relay.example.com/oauth"
WRITTEN = 'Zoë 😀: "1 + 1" = 2 \\ & <b>'  # what a visitor wrote: all that needs care in JSON, forms, mrkdwn and HTML


class Recorder(Sink):
    """A sink that answers with JSON. `answer(received) -> (status, value)`."""

    def __init__(self, answer):
        super().__init__(lambda received: self.as_json(*answer(received)))
        self.url = self.url.removesuffix("/in")

    @staticmethod
    def as_json(status, value):
        return (status, {}, b"") if value is None else (status, {"content-type": "application/json"}, json.dumps(value).encode())

    def take(self):
        """What was received since the last take."""
        with self.lock:
            taken, self.received = self.received, []
            return taken


def form_of(text):
    """A form or a query: each name once, or the test has to say what several mean."""
    pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise AssertionError(f"a name stands twice in {text}")
    return dict(pairs)


def meaning(received):
    """The parts of a request that say what is wanted."""
    path, _, query = received.path.partition("?")
    said = {"method": received.method, "path": [urllib.parse.unquote(part, errors="strict") for part in path.split("/")],
            "query": form_of(query), "authorization": received.headers.get("authorization")}
    if received.body:
        said["type"] = received.headers["content-type"].split(";")[0].strip().lower()
        text = received.body.decode("utf-8")
        said["body"] = form_of(text) if said["type"] == "application/x-www-form-urlencoded" else json.loads(text)
    return said


def slack_meaning(received):
    """Slack's methods take their arguments as a form or as JSON, to the same effect. In a form everything is text: what is not a text
    itself stands there as JSON. So a form's arguments of other types are parsed, and then both are the same structure."""
    said = meaning(received)
    if said.pop("type", None) == "application/x-www-form-urlencoded":
        said["body"] = {name: json.loads(value) if name in ("blocks", "unfurl_links", "unfurl_media") else value
                        for name, value in said["body"].items()}
    return said


def lets_json_through(received):
    accepted = [part.split(";")[0].strip() for part in received.headers.get("accept", "*/*").split(",")]
    return bool({"application/json", "application/*", "*/*"} & set(accepted))


@functools.cache
def installed():
    return npm_ci(HERE, "sdk_oracles")


@unittest.skipUnless(os.environ.get("CHATRELAY_TEST_ALL"), "real counterparts are tested by scripts/test --all")
class Oracle(Case):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.work = installed()

    def recorder(self, answer):
        recorder = Recorder(answer)
        self.addCleanup(recorder.close)
        return recorder

    def sdk(self, name, login, *intents):
        """Lets the published client carry out the intents; answers what it made of the recorder's answers."""
        done = subprocess.run(["node", str(HERE / f"{name}.js"), str(self.work)], input=json.dumps([login, *intents]), capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def deliver(self, daemon, recorder, *bodies):
        """Posts webhooks one after the other, each when all before it is delivered; answers the requests that came of them."""
        for body in bodies:
            self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)
            wait_for(lambda: daemon.api("GET", "/api/events")[1]["events"][0]["planned"], "the event is planned")
            wait_for(lambda: not self.open_deliveries(daemon), f"everything is delivered\n{daemon.log_text()[-3000:]}")
        states = {(d["rule"], d["state"], d["reason"]) for d in self.deliveries(daemon) if d["state"] != "delivered"}
        self.assertEqual(states, set())
        return recorder.take()

    def deliveries(self, daemon):
        """In the order of planning."""
        return sorted(daemon.api("GET", "/api/deliveries?limit=100")[1]["deliveries"], key=lambda d: d["seq"])

    def open_deliveries(self, daemon):
        return [d for d in self.deliveries(daemon) if d["state"] in ("pending", "deferred")]

    def assert_same(self, ours, theirs, meaning=meaning):
        self.assertEqual([meaning(one) for one in ours], [meaning(one) for one in theirs])
        for one in ours:
            self.assertTrue(lets_json_through(one), one.headers)

    def assert_about_now(self, text):
        self.assertRegex(text, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        self.assertLess(abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()), 300)

    def authorize(self, daemon, name, code):
        """The code grant by paste; answers the address that it printed."""
        command = [BINARY, "destinations", "authorize", name, "--paste", "--redirect", REDIRECT, "--config", str(daemon.config_file)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**daemon.environment, "CHATRELAY_ADMIN": f"127.0.0.1:{daemon.admin}"})
        self.addCleanup(process.kill)
        address = next(line.strip() for line in process.stderr if line.strip().startswith("http"))
        state = form_of(urllib.parse.urlsplit(address).query)["state"]
        out, err = process.communicate(f"{REDIRECT}?code={code}&state={state}\n", timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        return address

    def assert_same_address(self, ours, theirs):
        """Ours may say more: PKCE (RFC 7636) and what RFC 6749 §4.1.1 asks for. Servers ignore what they do not know (§3.1)."""
        ours, theirs = urllib.parse.urlsplit(ours), urllib.parse.urlsplit(theirs)
        self.assertEqual((ours.scheme, ours.netloc, ours.path), (theirs.scheme, theirs.netloc, theirs.path))
        said, query = form_of(ours.query), form_of(theirs.query)
        self.assertEqual({name: said.get(name) for name in query}, query)
        more = {name: value for name, value in said.items() if name not in query}
        self.assertRegex(more.pop("code_challenge"), r"^[A-Za-z0-9_-]{43}$")
        self.assertEqual(more.pop("code_challenge_method"), "S256")
        self.assertEqual(more.pop("response_type", "code"), "code")
        self.assertEqual(more, {})

    def assert_same_code_request(self, ours, theirs):
        """The same, but for PKCE's verifier."""
        ours, theirs = meaning(ours), meaning(theirs)
        self.assertRegex(ours["body"].pop("code_verifier"), r"^[A-Za-z0-9._~-]{43,128}$")
        self.assertEqual(ours, theirs)


# ---- HubSpot

HUBSPOT_RULES = """rules:
  - name: a chat in the CRM
    on: incoming_chat
    deliver:
      - to: crm
        action: upsert_contact
        with:
          email: "{{ .visitor.email }}"
          firstname: "{{ .visitor.name }}"
          lastname: van Anderson
          phone: "+1 555"
          fields: {lifecyclestage: lead, seats: 5, vip: true}
      - {to: crm, action: create_ticket, with: {subject: "Chat: {{ .visitor.name }}", text: "{{ .message.text }}", priority: HIGH}}
      - {to: crm, action: add_note, with: {text: "{{ .message.text }}"}}
      - {to: crm, action: add_to_ticket, with: {text: "{{ .message.text }}"}}
      - {to: crm, action: create_task, with: {subject: Call back, text: "{{ .message.text }}", due: "2026-12-01T09:00:00Z", priority: LOW}}
"""


def hubspot_answer(received):
    now = {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "archived": False}
    if received.path.endswith("/batch/upsert"):
        return 200, {"status": "COMPLETE", "results": [{"id": "512", "new": True, "properties": {}, **now}], "startedAt": now["createdAt"],
                     "completedAt": now["updatedAt"]}
    if received.path == "/oauth/v1/token":
        return 200, {"token_type": "bearer", "access_token": "access-token-0123456789", "refresh_token": "refresh-token-0123456789",
                     "expires_in": 1800}
    if received.method == "GET":
        return 200, {"results": []}
    return 201, {"id": {"tickets": "77", "notes": "3001", "tasks": "4001"}[received.path.rsplit("/", 1)[1]], "properties": {}, **now}


class HubSpot(Oracle):
    def destination(self, recorder, more):
        return source_livechat() + f"""destinations:
  crm: {{connector: hubspot, base_url: "{recorder.url}", allow_private: true, {more}}}
"""

    def intents(self, daemon, ours):
        """The same in the client's terms. What a delivery gives of its own is taken from it, once it has been looked at."""
        bodies = [one.json() for one in ours]
        trace = bodies[0]["inputs"][0]["objectWriteTraceId"]
        self.assertEqual(trace, self.deliveries(daemon)[0]["id"])
        for note in (bodies[2], bodies[3]):
            self.assert_about_now(note["properties"]["hs_timestamp"])
        times = [body["properties"]["hs_timestamp"] for body in bodies[2:4]]
        text = html.escape(WRITTEN)
        properties = {"email": "t.anderson@example.com", "firstname": "Thomas", "lastname": "van Anderson", "phone": "+1 555",
                      "lifecyclestage": "lead", "seats": "5", "vip": "true"}
        ticket = {"subject": "Chat: Thomas", "content": WRITTEN, "hs_pipeline": "0", "hs_pipeline_stage": "1", "hs_ticket_priority": "HIGH"}
        task = {"hs_timestamp": "2026-12-01T09:00:00Z", "hs_task_subject": "Call back", "hs_task_body": text,
                "hs_task_status": "NOT_STARTED", "hs_task_type": "TODO", "hs_task_priority": "LOW"}
        return [{"name": "upsert_contact", "id": "t.anderson@example.com", "trace": trace, "properties": properties},
                {"name": "ticket_of_contact", "contact": "512", "properties": ticket},
                {"name": "note_of_contact_and_ticket", "contact": "512", "ticket": "77",
                 "properties": {"hs_timestamp": times[0], "hs_note_body": text}},
                {"name": "note_of_ticket", "ticket": "77", "properties": {"hs_timestamp": times[1], "hs_note_body": text}},
                {"name": "task_of_contact", "contact": "512", "properties": task}]

    def test_contacts_tickets_notes_and_tasks(self):
        recorder = self.recorder(hubspot_answer)
        daemon = self.daemon(self.destination(recorder, "token: pat-0123456789"), HUBSPOT_RULES)
        ours = self.deliver(daemon, recorder, livechat_chat(name="Thomas", text=WRITTEN))
        self.assertEqual(len(ours), 5)
        answers = self.sdk("hubspot", {"base_url": recorder.url, "token": "pat-0123456789"}, *self.intents(daemon, ours))
        self.assert_same(ours, recorder.take())
        # What the client reads from the answers is what the connector remembers of them.
        self.assertEqual([answers[0]["results"][0]["id"], answers[1]["id"]], ["512", "77"])
        links = json.dumps(daemon.cli_json("links", "PJ0MRSHTDG"))
        for remembered in ('"512"', '"77"'):
            self.assertIn(remembered, links)

    def test_the_probe(self):
        recorder = self.recorder(hubspot_answer)
        daemon = self.daemon(self.destination(recorder, "token: pat-0123456789"), "rules: []\n")
        daemon.cli("destinations", "test", "crm")
        ours = recorder.take()
        self.sdk("hubspot", {"base_url": recorder.url, "token": "pat-0123456789"}, {"name": "first_contact"})
        self.assert_same(ours, recorder.take())

    def test_oauth(self):
        recorder = self.recorder(hubspot_answer)
        app = {"client_id": "app-1", "client_secret": "se+cret/ =&"}
        settings = (f'client_id: app-1, client_secret: "{app["client_secret"]}", refresh_token: first-refresh-token, '
                    f'token_url: "{recorder.url}/oauth/v1/token"')
        daemon = self.daemon(f'store_key: "{STORE_KEY}"\n' + self.destination(recorder, settings), HUBSPOT_RULES)
        refreshed, *rest = self.deliver(daemon, recorder, livechat_chat(name="Thomas", text=WRITTEN))
        self.assertEqual({one.headers["authorization"] for one in rest}, {"Bearer access-token-0123456789"})
        self.sdk("hubspot", {"base_url": recorder.url}, {"name": "token_of_refresh_token", "refresh_token": "first-refresh-token", **app})
        self.assert_same([refreshed], recorder.take())
        address = self.authorize(daemon, "crm", "the-code")
        [asked] = recorder.take()
        scope = "crm.objects.contacts.read crm.objects.contacts.write tickets"
        state = form_of(urllib.parse.urlsplit(address).query)["state"]
        said = {"client_id": "app-1", "redirect_uri": REDIRECT, "scope": scope, "state": state}
        [theirs, _] = self.sdk("hubspot", {"base_url": recorder.url}, {"name": "authorize_address", **said},
                               {"name": "token_of_code", "code": "the-code", "redirect_uri": REDIRECT, **app})
        self.assert_same_address(address, theirs)
        self.assert_same_code_request(asked, recorder.take()[0])
        self.sdk("hubspot", {"base_url": recorder.url, "token": "access-token-0123456789"}, *self.intents(daemon, rest))
        self.assert_same(rest, recorder.take())


# ---- Slack

SLACK_RULES = """rules:
  - name: what visitors write
    on: [incoming_chat, incoming_event]
    when: .message.text != "alert"
    deliver:
      - {to: team, with: {text: "*{{ .visitor.name }}*: {{ .message.text }}"}}
  - name: what the whole team must see
    on: incoming_event
    when: .message.text == "alert"
    deliver:
      - to: team
        with: {text: "{{ .message.text }}", channel: C0ALERTS, thread: false,
               name: "{{ .visitor.name }}", icon_url: "https://example.com/z.png",
               blocks: [{type: section, text: {type: mrkdwn, text: "*{{ .message.text }}* & more"}}, {type: divider}]}
"""


def slack_answer(received):
    if received.path.endswith("/auth.test"):
        return 200, {"ok": True, "url": "https://acme.slack.com/", "team": "Acme", "user": "relay", "team_id": "T1", "user_id": "U1"}
    message = form_of(received.body.decode()) if b"=" in received.body[:9] else received.json()
    more = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
    ts = "1503435956.000247"
    return 200, {"ok": True, "channel": message["channel"], "ts": ts,
                 "message": {"type": "message", "text": message["text"], "ts": ts, **more}}


class Slack(Oracle):
    def setUp(self):
        self.record = self.recorder(slack_answer)
        self.login = {"base_url": f"{self.record.url}/api/", "token": "xoxb-0123456789"}
        self.relay = self.daemon(source_livechat() + f"""destinations:
  team: {{connector: slack, base_url: "{self.record.url}/api", allow_private: true, token: xoxb-0123456789, channel: C024BE91L}}
""", SLACK_RULES)

    def test_messages_and_threads(self):
        chat = livechat_chat(name="Zoë", text=WRITTEN)
        ours = self.deliver(self.relay, self.record, chat, livechat_event(event="E1", text="Are you there? <!channel>"),
                            livechat_event(event="E2", text="alert"))
        self.assertEqual(len(ours), 3)
        quiet = {"unfurl_links": False, "unfurl_media": False}
        first = {"channel": "C024BE91L", "text": "*Zoë*: " + html.escape(WRITTEN, quote=False), **quiet}
        second = {"channel": "C024BE91L", "text": "*Zoë*: Are you there? &lt;!channel&gt;", "thread_ts": "1503435956.000247", **quiet}
        third = {"channel": "C0ALERTS", "text": "alert", "username": "Zoë", "icon_url": "https://example.com/z.png", **quiet,
                 "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*alert* & more"}}, {"type": "divider"}]}
        answers = self.sdk("slack", self.login, *({"name": "post", "message": message} for message in (first, second, third)))
        self.assert_same(ours, self.record.take(), slack_meaning)
        # The thread is the one that the client reads from the answer.
        self.assertEqual(answers[0]["ts"], ours[1].json()["thread_ts"])

    def test_the_probe(self):
        self.relay.cli("destinations", "test", "team")
        ours = self.record.take()
        self.sdk("slack", self.login, {"name": "whose_token"})
        self.assert_same(ours, self.record.take(), slack_meaning)


# ---- Salesforce

SALESFORCE_RULES = """rules:
  - name: a chat in the CRM
    on: incoming_chat
    deliver:
      - to: crm
        action: upsert_contact
        with: {email: "{{ .visitor.email }}", firstname: "{{ .visitor.name }}", lastname: "O'Neil", phone: "+1 555", fields: {Title: CTO}}
      - to: crm
        action: create_ticket
        with: {subject: "Chat: {{ .visitor.name }}", text: "{{ .message.text }}", email: "{{ .visitor.email }}"}
      - {to: crm, action: add_to_ticket, with: {text: "{{ .message.text }}"}}
      - {to: crm, action: add_note, with: {text: "{{ .message.text }}"}}
      - {to: crm, action: create_task, with: {subject: Call back, due: "2026-12-01", priority: High}}
      - {to: crm, action: upsert_lead, with: {email: "{{ .visitor.email }}", name: "{{ .visitor.name }}", company: Acme}}
"""
CONTACT_SEARCH = "SELECT Id FROM Contact WHERE Chatrelay_Id__c = '{0}' OR Email = '{0}' ORDER BY LastModifiedDate DESC LIMIT 1"
LEAD_SEARCH = "SELECT Id FROM Lead WHERE Email = '{0}' AND IsConverted = false ORDER BY LastModifiedDate DESC LIMIT 1"


class Salesforce(Oracle):
    token = "00D000000000001!AQ4AQFxyz.0123456789"
    app = {"client_id": "3MVG9.consumer", "client_secret": "se+cret/ =&"}

    def setUp(self):
        self.record = self.recorder(self.answer)
        self.login = {"base_url": self.record.url, "token": self.token, "version": "65.0", **self.app}

    def answer(self, received):
        path = received.path.partition("?")[0]
        if path == "/services/oauth2/token":
            return 200, {"access_token": self.token, "instance_url": self.record.url, "token_type": "Bearer", "issued_at": "1278448101416",
                         "id": "https://login.salesforce.com/id/00D/005", "signature": "c2ln", "scope": "api",
                         **({"refresh_token": "5Aep861.refresh-token"} if b"authorization_code" in received.body else {})}
        if path.endswith("/query"):
            asked = form_of(received.path.partition("?")[2])["q"]
            known = [{"attributes": {"type": "Contact"}, "Id": "003xx0000000009AAA"}]
            records = known if "known@example.com" in asked and "Contact" in asked else []
            return 200, {"totalSize": len(records), "done": True, "records": records}
        if path.endswith("/limits"):
            return 200, {"DailyApiRequests": {"Max": 15000, "Remaining": 14998}}
        kind = path.split("/")[5]
        if received.method == "PATCH" and path.count("/") == 6:
            return 204, None
        ids = {"Contact": "003xx1AAA", "Case": "500xx1AAA", "CaseComment": "00axx1AAA", "Task": "00Txx1AAA", "Lead": "00Qxx1AAA"}
        return 201, {"id": ids[kind], "success": True, "errors": [], "created": True}

    def relay(self, more, rules=SALESFORCE_RULES):
        return self.daemon(f'store_key: "{STORE_KEY}"\n' + source_livechat() + f"""destinations:
  crm:
    connector: salesforce
    allow_private: true
    domain: "{self.record.url}"
    client_id: "{self.app['client_id']}"
{more}""", rules)

    def with_secret(self, rules=SALESFORCE_RULES):
        return self.relay(f'    client_secret: "{self.app["client_secret"]}"\n', rules)

    def writes(self, daemon, email, contact):
        """What follows the contact, in the client's terms."""
        ids = [one["id"] for one in self.deliveries(daemon)][-6:]
        today = self.deliveries(daemon)[-1]["created_at"][:10]
        key = "Chatrelay_Id__c"
        return [
            {"name": "upsert", "type": "Case", "key": key, "record": {
                key: ids[1], "Subject": "Chat: Shaun", "Description": WRITTEN, "Origin": "Chat", "ContactId": contact,
                "SuppliedEmail": email}},
            {"name": "create", "type": "CaseComment", "record": {"ParentId": "500xx1AAA", "CommentBody": WRITTEN, "IsPublished": False}},
            {"name": "upsert", "type": "Task", "key": key, "record": {
                key: f"{ids[3]}-0", "Subject": "Chat", "Status": "Completed", "Priority": "Normal", "TaskSubtype": "Task",
                "ActivityDate": today, "Description": WRITTEN, "WhoId": contact, "WhatId": "500xx1AAA"}},
            {"name": "upsert", "type": "Task", "key": key, "record": {
                key: ids[4], "Subject": "Call back", "Status": "Not Started", "Priority": "High", "ActivityDate": "2026-12-01",
                "WhoId": contact}},
            {"name": "query", "soql": LEAD_SEARCH.format(email.replace("'", "\\'"))},
            {"name": "upsert", "type": "Lead", "key": key, "record": {
                key: ids[5], "LastName": "Shaun", "Company": "Acme", "Email": email}}]

    def test_a_new_contact_and_what_follows(self):
        daemon = self.with_secret()
        email = "o'neil@example.com"
        ours = self.deliver(daemon, self.record, livechat_chat(name="Shaun", email=email, text=WRITTEN))
        person = {"FirstName": "Shaun", "LastName": "O'Neil", "Email": email, "Phone": "+1 555", "Title": "CTO"}
        self.sdk("salesforce", self.login, {"name": "token_of_app"},
                 {"name": "query", "soql": CONTACT_SEARCH.format("o\\'neil@example.com")},
                 {"name": "upsert", "type": "Contact", "key": "Chatrelay_Id__c", "record": {"Chatrelay_Id__c": email, **person}},
                 *self.writes(daemon, email, "003xx1AAA"))
        self.assert_same(ours, self.record.take())

    def test_a_contact_that_is_there(self):
        daemon = self.with_secret()
        email = "known@example.com"
        ours = self.deliver(daemon, self.record, livechat_chat(name="Shaun", email=email, text=WRITTEN))
        found = "003xx0000000009AAA"
        person = {"FirstName": "Shaun", "LastName": "O'Neil", "Email": email, "Phone": "+1 555", "Title": "CTO"}
        self.sdk("salesforce", self.login, {"name": "token_of_app"}, {"name": "query", "soql": CONTACT_SEARCH.format(email)},
                 {"name": "update", "type": "Contact", "record": {"Id": found, **person}}, *self.writes(daemon, email, found))
        self.assert_same(ours, self.record.take())

    def test_the_probe(self):
        daemon = self.with_secret("rules: []\n")
        daemon.cli("destinations", "test", "crm")
        ours = self.record.take()
        self.sdk("salesforce", self.login, {"name": "token_of_app"}, {"name": "limits"})
        self.assert_same(ours, self.record.take())

    def test_the_jwt_grant(self):
        key = self.directory() / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key)], check=True,
                       capture_output=True)
        daemon = self.relay(f'    grant: jwt_bearer\n    username: relay@example.com\n    private_key: "${{file:{key}}}"\n', "rules: []\n")
        daemon.cli("destinations", "test", "crm")
        ours = self.record.take()
        assertion = meaning(ours[0])["body"]["assertion"]
        self.sdk("salesforce", self.login, {"name": "token_of_assertion", "assertion": assertion}, {"name": "limits"})
        self.assert_same(ours, self.record.take())

    def test_the_code_grant_and_its_refresh(self):
        daemon = self.relay(f'    client_secret: "{self.app["client_secret"]}"\n    grant: refresh_token\n', "rules: []\n")
        address = self.authorize(daemon, "crm", "aPrx.the-code")
        [asked] = self.record.take()
        state = form_of(urllib.parse.urlsplit(address).query)["state"]
        [theirs, _] = self.sdk("salesforce", self.login,
                               {"name": "authorize_address", "redirect_uri": REDIRECT, "scope": "api refresh_token", "state": state},
                               {"name": "token_of_code", "redirect_uri": REDIRECT, "code": "aPrx.the-code"})
        self.assert_same_address(address, theirs)
        self.assert_same_code_request(asked, self.record.take()[0])

    def test_a_configured_refresh_token(self):
        grant = "    grant: refresh_token\n    refresh_token: 5Aep861.configured\n"
        daemon = self.relay(f'    client_secret: "{self.app["client_secret"]}"\n{grant}', "rules: []\n")
        daemon.cli("destinations", "test", "crm")
        ours = self.record.take()
        self.sdk("salesforce", self.login, {"name": "token_of_refresh_token", "refresh_token": "5Aep861.configured"}, {"name": "limits"})
        self.assert_same(ours, self.record.take())


if __name__ == "__main__":
    main()
