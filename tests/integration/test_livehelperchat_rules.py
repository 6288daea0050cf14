"""Live Helper Chat's REST API: what its parts promise together. Kinds of messages, states of chats, tracking, presence, limits, strangers."""
import concurrent.futures
import json
import re

from harness import LHC_KEY, SECRET, Case, LiveHelperChat, basic, main, source_livehelperchat, wait_for

ARCHIVE = "destinations:\n  archive: {kind: file, path: archive.jsonl}\n  visitors: {kind: conversation}\n"
KEPT = """rules:
  - name: everything is kept
    on: "*"
    deliver: [{to: archive}]
"""


class Served(Case):
    def served(self, more="", rules=KEPT, config="", **keywords):
        daemon = self.daemon(source_livehelperchat(more, **keywords) + config + ARCHIVE, rules)
        return daemon, LiveHelperChat(daemon.public)

    def events(self, daemon, kind=None):
        archive = daemon.directory / "archive.jsonl"
        events = [json.loads(line) for line in archive.read_text().splitlines()] if archive.exists() else []
        return [e for e in events if kind in (None, e["type"])]


class Chats(Served):
    def test_kinds_of_messages(self):
        daemon, client = self.served()
        chat = client.start()
        client.say(chat, "from the visitor")
        for sender in ("operator", "bot", "system", "whisper"):
            client.answer(chat, f"from {sender}", sender)
        kinds = {m["msg"]: m["user_id"] for m in client.messages(chat)["messages"]}
        self.assertEqual(kinds["from the visitor"], 0)
        self.assertEqual((kinds["from operator"], kinds["from bot"], kinds["from system"], kinds["from whisper"]), (7, -2, -1, 7))
        without = [m["msg"] for m in client.messages(chat, ignore_system_messages="true")["messages"]]
        self.assertNotIn("from system", without)
        wait_for(lambda: any((e["message"] or {}).get("text") == "from whisper" for e in self.events(daemon)), "the whisper is archived")
        said = {e["message"]["text"]: (e["message"]["author"]["role"], e["message"]["audience"]) for e in self.events(daemon) if e["message"]}
        self.assertEqual(said["from the visitor"], ("visitor", "all"))
        self.assertEqual(said["from operator"], ("agent", "all"))
        self.assertEqual(said["from bot"], ("bot", "all"))
        self.assertEqual(said["from system"][1], "agents")
        self.assertEqual(said["from whisper"], ("agent", "agents"))

    def test_ids_of_messages_rise_and_are_a_cursor(self):
        daemon, client = self.served()
        chat = client.start()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def say(n):
                return LiveHelperChat(daemon.public).say(chat, f"message {n}")["id"]
            ids = list(pool.map(say, range(40)))
        self.assertEqual(len(set(ids)), 40)
        messages = client.messages(chat)["messages"]
        self.assertEqual([m["id"] for m in messages], sorted(m["id"] for m in messages))
        self.assertLessEqual(set(ids), {m["id"] for m in messages})
        middle = sorted(ids)[20]
        after = client.messages(chat, last_message_id=middle)["messages"]
        self.assertEqual([m["id"] for m in after], [i for i in sorted(ids) if i > middle])

    def test_states_of_chats(self):
        daemon, client = self.served()
        chat = client.start()
        self.assertEqual(client.chat(chat)["status"], 0)
        client.answer(chat, "hello")
        self.assertEqual(client.chat(chat)["status"], 1, "an operator who writes has accepted it")
        state = client.fine("GET", f"checkchatstatus?chat_id={chat['id']}&hash={chat['hash']}")["result"]
        self.assertEqual((state["activated"], state["closed"]), (True, False))
        for status in (5, 0, 1):
            client.fine("POST", "setchatstatus", {"chat_id": chat["id"], "status": status})
            self.assertEqual(client.chat(chat)["status"], status)
        client.fine("POST", "setchatstatus", {"chat_id": chat["id"], "status": 2})
        self.assertEqual(client.chat(chat)["status"], 2)
        self.assertIs(client.messages(chat)["closed"], True)
        wait_for(lambda: self.events(daemon, "chat_deactivated"), "its end is an event")
        self.assertEqual(len(self.events(daemon, "chat_deactivated")), 1)

    def test_a_commands_answer_means_that_it_is_kept(self):
        daemon, client = self.served()
        chat = client.start()
        said = client.say(chat, "before the crash")
        daemon.kill()
        daemon.start()
        client = LiveHelperChat(daemon.public)
        self.assertIn(said["id"], [m["id"] for m in client.messages(chat)["messages"]])
        self.assertEqual(client.chat(chat)["hash"], chat["hash"])

    def test_the_hash_of_one_chat_opens_no_other(self):
        daemon, client = self.served()
        mine, yours = client.start(), client.start()
        for view in ("addmsguser", "updatechatattributes"):
            answer = client.ask("POST", view, {"chat_id": yours["id"], "hash": mine["hash"], "msg": "x", "data": '{"a":{"val":"b"}}'}, authorization=None)
            self.assertNotEqual((answer.json or {}).get("error"), False, answer)
            self.assertNotEqual((answer.json or {}).get("stored"), "true", answer)
        client.ask("GET", f"closechatasvisitor?chat_id={yours['id']}&hash={mine['hash']}", authorization=None)
        self.assertEqual(client.chat(yours)["status"], 0)
        self.assertNotIn("x", [m["msg"] for m in client.messages(yours)["messages"]])


