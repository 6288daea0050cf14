"""The published client @rocket.chat/sdk, installed from npm with the lockfile beside this file, against the real daemon."""
import email
import email.policy
import json
import os
import pathlib
import subprocess
import unittest

from harness import Case, Livechat, main, new_token, npm_ci, source_rocketchat, wait_for

HERE = pathlib.Path(__file__).resolve().parent / "rocketchat_sdk"
RULES = """rules:
  - name: everything is kept
    on: "*"
    deliver: [{to: archive}]
"""


@unittest.skipUnless(os.environ.get("CHATRELAY_TEST_ALL"), "real counterparts are tested by scripts/test --all")
class Sdk(Case):
    @classmethod
    def setUpClass(cls):
        cls.sdk = npm_ci(HERE, "rocketchat_sdk")

    def test_the_published_client_leads_a_whole_chat(self):
        # The limits are the defaults: an ordinary visitor must not notice them.
        daemon = self.daemon(source_rocketchat("transcript_to: mailbox", limits="{}") + """destinations:
  archive: {kind: file, path: archive.jsonl}
  mailbox: {kind: email, smtp: "maildir:mail", from: chat@example.com, to: [support@example.com]}
""", RULES)
        token = new_token()
        done = subprocess.run(["node", str(HERE / "runner.js"), f"http://127.0.0.1:{daemon.public}", str(self.sdk), token], capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        got = json.loads(done.stdout.splitlines()[-1])
        texts = {m["_id"]: m["msg"] for m in Livechat(daemon.public).history(token, got["rid"])}
        self.assertEqual([texts.get(i) for i in got["kept"]], ["one", "two, edited"])
        self.assertNotIn(got["deleted"], texts)
        archive = daemon.directory / "archive.jsonl"

        def types():
            return [json.loads(line)["type"] for line in archive.read_text().splitlines()] if archive.exists() else []
        wait_for(lambda: types().count("offline_message") == 1 and types().count("chat_deactivated") == 1, "the chat's events are archived")
        self.assertEqual([types().count(t) for t in ("incoming_event", "event_updated", "event_deleted", "chat_rated")], [3, 1, 1, 1])
        mails = wait_for(lambda: list((daemon.directory / "mail" / "new").glob("*")), "the transcript is mailed")
        mail = email.message_from_bytes(mails[0].read_bytes(), policy=email.policy.default)
        for kind in ("plain", "html"):
            self.assertIn("two, edited", mail.get_body((kind,)).get_content())


if __name__ == "__main__":
    main()
