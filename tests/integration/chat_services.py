"""Chat systems that answer as their documentation says and send webhooks of what happens in them, our own messages included: Slack (Web API and
Events API), LiveChat (Agent Chat API), Rocket.Chat (livechat API), Live Helper Chat (REST API).

Each speaks to a daemon through `hook(path, body, headers) -> status`. Webhooks leave one after another, on a thread of their own; one that is
not answered 200 is kept in `refused`.
"""
import base64
import hashlib
import hmac
import http.client
import itertools
import json
import queue
import threading
import time
import urllib.parse

import harness


def ok(value, status=200):
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


class Service(harness.Sink):
    def __init__(self):
        super().__init__(self._answer)
        self.url = self.url.removesuffix("/in")
        self.daemon, self.numbers = None, itertools.count(1)
        self.outbox, self.webhooks, self.refused = queue.Queue(), 0, []
        threading.Thread(target=self._send_webhooks, daemon=True).start()

    def _answer(self, got):
        with self.lock:
            answer = self.respond(got)
        return answer() if callable(answer) else answer

    def tell(self, path, body, headers=None):
        """Puts a webhook on its way."""
        self.outbox.put((path, body, headers or (lambda _: {})))

    def told(self):
        """Waits until every webhook that is on its way was answered."""
        harness.wait_for(lambda: self.outbox.unfinished_tasks == 0, "webhooks were sent")

    def hook(self, path, body, headers):
        return self.daemon.post(path, body, headers)[0]

    def _send_webhooks(self):
        while True:
            path, body, headers = self.outbox.get()
            for _ in range(100):  # until the daemon is there again: none of these systems gives up at once
                try:
                    status = self.hook(path, body, headers(body))
                    break
                except (OSError, http.client.HTTPException):
                    status = 0
                    time.sleep(0.1)
            self.webhooks += 1
            if status != 200:
                self.refused.append((status, body))
            self.outbox.task_done()