class Tracking(Served):
    def test_a_heartbeat_is_no_event_and_a_page_is(self):
        daemon, client = self.served()
        vid = client.check(dt="Main window", l="//app.example/main")["vid"]
        for _ in range(20):
            self.assertEqual(client.check(vid, dt="Main window", l="//app.example/main"), {"action": "continue", "vid": vid})
        client.check(vid, dt="About window", l="//app.example/about")
        wait_for(lambda: any("About window" in json.dumps(e) for e in self.events(daemon, "visitor_activity")), "the second window")
        activity = self.events(daemon, "visitor_activity")
        self.assertLess(len(activity), 8, "21 looks at one window are not 21 events")
        page = activity[-1]["visitor"]["page"]
        self.assertEqual(page["title"], "About window")
        self.assertIn("app.example/about", page["url"])
        self.assertEqual(len({e["visitor"]["id"] for e in activity}), 1)
        self.assertNotIn(vid, json.dumps(self.events(daemon)))

    def test_what_an_operator_left_is_read_once_and_can_start_a_chat(self):
        rules = KEPT + """
  - name: who looks at the price list is asked
    on: visitor_activity
    when: .visitor.page.title == "Price list" and .activity.invitation == null
    deliver: [{to: visitors, action: invite, with: {visitor: "{{ .visitor.id }}", text: "Can I help?", author: {id: "1", name: Jo, role: agent}}}]
"""
        daemon, client = self.served(rules=rules)
        path = "/(department)/5/(theme)/0/(operator)/0/(priority)/0/(survey)/0"
        vid = client.check(path=path, dt="Price list")["vid"]
        got = wait_for(lambda: (r := client.check(vid, path, dt="Price list"))["action"] == "read_message" and r, "the invitation")
        self.assertEqual(got["vid"], vid)
        self.assertEqual((got["args"]["name_support"], got["args"]["message"]), ("Jo", "Can I help?"))
        append = got["args"]["url_append"]
        self.assertTrue(append.startswith("/(department)/5/(theme)/0/(operator)/0/(priority)/0"), append)
        self.assertTrue(append.endswith(f"/(vid)/{vid}/(playsound)/true"), append)
        started = client.fine("POST", f"startchat{append}", {"Username": "Ann", "Question": "Yes", "proactive": "1"})["result"]["chat"]
        texts = [m["msg"] for m in client.messages(started)["messages"]]
        self.assertLess(texts.index("Can I help?"), texts.index("Yes"))
        self.assertNotEqual(client.check(vid, path, dt="Price list")["action"], "read_message")

    def test_who_is_not_watched_is_told_to_stop_asking(self):
        daemon, client = self.served("tracking: {ignore_departments: [6], ignore_addresses: [198.51.100.0/24]}")
        stop = {"action": "disable_check"}
        self.assertEqual(client.check(path="/(department)/6"), stop)
        self.assertEqual(client.check(ip="198.51.100.7"), stop)
        self.assertEqual(client.check(path="/(department)/5/6")["action"], "continue", "it is watched for the other department")
        wait_for(lambda: self.events(daemon, "visitor_activity"), "who is watched")
        self.assertEqual(len(self.events(daemon, "visitor_activity")), 1)

    def test_who_was_answered_while_away_is_told_once_where_the_chat_is(self):
        daemon, client = self.served()
        vid = client.check()["vid"]
        chat = client.start(vid)
        client.answer(chat, "are you still there?")
        got = client.check(vid)
        self.assertEqual((got["action"], got["vid"], got["args"]), ("reopen_chat", vid, {"chat_id": chat["id"], "hash": chat["hash"]}))
        self.assertEqual(client.check(vid)["action"], "continue")
        self.assertEqual(client.check()["action"], "continue", "it is nobody else's")

    def test_a_vid_that_was_made_up_is_replaced(self):
        daemon, client = self.served()
        for vid in ("", "x", "8bcyn2z5nguhpc5orks4", "%27%20or%201", "a%0Ab", "%ff", "../../x"):
            got = client.check(vid)["vid"]
            self.assertTrue(re.fullmatch(r"[0-9a-f]{32}", got), (vid, got))


