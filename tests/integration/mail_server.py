"""A real Postfix with Dovecot's SASL, in a private folder, on a loopback port: STARTTLS with AUTH required, as a provider would have it.

Needs root (Postfix does) and the packages postfix and dovecot-core. Nothing outside the folder is touched.
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import free_port, wait_for

USER, PASSWORD = "relay", "correct horse battery"


def available():
    return os.geteuid() == 0 and all(shutil.which(c, path="/usr/sbin:/usr/bin") for c in ("postfix", "dovecot", "openssl"))


class MailServer:
    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="chatrelay-postfix-"))
        self.port = free_port()
        os.chmod(self.root, 0o755)
        for name in ("etc", "spool", "data", "mail", "dovecot", "dovecot/run"):
            (self.root / name).mkdir()
        postfix = pwd.getpwnam("postfix")
        os.chown(self.root / "data", postfix.pw_uid, postfix.pw_gid)
        os.chown(self.root / "mail", postfix.pw_uid, postfix.pw_gid)
        self._certificate()
        self._postfix(postfix)
        self._dovecot()

    def _certificate(self):
        self.certificate, self.key = self.root / "etc/cert.pem", self.root / "etc/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(self.key), "-out",
                        str(self.certificate), "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)

    def _postfix(self, postfix):
        r = self.root
        (r / "etc/recipients").write_text("support@shop.test support/\nsales@shop.test sales/\nlater@shop.test later/\nnobody@shop.test nobody/\n"
                                          "smuggled@shop.test smuggled/\nspam@shop.test spam/\n")
        (r / "etc/access").write_text("later@shop.test 450 4.7.1 greylisted, come back\nnobody@shop.test 550 5.1.1 no such user here\n")
        (r / "etc/body").write_text("/FORBIDDEN-CONTENT/ REJECT 5.7.1 not wanted here\n")
        (r / "etc/main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {r}/spool
data_directory = {r}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.shop.test
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = {r}/log
maillog_file_prefixes = {r}
virtual_mailbox_domains = shop.test
virtual_mailbox_base = {r}/mail
virtual_mailbox_maps = texthash:{r}/etc/recipients
virtual_uid_maps = static:{postfix.pw_uid}
virtual_gid_maps = static:{postfix.pw_gid}
virtual_minimum_uid = 50
smtpd_tls_cert_file = {self.certificate}
smtpd_tls_key_file = {self.key}
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_recipient_restrictions = check_recipient_access texthash:{r}/etc/access, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
body_checks = regexp:{r}/etc/body
smtputf8_enable = no
""")
        (r / "etc/master.cf").write_text(f"""
127.0.0.1:{self.port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
""")

    def _dovecot(self):
        r = self.root
        (r / "dovecot/users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (r / "dovecot/dovecot.conf").write_text(f"""
base_dir = {r}/dovecot/run
state_dir = {r}/dovecot
log_path = {r}/dovecot/log
protocols =
ssl = no
auth_mechanisms = plain login
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {r}/dovecot/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {r}/spool/private/auth {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
""")

    def start(self):
        quiet = {"capture_output": True, "text": True}
        done = subprocess.run(["postfix", "-c", str(self.root / "etc"), "start"], **quiet)
        if done.returncode != 0:
            raise AssertionError(f"postfix does not start: {done.stdout}{done.stderr}\n{self.log()}")
        self.dovecot = subprocess.Popen(["dovecot", "-F", "-c", str(self.root / "dovecot/dovecot.conf")])

        def up():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as s:
                    return s.recv(100).startswith(b"220") and (self.root / "spool/private/auth").exists()
            except OSError:
                return False
        wait_for(up, f"Postfix answers\n{self.log()}")
        return self

    def log(self):
        parts = [p.read_text() for p in (self.root / "log", self.root / "dovecot/log") if p.exists()]
        return "\n".join(parts)[-4000:]

    def mails(self, mailbox):
        folder = self.root / "mail" / mailbox / "new"
        return [p.read_bytes() for p in sorted(folder.iterdir())] if folder.exists() else []

    def stop(self):
        subprocess.run(["postfix", "-c", str(self.root / "etc"), "stop"], capture_output=True)
        self.dovecot.send_signal(signal.SIGTERM)
        self.dovecot.wait(20)
        shutil.rmtree(self.root, ignore_errors=True)
