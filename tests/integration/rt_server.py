"""A real Request Tracker 5 with SQLite, in a private folder, on a loopback port; what it mails lands in files.

Needs Debian's packages request-tracker5, rt5-standalone and rt5-db-sqlite (with dbconfig-no-thanks: nothing is set up for the system), and
no root. Nothing outside the folder is touched.
"""
import base64
import email
import email.policy
import os
import subprocess
import urllib.parse

from harness import free_port
from own_server import OwnServer

SERVER = "/usr/share/request-tracker5/libexec/rt-server"
SETUP = "/usr/sbin/rt-setup-database-5"
ROOT_PASSWORD = "correct-horse-root"
USER, PASSWORD = "desk", "correct-horse-desk"
TICKET_FIELD, MESSAGE_FIELD = "Chat delivery", "Chat message"
# What the connector's manual asks for, no more: for tickets, for `status`, for the two custom fields, for upsert_contact.
RIGHTS = ("ShowTicket", "CreateTicket", "CommentOnTicket", "ReplyToTicket", "ModifyTicket", "SeeCustomField", "ModifyCustomField",
          "ShowTicketComments")
DATA = f"""use strict;
use warnings;
our @Users = (
  {{ Name => '{USER}', EmailAddress => 'desk@rt.test', Password => '{PASSWORD}', Privileged => 1 }},
  {{ Name => 'boss@rt.test', EmailAddress => 'boss@rt.test', RealName => 'The Boss', Privileged => 1 }},
);
our @Queues = ({{ Name => 'Bare', CorrespondAddress => 'bare@rt.test', CommentAddress => 'bare-comment@rt.test' }});
our @CustomFields = (
  {{ Name => '{TICKET_FIELD}', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', ApplyTo => 'General' }},
  {{ Name => '{MESSAGE_FIELD}', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket-RT::Transaction', ApplyTo => 'General' }},
);
our @ACL = (
  (map {{ {{ Right => $_, UserId => '{USER}', Queue => 'General' }} }} qw({" ".join(RIGHTS)})),
  (map {{ {{ Right => $_, UserId => '{USER}', Queue => 'Bare' }} }} qw(ShowTicket CreateTicket CommentOnTicket)),
  {{ Right => 'AdminUsers', UserId => '{USER}' }},
);
our @Final = (sub {{
  my $owner = RT::CurrentUser->new('{USER}');
  my ($ok, $message, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $owner->id, Description => 'chatrelay');
  die $message unless $ok;
  open my $file, '>', $ENV{{CHATRELAY_TOKEN_FILE}} or die $!;
  print $file $token;
  close $file;
}});
"""


def available():
    return all(os.path.exists(path) for path in (SERVER, SETUP))


class RequestTracker(OwnServer):
    """`token`: of the user `desk`, who has the rights that the connector's manual asks for. `call`, `tickets`, `said` and the like ask as root."""

    def __init__(self):
        super().__init__("Request Tracker")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        for name in ("conf.d", "mason", "session", "mail", "tmp"):
            (self.root / name).mkdir()
        self.environment = {**os.environ, "RT_SITE_CONFIG": str(self.root / "RT_SiteConfig.pm"), "RT_SITE_CONFIG_DIR": str(self.root / "conf.d"),
                            "TMPDIR": str(self.root / "tmp"), "CHATRELAY_TOKEN_FILE": str(self.root / "token"), "LC_ALL": "C.UTF-8"}
        self._configure()
        (self.root / "password").write_text(ROOT_PASSWORD + "\n")
        (self.root / "data").write_text(DATA)
        self._setup("--action", "init", "--skip-create", "--root-password-file", str(self.root / "password"))
        self._setup("--action", "insert", "--datafile", str(self.root / "data"))
        self.token = (self.root / "token").read_text()

    def _configure(self):
        r = self.root
        # Mail leaves through this program, which keeps it; a name of its own for each.
        mailer = r / "mailer"
        mailer.write_text(f'#!/bin/sh\nexec cat >"$(mktemp {r}/mail/XXXXXXXXXX)"\n')
        mailer.chmod(0o755)
        (r / "RT_SiteConfig.pm").write_text(f"""
Set($rtname, 'rt.test');
Set($Organization, 'rt.test');
Set($Timezone, 'UTC');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {self.port});
Set($WebPath, '');
Set($CorrespondAddress, 'rt@rt.test');
Set($CommentAddress, 'rt-comment@rt.test');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{r}/rt.db');
Set($MailCommand, 'sendmailpipe');
Set($SendmailPath, '{mailer}');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'info');
Set($MasonDataDir, '{r}/mason');
Set($MasonSessionDir, '{r}/session');
1;
""")

    def _setup(self, *arguments):
        done = subprocess.run([SETUP, *arguments, "--dba", "none", "--dba-password", "none"], env=self.environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=120)
        if done.returncode != 0 or "[error]" in done.stderr:
            raise AssertionError(f"{SETUP} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    # ---- up and down

    def start(self):
        return self.bring_up([SERVER, "--host", "127.0.0.1", "--port", str(self.port), "--max-workers", "3"], self.environment)

    def answers(self):
        return self.call("GET", "/rt")[0] == 200

    # ---- what it holds, by its REST 2 interface

    def call(self, method, path, body=None):
        login = base64.b64encode(f"root:{ROOT_PASSWORD}".encode()).decode()
        return self.exchange(self.port, method, "/REST/2.0" + path, body, {"authorization": f"Basic {login}"})

    def get(self, path, **query):
        status, answer = self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))
        if status != 200:
            raise AssertionError(f"GET {path} was answered {status} {answer}")
        return answer

    def listing(self, path, **query):
        """All pages."""
        found, page = [], 1
        while True:
            answer = self.get(path, per_page=100, page=page, **query)
            found += answer["items"]
            if page >= int(answer["pages"] or 1):
                return found
            page += 1

    def tickets(self, subject):
        """Those with exactly this subject, oldest first, whole."""
        found = self.listing("/tickets", query="id > 0", fields="Subject", orderby="id")
        return [self.get(f"/ticket/{row['id']}") for row in found if row["Subject"] == subject]

    def said(self, ticket):
        """[(Create, Comment or Correspond, the text)] in order; what is not plain text is there with its type."""
        contents = {}
        for row in self.listing(f"/ticket/{ticket}/attachments", fields="Content,ContentType,TransactionId"):
            text = row["Content"] if row["ContentType"] == "text/plain" else f"({row['ContentType']})"
            contents.setdefault(row["TransactionId"], []).append(text)
        rows = sorted(self.listing(f"/ticket/{ticket}/history", fields="Type"), key=lambda row: int(row["id"]))
        return [(row["Type"], "".join(contents.get(row["id"], []))) for row in rows if row["Type"] in ("Create", "Comment", "Correspond")]

    def mails(self):
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in
                sorted((self.root / "mail").iterdir(), key=lambda path: path.stat().st_mtime_ns)]