class PresenceTold(Served):
    def online(self, client, path="isonline"):
        return client.fine("GET", path, authorization=None)["isonline"]

    def routing(self, daemon, agent, status):
        body = {"webhook_id": "w", "secret_key": SECRET, "action": "routing_status_set", "organization_id": "o",
                "payload": {"agent_id": agent, "status": status}, "additional_data": {}}
        self.assertEqual(daemon.post("/hooks/livechat", json.dumps(body))[0], 200)

    def test_livechat_says_who_is_there(self):
        daemon, client = self.served(config=f'  livechat: {{system: livechat, secrets: ["{SECRET}"], dedup: {{window: 0s}}}}\n')
        self.assertFalse(self.online(client))
        self.routing(daemon, "kim@example.com", "accepting_chats")
        wait_for(lambda: self.online(client), "Kim is there")
        self.assertEqual([self.online(client, p) for p in ("isonlineuser/2", "isonlineuser/1", "isonlinedepartment/5")], [True, False, False],
                         "who has all departments is explicit in none")
        self.routing(daemon, "jo@example.com", "accepting_chats")
        wait_for(lambda: self.online(client, "isonlinedepartment/5"), "Jo is in department 5")
        self.assertFalse(self.online(client, "isonlinedepartment/6"))
        for agent, status in (("jo@example.com", "not_accepting_chats"), ("kim@example.com", "offline")):
            self.routing(daemon, agent, status)
        wait_for(lambda: not self.online(client), "nobody is there")

    def test_what_was_set_stands_after_a_restart_and_is_in_every_event(self):
        daemon, client = self.served()
        client.start()
        wait_for(lambda: self.events(daemon, "incoming_chat"), "the first chat")
        daemon.cli("presence", "set", "online", "--user", "1")
        wait_for(lambda: self.online(client), "Jo is there")
        self.assertIn("Jo", daemon.cli("presence", "show").stdout)
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        client = LiveHelperChat(daemon.public)
        self.assertTrue(self.online(client, "isonlineuser/1"))
        client.start()
        wait_for(lambda: len(self.events(daemon, "incoming_chat")) == 2, "the second chat")
        self.assertEqual([e["presence"]["online"] for e in self.events(daemon, "incoming_chat")], [False, True])
        self.assertEqual(client.fine("GET", "setoperatorstatus?status=false&username=jo"), {"offline": 1})
        wait_for(lambda: not self.online(client), "she went")
        self.assertNotEqual(daemon.cli("presence", "set", "online", "--user", "999", check=False).returncode, 0)

    def test_a_page_may_keep_the_answer_for_as_long_as_it_is_told(self):
        daemon, client = self.served("status_cache: 5s")
        self.assertIn("max-age=5", client.ask("GET", "isonline", authorization=None).headers["cache-control"])
        for view in ("chatscount", "departments"):
            self.assertIn("no-store", client.ask("GET", view).headers["cache-control"])


