"""Mail through a real Postfix: STARTTLS with AUTH, 4xx and 5xx, refused content, and a visitor who tries to smuggle a second mail."""
import email
import email.policy
import os
import unittest

import mail_server
from harness import Case, livechat_chat, livechat_event, main, source_livechat, wait_for

RULES = """
rules:
  - name: to support
    on: incoming_event
    deliver:
      - to: {destination}
        with:
          subject: "Chat with {{{{ .visitor.name }}}}"
          reply_to: "{{{{ .visitor.email }}}}"
          text: "{{{{ .message.text }}}}"
          html: "<p>{{{{ .message.text }}}}</p>"
"""


@unittest.skipUnless(os.environ.get("CHATRELAY_TEST_ALL"), "real counterparts are tested by scripts/test --all")
class Postfix(Case):
    @classmethod
    def setUpClass(cls):
        if not mail_server.available():
            raise AssertionError("this needs root and the packages postfix and dovecot-core: run scripts/test --all as root")
        cls.server = mail_server.MailServer().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def relay(self, to="support@shop.test", password=mail_server.PASSWORD, more=""):
        config = source_livechat() + f"""
destinations:
  mail:
    kind: email
    smtp: "smtp://127.0.0.1:{self.server.port}"
    username: {mail_server.USER}
    password: "{password}"
    ca_file: {self.server.certificate}
    from: chat@shop.test
    to: ["{to}"]
    allow_private: true
    retry: {{first: 200ms, max: 500ms, give_up_after: 3s}}
{more}"""
        return self.daemon(config, RULES.format(destination="mail"))

    def parse(self, raw):
        return email.message_from_bytes(raw, policy=email.policy.default)

    def text(self, mail):
        return mail.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n")

    def deliveries(self, daemon, state):
        return daemon.cli_json("deliveries", "list", "--state", state)["deliveries"]

    def test_mail_arrives_over_starttls_with_auth(self):
        daemon = self.relay()
        before = len(self.server.mails("support"))
        daemon.post("/hooks/livechat", livechat_chat(name="Zoë Ünïcode", text="first"))
        daemon.post("/hooks/livechat", livechat_event(event="T_2", text="Grüße\n.\n.hidden\nend"))
        daemon.post("/hooks/livechat", livechat_event(event="T_3", text="again"))
        mails = wait_for(lambda: len(self.server.mails("support")) == before + 2 and self.server.mails("support"),
                         f"two mails\n{self.server.log()}")[before:]
        parsed = sorted((self.parse(m) for m in mails), key=self.text, reverse=True)
        second, first = parsed if self.text(parsed[0]) == "again" else reversed(parsed)
        self.assertEqual(self.text(first), "Grüße\n.\n.hidden\nend")
        self.assertEqual(first["subject"], "Chat with Zoë Ünïcode")
        self.assertEqual(first["reply-to"], "t.anderson@example.com")
        self.assertEqual(first["auto-submitted"], "auto-generated")
        self.assertEqual(first["references"], second["references"], "one mail thread per chat")
        self.assertNotEqual(first["message-id"], second["message-id"])

    def test_a_smuggling_attempt_stays_one_mail(self):
        daemon = self.relay()
        before = len(self.server.mails("support"))
        evil = "hi\n.\nMAIL FROM:<evil@x.test>\r\n.\r\nMAIL FROM:<evil@x.test>\r\nRCPT TO:<smuggled@shop.test>\r\nDATA\r\nowned\r\n.\r\n"
        daemon.post("/hooks/livechat", livechat_chat(name="A\r\nBcc: smuggled@shop.test", email="x@example.com\r\nBcc: smuggled@shop.test"))
        daemon.post("/hooks/livechat", livechat_event(event="E_evil", text=evil))
        mails = wait_for(lambda: len(self.server.mails("support")) == before + 1 and self.server.mails("support"), "one mail")
        mail = self.parse(mails[-1])
        self.assertIsNone(mail["bcc"])
        self.assertIn("RCPT TO:<smuggled@shop.test>", mail.get_body(("plain",)).get_content())
        self.assertEqual(self.server.mails("smuggled"), [])

    def test_a_temporary_refusal_is_tried_again_and_given_up_in_time(self):
        daemon = self.relay(to="later@shop.test")
        daemon.post("/hooks/livechat", livechat_event(event="E_later"))
        deferred = wait_for(lambda: self.deliveries(daemon, "deferred"), "deferred")
        self.assertIn("greylisted", deferred[0]["reason"])
        dead = wait_for(lambda: self.deliveries(daemon, "dead"), "given up")
        self.assertIn("450", dead[0]["reason"])

    def test_a_permanent_refusal_is_a_dead_letter_at_once(self):
        daemon = self.relay(to="nobody@shop.test")
        daemon.post("/hooks/livechat", livechat_event(event="E_nobody"))
        dead = wait_for(lambda: self.deliveries(daemon, "dead"), "dead")
        self.assertIn("5.1.1", dead[0]["reason"])

    def test_a_wrong_password_disables_the_destination_and_resume_delivers(self):
        daemon = self.relay(password="wrong")
        daemon.post("/hooks/livechat", livechat_event(event="E_auth"))
        held = wait_for(lambda: self.deliveries(daemon, "held"), "held")
        self.assertIn("535", held[0]["reason"])
        self.assertNotIn("wrong", daemon.log_text())


if __name__ == "__main__":
    main()
