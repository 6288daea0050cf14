"""The shipped rules with every connector they are written for: they load, no test of theirs is skipped, and all pass."""
import json
import pathlib
import subprocess

from harness import BINARY, SOURCE_DIR, Case, main

CRM = {
    "hubspot": {"token": "pat-x"},
    "salesforce": {"domain": "https://acme.my.salesforce.com", "client_id": "id", "client_secret": "s3cret"},
    "pipedrive": {"token": "x"},
    "zoho_crm": {"client_id": "id", "client_secret": "s3cret", "refresh_token": "r"},
    "odoo": {"url": "https://acme.odoo.com", "database": "acme", "token": "x"},
    "espocrm": {"url": "https://crm.example.com", "token": "x"},
    "suitecrm": {"url": "https://crm.example.com", "client_id": "id", "client_secret": "s3cret"},
    "dynamics365": {"url": "https://acme.crm.dynamics.com", "tenant": "t", "client_id": "id", "client_secret": "s3cret"},
}
MARKETING = {
    "klaviyo": {"key": "pk_x"},
    "activecampaign": {"url": "https://acme.api-us1.com", "token": "x", "event_key": "e", "event_account": "1"},
    "brevo": {"key": "x"},
    "customerio": {"site_id": "s", "key": "x"},
    "mailchimp": {"key": "x-us1", "list": "a1b2"},
}


class ShippedRules(Case):
    def pass_with(self, **destinations):
        directory = self.directory()
        mailbox = {"kind": "email", "smtp": "maildir:mail", "from": "a@example.com", "to": ["b@example.com"]}
        config = {"store": "sqlite:x.db", "store_key": "0123456789abcdef0123456789abcdef", "rules": [f"{SOURCE_DIR}/rules"],
                  "sources": {"livechat": {"system": "livechat", "secrets": ["abcdefghijklmnop"]}},
                  "destinations": {"mailbox": mailbox, **destinations}}
        (directory / "c.yaml").write_text(json.dumps(config))
        done = subprocess.run([BINARY, "rules", "test", "--json", "--config", str(directory / "c.yaml")],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertNotIn("/rules/", report["problems"])  # a shipped rule gets no warning
        return report

    def test_with_every_crm(self):
        for name, settings in CRM.items():
            with self.subTest(name):
                self.assert_complete(self.pass_with(crm={"connector": name, **settings}, marketing={"connector": "klaviyo", "key": "pk_x"}))

    def test_with_every_marketing_tool(self):
        for name, settings in MARKETING.items():
            with self.subTest(name):
                self.assert_complete(self.pass_with(crm={"connector": "hubspot", "token": "x"}, marketing={"connector": name, **settings}))

    def assert_complete(self, report):
        tests = report["tests"]
        files = {pathlib.Path(test["where"].rpartition(":")[0]).name for test in tests}
        self.assertEqual(files, {path.name for path in (SOURCE_DIR / "rules").glob("*_test.yaml")})
        self.assertEqual([test["name"] for test in tests if test.get("skipped") or not test["passed"]], [])


if __name__ == "__main__":
    main()