class Strangers(Served):
    def test_a_key_that_calls_too_often_waits_and_others_do_not(self):
        daemon, client = self.served(limits="{}")
        statuses = [client.ask("GET", "chatscount").status for _ in range(182)]
        self.assertEqual(statuses, [200] * 180 + [429] * 2)
        refused = client.ask("GET", "chatscount")
        self.assertTrue(1 <= int(refused.headers["retry-after"]) <= 60, refused.headers)
        self.assertIs(refused.json["error"], True)
        self.assertEqual(client.ask("GET", "chatscount", authorization=basic("other", "other-key-0123456789")).status, 200)
        self.assertEqual(client.ask("GET", "isonline", authorization=None).status, 200)

    def test_who_guesses_keys_is_stopped_and_who_knows_one_is_not_told(self):
        daemon, client = self.served(limits="{failed_logins: 5/min}")
        guesses = [client.ask("GET", "chatscount", authorization=basic("admin", f"guess-{n}")) for n in range(7)]
        self.assertEqual([g.status for g in guesses[:5]], [200] * 5)
        self.assertTrue(all(g.json["error"] is True for g in guesses))
        self.assertEqual([g.status for g in guesses[5:]], [429] * 2)
        right = client.ask("GET", "chatscount", authorization=basic("admin", LHC_KEY))
        self.assertEqual(right.status, 429, "a right guess after too many wrong ones must not be told from them")

    def test_browsers_and_preflights(self):
        daemon, client = self.served()
        origin = {"Origin": "https://shop.example"}
        self.assertIn(client.ask("GET", "isonline", authorization=None, headers=origin).headers.get("access-control-allow-origin"),
                      ("*", "https://shop.example"))
        preflight = client.ask("OPTIONS", "isonline", authorization=None, headers={
            **origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"})
        self.assertIn(preflight.status, (200, 204))
        self.assertEqual(preflight.text, "")
        self.assertIn("GET", preflight.headers["access-control-allow-methods"])
        daemon, client = self.served('origins: ["https://shop.example"]')
        self.assertEqual(client.ask("GET", "isonline", authorization=None, headers=origin).headers.get("access-control-allow-origin"), "https://shop.example")
        for other in ("https://evil.example", "https://shop.example.evil.example", "null"):
            answer = client.ask("GET", "isonline", authorization=None, headers={"Origin": other})
            self.assertNotIn("access-control-allow-origin", answer.headers, other)

    def test_secrets_stay_out_of_events_log_and_listings(self):
        daemon, client = self.served()
        vid = client.check()["vid"]
        chat = client.start(vid)
        client.say(chat, "hello")
        client.answer(chat, "hello yourself")
        client.messages(chat, hash=chat["hash"])
        client.ask("GET", "chatscount", authorization=basic("admin", "a-wrong-key-that-is-a-secret"))
        client.fine("GET", f"closechatasvisitor?chat_id={chat['id']}&hash={chat['hash']}", authorization=None)
        wait_for(lambda: self.events(daemon, "chat_deactivated"), "all of it is archived")
        texts = {"archive": (daemon.directory / "archive.jsonl").read_text(), "log": daemon.log_text(), "metrics": daemon.metrics()}
        for command in (("events", "list"), ("chats", "list"), ("deliveries", "list")):
            texts[" ".join(command)] = daemon.cli(*command, "--json").stdout
        for where, text in texts.items():
            for what, secret in (("hash", chat["hash"]), ("vid", vid), ("key", LHC_KEY), ("guess", "a-wrong-key-that-is-a-secret")):
                self.assertNotIn(secret, text, f"the {what} is in {where}")

    def test_odd_paths_queries_and_bodies(self):
        daemon, client = self.served()
        chat = client.start()
        for path in ("nothing", "isonline/../chats", "chat/%zz", "chat/1/2/3", "chat/-1", "chat/9999999999999999999999", "", "chat/%00", "isonline/(",
                     "chatcheckoperatormessage/(vid", "isonline" + "/(a)/b" * 200):
            answer = client.ask("GET", path)
            self.assertIn(answer.status, (200, 400, 404, 405, 414), (path, answer))
        for query in ("chat_id=%", "chat_id[]=1", "chat_id[a][b]=1", "chat_id=1&chat_id=2", "&&&=", "chat_id=%ff%fe", "chat_id=1e9", "chat_id=" + "9" * 5000):
            answer = client.ask("GET", f"fetchchat?{query}")
            self.assertIn(answer.status, (200, 400, 414), (query, answer))
        for body, kind in (("{" * 100_000, "application/json"), ("a[" * 5000, "application/x-www-form-urlencoded"), ("--x\r\n", "multipart/form-data; boundary=x"),
                           ("x", "multipart/form-data"), ("msg=%zz", "application/x-www-form-urlencoded"), ("\xff", "application/json"), ("null", "application/json")):
            answer = client.ask("POST", "addmsguser", body=body, headers={"Content-Type": kind})
            self.assertIn(answer.status, (200, 400, 413), (kind, answer))
            self.assertNotEqual((answer.json or {}).get("error"), False, (kind, body[:20]))
        self.assertEqual(client.ask("POST", "addmsguser", {"chat_id": chat["id"], "hash": chat["hash"], "msg": "x" * 2_000_000}).status, 413)
        self.assertEqual([m["msg"] for m in client.messages(chat)["messages"] if m["user_id"] == 0], ["my Question"])

    def test_the_document_says_exactly_what_is_served(self):
        daemon, client = self.served()
        document = client.fine("GET", "swagger", authorization=None)
        self.assertRegex(document["openapi"], r"^3\.")
        served = set()
        for path, methods in document["paths"].items():
            view = path.split("/restapi/")[-1].strip("/").split("/")[0]
            served.add(view)
            for method in methods:
                if method in ("get", "post", "put", "delete"):
                    answer = client.ask(method.upper(), re.sub(r"\{\w+\}", "1", f"/restapi/{path.split('/restapi/')[-1].strip('/')}"),
                                        form={} if method in ("post", "put") else None, headers={"Accept": "application/json"})
                    self.assertNotIn(answer.status, (404, 405), (method, path))
        self.assertEqual(served - {"swagger"}, {
            "isonline", "isonlineuser", "isonlinedepartment", "isonlinechat", "chatcheckoperatormessage", "chats", "chatscount", "chat", "fetchchat",
            "fetchchatmessages", "departaments", "departments", "startchat", "checkchatstatus", "updatechatattributes", "setnewvid", "addmsguser",
            "addmsgadmin", "setchatstatus", "setoperatorstatus", "closechatasvisitor"})

    def test_hosts_keep_two_sites_apart(self):
        second = source_livehelperchat("hosts: [b.example]", name="second").split("sources:\n")[1]
        archive = ARCHIVE.replace("kind: conversation", "kind: conversation, source: first")
        daemon = self.daemon(source_livehelperchat("hosts: [a.example]", name="first") + second + archive, KEPT)
        a, b = LiveHelperChat(daemon.public, "a.example"), LiveHelperChat(daemon.public, "b.example:8080")
        chat = a.start()
        self.assertIs(b.ask("GET", f"fetchchat?chat_id={chat['id']}").json["error"], True)
        self.assertEqual(b.fine("GET", "chatscount")["list_count"], 0)
        self.assertEqual(a.fine("GET", "chatscount")["list_count"], 1)
        self.assertIn(LiveHelperChat(daemon.public, "c.example").ask("GET", "isonline").status, (404, 421))


if __name__ == "__main__":
    main()