class Slack(Service):
    """One channel. `delay_s`: how long chat.postMessage takes."""

    TOKEN, SECRET, PATH, BOT = "xoxb-0123456789-fake", "8f742231b10e8888abcd99yyyzzz85a5", "/hooks/slack", "B19LU7CSY"

    def __init__(self, echo=True):
        self.posts, self.delay_s, self.echo = [], 0, echo
        super().__init__()
        self.base_url = self.url + "/api"

    def respond(self, got):
        if got.path != "/api/chat.postMessage" or got.method != "POST":
            return ok({"ok": False, "error": "unknown_method"})
        if got.headers.get("authorization") != f"Bearer {self.TOKEN}":
            return ok({"ok": False, "error": "invalid_auth"})
        message = got.json()
        known = {post["ts"] for post in self.posts}
        if message.get("thread_ts") is not None and message["thread_ts"] not in known:
            return ok({"ok": False, "error": "thread_not_found"})
        ts = self._ts()
        post = {"ts": ts, "at": got.at, **message}
        self.posts.append(post)
        said = {"type": "message", "subtype": "bot_message", "bot_id": self.BOT, "app_id": "A1", "text": message["text"], "ts": ts,
                **({"thread_ts": message["thread_ts"]} if message.get("thread_ts") else {})}
        if self.echo:
            self.event({**said, "channel": message["channel"]})
        answer = ok({"ok": True, "channel": message["channel"], "ts": ts, "message": said})
        return lambda: (time.sleep(self.delay_s), answer)[1]

    def _ts(self):
        return f"17000000{next(self.numbers):02}.000100"

    def thread(self, ts):
        """The texts of one thread, the first message included."""
        return [post["text"] for post in self.posts if post["ts"] == ts or post.get("thread_ts") == ts]

    def event(self, event):
        number = next(self.numbers)
        body = {"token": "a-verification-token", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event_id": f"Ev{number:08}",
                "event_time": int(time.time()), "event": event}
        self.tell(self.PATH, json.dumps(body), self.sign)
        return body

    def say(self, text, thread_ts, user="U061F7AUR", times=1):
        """A member of the team answers in a thread. `times`: Slack did not hear our answers, and tries again."""
        event = {"type": "message", "channel": "C024BE91L", "user": user, "text": text, "ts": self._ts(), "thread_ts": thread_ts}
        body = json.dumps(self.event(event))
        for number in range(1, times):
            again = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"}
            self.tell(self.PATH, body, lambda body, again=again: {**self.sign(body), **again})

    @classmethod
    def sign(cls, body, secret=None, at=None):
        timestamp = str(int(time.time() if at is None else at))
        digest = hmac.new((secret or cls.SECRET).encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": "v0=" + digest}


class LiveChat(Service):
    """The Agent Chat API, and the webhooks of the licence."""

    ACCOUNT, TOKEN, AGENT, CUSTOMER = "a1b2c3d4-account", "dal:pat-0123456789", "relay@example.com", "b7eff798-f8df-4364-8059-649c35c9ed0c"

    def __init__(self):
        self.chats, self.joined, self.calls = {}, set(), []
        super().__init__()

    def respond(self, got):
        action = got.path.rsplit("/", 1)[1]
        self.calls.append((action, got.json()))
        login = "Basic " + base64.b64encode(f"{self.ACCOUNT}:{self.TOKEN}".encode()).decode()
        if got.headers.get("authorization") != login:
            return ok({"error": {"type": "authentication", "message": "Invalid access token"}}, 401)
        if not got.path.startswith("/v3.6/agent/action/"):
            return ok({"error": {"type": "not_found", "message": "no such action"}}, 404)
        return getattr(self, action)(got.json())

    def add_user_to_chat(self, body):
        if body["chat_id"] in self.joined:
            return ok({"error": {"type": "validation", "message": "user is already in the chat"}}, 422)
        self.joined.add(body["chat_id"])
        return ok({})

    def get_chat(self, body):
        return ok({"id": body["chat_id"], "thread": {"id": "T" + body["chat_id"], "events": self.chats.get(body["chat_id"], [])}})

    def send_event(self, body):
        if body["chat_id"] not in self.joined:
            return ok({"error": {"type": "authorization", "message": "Requester is not user of the chat"}}, 403)
        event = {**body["event"], "id": f"T{body['chat_id']}_{next(self.numbers)}", "author_id": self.AGENT,
                 "created_at": "2026-11-20T10:00:00.000000Z"}
        self.chats.setdefault(body["chat_id"], []).append(event)
        self._tell_event(body["chat_id"], event)
        return ok({"event_id": event["id"]})

    def _tell_event(self, chat, event):
        body = json.loads(harness.livechat_event(chat=chat, thread="T" + chat))
        body["payload"]["event"] = event
        self.tell("/hooks/livechat", json.dumps(body))

    def texts(self, chat):
        return [event["text"] for event in self.chats.get(chat, [])]

    def begin(self, chat, text):
        self.tell("/hooks/livechat", harness.livechat_chat(chat=chat, thread="T" + chat, text=text))
        self.say(chat, text, event=f"T{chat}_1")  # as LiveChat does: what the chat began with is told as an event of its own too

    def say(self, chat, text, author=None, event=None):
        self._tell_event(chat, {"id": event or f"T{chat}_{next(self.numbers) + 100}", "type": "message", "author_id": author or self.CUSTOMER,
                                "created_at": "2026-11-20T10:00:00.000000Z", "text": text, "visibility": "all"})

    def end(self, chat):
        self.tell("/hooks/livechat", json.dumps({
            "webhook_id": "w", "secret_key": harness.SECRET, "action": "chat_deactivated", "organization_id": "org",
            "payload": {"chat_id": chat, "thread_id": "T" + chat, "user_id": self.CUSTOMER}, "additional_data": {}}))


class RocketChat(Service):
    """Its livechat API for visitors, and its webhooks."""

    SECRET = "rc-secret-token-0123456789"

    def __init__(self):
        self.visitors, self.rooms = {}, {}
        super().__init__()

    def respond(self, got):
        path = urllib.parse.urlsplit(got.path)
        query = dict(urllib.parse.parse_qsl(path.query))
        action = path.path.removeprefix("/api/v1/livechat/")
        if action == "visitor":
            visitor = got.json()["visitor"]
            known = self.visitors.setdefault(visitor["token"], {"_id": f"visitor{next(self.numbers):010}", "username": f"guest-{len(self.visitors)}"})
            known.update(token=visitor["token"], name=visitor.get("name"))
            return ok({"visitor": known, "success": True})
        if action == "room":
            return ok({"room": self._room(query["token"]), "success": True})
        if action == "message":
            return self._message(got.json())
        if action == "room.close":
            room = self.rooms[got.json()["rid"]]
            if not room["open"]:
                return ok({"success": False, "error": "room-closed"}, 400)
            room["open"] = False
            return ok({"rid": room["_id"], "success": True})
        return ok({"success": False, "error": "not found"}, 404)

    def _room(self, token):
        room = next((r for r in self.rooms.values() if r["token"] == token and r["open"]), None)
        if room is None:
            room = {"_id": f"room{next(self.numbers):013}", "token": token, "open": True, "messages": []}
            self.rooms[room["_id"]] = room
        return {key: value for key, value in room.items() if key != "messages"}

    def _message(self, body):
        room = self.rooms[body["rid"]]
        if any(message["_id"] == body["_id"] for message in room["messages"]):
            return ok({"success": False, "error": "Cannot convert undefined or null to object"}, 400)
        visitor = self.visitors[body["token"]]
        message = {"_id": body["_id"], "rid": body["rid"], "msg": body["msg"], "username": visitor["username"],
                   "u": {"_id": visitor["_id"], "username": visitor["username"]}, "ts": "2026-11-20T10:00:01.000Z"}
        room["messages"].append(message)
        self._tell_message(room, message)
        return ok({"message": {**message, "token": body["token"]}, "success": True})

    def _tell_message(self, room, message):
        visitor = self.visitors[room["token"]]
        body = {"_id": room["_id"], "label": visitor["name"], "createdAt": "2026-11-20T10:00:00.000Z", "type": "Message", "messages": [message],
                "visitor": {"_id": visitor["_id"], "token": room["token"], "name": visitor["name"], "username": visitor["username"]},
                "agent": {"_id": "Agent000000000001", "username": "agent", "name": "Agent Smith", "email": "smith@example.com"}}
        self.tell("/hooks/rocketchat", json.dumps(body), lambda _: {"X-RocketChat-Livechat-Token": self.SECRET})

    def texts(self, rid):
        return [message["msg"] for message in self.rooms[rid]["messages"]]

    def say(self, rid, text):
        """An agent answers in a room."""
        number = next(self.numbers)
        self._tell_message(self.rooms[rid], {
            "_id": f"agentmessage{number:05}", "rid": rid, "msg": text, "username": "agent", "agentId": "Agent000000000001",
            "ts": "2026-11-20T10:00:06.000Z", "u": {"_id": "Agent000000000001", "username": "agent"}})


class LiveHelperChat(Service):
    """Its REST API for operators, and webhooks with the body that is recommended for it."""

    USER, KEY, SECRET = "relay", "lhc-key-0123456789", "lhc-secret-0123456789"

    def __init__(self):
        self.messages, self.ignores_no_event = {}, False
        super().__init__()

    def respond(self, got):
        login = "Basic " + base64.b64encode(f"{self.USER}:{self.KEY}".encode()).decode()
        if got.headers.get("authorization") != login:
            return ok({"error": True, "r": "Authorization failed!"}, 400)
        form = dict(urllib.parse.parse_qsl(got.body.decode(), keep_blank_values=True))
        if not got.path.endswith("/restapi/addmsgadmin"):
            return ok({"error": True, "r": "no such method"}, 400)
        number = next(self.numbers) + 4000
        name = form.get("operator_name", "relay")
        self.messages.setdefault(form["chat_id"], []).append(form)
        if form.get("no_event") != "true" or self.ignores_no_event:
            self._tell("chat.web_add_msg_admin", form["chat_id"], {"id": number, "msg": form["msg"], "user_id": 3, "name_support": name})
        return ok({"error": False, "r": "", "msg": {"id": number, "msg": form["msg"], "chat_id": int(form["chat_id"]), "user_id": 3}})

    def _tell(self, event, chat, message):
        body = {"event": event,
                "chat": {"id": int(chat), "nick": "Zoë", "status": 1, "time": 1760000000, "user_id": 7, "dep_id": 5, "email": "zoe@example.com"},
                "msg": {"time": 1760000007, "meta_msg": "", **message}}
        self.tell(f"/hooks/lhc/{self.SECRET}", json.dumps(body))

    def texts(self, chat):
        return [form["msg"] for form in self.messages.get(str(chat), [])]

    def say(self, chat, text):
        """The visitor says something."""
        self._tell("chat.addmsguser", chat, {"id": next(self.numbers) + 90000, "msg": text, "user_id": 0, "name_support": ""})

    def operator_says(self, chat, text):
        self._tell("chat.web_add_msg_admin", chat, {"id": next(self.numbers) + 90000, "msg": text, "user_id": 7, "name_support": "Jo"})
