# SPDX-License-Identifier: Apache-2.0
"""Debian's servers, unmodified, with libclinch-preload.so: each with its certificates and without a
word about staples in its configuration, unless its class says so."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

from . import clients, servers
from .clinch import BINARY
from .process import free_port

LIBRARY = Path(os.environ.get("CLINCH_PRELOAD", BINARY.parent / "src/staple/libclinch-preload.so"))
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
# Its paths are compiled into it: it sees our copy in their place, and nobody else does.
IN_PLACE = 'mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr && shift && exec "$@"'


def variables(folders):
    """What has to be in a server's environment."""
    return {"LD_PRELOAD": str(LIBRARY), "CLINCH_STAPLES": str(folders)}


def _words(environment):
    return [f"{name}={value}" for name, value in environment.items()]


def as_nobody(*argv):
    """The command as another user, where this one is root."""
    return [*(AS_NOBODY if os.geteuid() == 0 else ()), *map(str, argv)]


class Preloaded(servers.Server):
    """`staples` is the folder that clinch writes, or None: then it is started without the library.
    install() gives it certificates, before its start."""

    keys = ("rsa",)     # which of them it takes at the same time
    look_how = ()       # for openssl s_client
    in_place = False
    needs_root = False
    own = ()            # kinds of keys for which it has a staple of its own (own_staple())

    def __init__(self, programs, folder, staples):
        super().__init__(programs, folder)
        self.folder.chmod(0o755)
        self.preload = variables(staples) if staples else {}
        self.name = f"{self.kind}.test"
        self.certs = self.folder / "certs"
        self.certs.mkdir()
        self.leaves = {}

    def install(self, leaves):
        """Its certificates by kind of key, at first and as a renewal does it."""
        self.leaves = {kind: leaves[kind] for kind in self.keys}
        for kind, leaf in self.leaves.items():
            leaf.write_key(self.key(kind))
            leaf.write(self.certificate(kind))

    def certificate(self, kind="rsa"):
        return self.certs / f"{kind}.pem"

    def key(self, kind="rsa"):
        return self.folder / f"{kind}.key"

    def own_staple(self, kind, der):
        """For the servers that can staple by themselves: their own, which is not clinch's."""
        raise NotImplementedError

    def shows_its_own(self, kind, sight):
        """That is what it would show without the library."""
        del kind
        return not sight.stapled

    @property
    def program(self):
        return self.programs.paths[self.kind]

    def environment(self):
        env = dict(os.environ) if self.in_place else super().environment()
        return {**env, **self.preload}

    def argv(self):
        command = [str(arg) for arg in self.command()]
        return self._argv_in_place(command) if self.in_place else command

    def _argv_in_place(self, command):
        return ["unshare", "-m", "sh", "-c", IN_PLACE, "sh", self.programs.root, *command]

    def run_in_place(self, *command):
        """A command that finds the server's programs where they are when it is installed."""
        subprocess.run(self._argv_in_place(command), env=self.environment(), check=True, timeout=20,
                       stdin=subprocess.DEVNULL, capture_output=True)

    def command(self):
        """What starts it in the foreground."""
        raise NotImplementedError

    def reload(self):
        """As the administrator makes it take another certificate."""
        self.child.send(signal.SIGHUP)

    def look(self, kind="rsa", *more):
        sigalgs = {"rsa": clients.RSA, "ecdsa": clients.ECDSA}[kind]
        return clients.look(self.port, self.name, sigalgs, *self.look_how, *more)

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(text, encoding="ascii")
        path.chmod(mode)
        return path


# Web servers and proxies.


class Nginx(Preloaded):
    kind = "nginx"
    keys = ("rsa", "ecdsa")
    stapling = ""

    def configure(self):
        temp = "".join(f"  {name}_temp_path {self.folder}/temp-{name};\n"
                       for name in servers.TEMP_PATHS)
        user = "user root;\n" if os.geteuid() == 0 else ""
        certs = "".join(f"    ssl_certificate {self.certificate(kind)};\n"
                        f"    ssl_certificate_key {self.key(kind)};\n" for kind in self.keys)
        self.write("nginx.conf",
                   f"daemon off;\n{user}worker_processes 1;\npid {self.folder}/nginx.pid;\n"
                   "error_log stderr notice;\nevents { worker_connections 256; }\n"
                   f"http {{\n  access_log off;\n{temp}  server {{\n"
                   f"    listen 127.0.0.1:{self.port} ssl;\n    server_name {self.name};\n"
                   f"    ssl_protocols TLSv1.2 TLSv1.3;\n{certs}"
                   f"{self.stapling}    location / {{ return 200 'ok'; }}\n  }}\n}}\n")

    def command(self):
        return [self.program, "-e", "stderr", "-p", self.folder, "-c", self.folder / "nginx.conf"]


class NginxStapling(Nginx):
    """With a staple of its own, which it sends with both certificates."""

    own = ("rsa",)

    def own_staple(self, kind, der):
        (self.folder / "own.ocsp").write_bytes(der)
        self.stapling = f"    ssl_stapling on;\n    ssl_stapling_file {self.folder}/own.ocsp;\n"

    def shows_its_own(self, kind, sight):
        return sight.serial == self.leaves["rsa"].serial_hex


class Apache(Preloaded):
    kind = "apache"
    keys = ("rsa", "ecdsa")

    def configure(self):
        modules = self.programs.root / "usr/lib/apache2/modules"
        load = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n"
                       for name in ("mpm_event", "authz_core", "socache_shmcb", "ssl"))
        certs = "".join(f"SSLCertificateFile {self.certificate(kind)}\n"
                        f"SSLCertificateKeyFile {self.key(kind)}\n" for kind in self.keys)
        user = "User nobody\nGroup nogroup\n" if os.geteuid() == 0 else ""
        (self.folder / "www").mkdir(exist_ok=True)
        self.write("apache.conf",
                   f"ServerRoot {self.folder}\nServerName {self.name}\n{load}{user}"
                   f"Listen 127.0.0.1:{self.port}\nPidFile {self.folder}/pid\n"
                   f"DefaultRuntimeDir {self.folder}\nMutex pthread\n"
                   f"ErrorLog /dev/stderr\nDocumentRoot {self.folder}/www\n"
                   "StartServers 1\nSSLSessionCache none\n"
                   f"<VirtualHost 127.0.0.1:{self.port}>\nSSLEngine on\n{certs}</VirtualHost>\n")

    def command(self):
        return [self.program, "-DFOREGROUND", "-f", self.folder / "apache.conf"]

    def reload(self):
        self.child.send(signal.SIGUSR1)


class HAProxy(Preloaded):
    """In master-worker mode, as Debian starts it."""

    kind = "haproxy"
    keys = ("rsa", "ecdsa")

    def certificate(self, kind="rsa"):
        return self.certs / f"site.pem.{kind}"

    def install(self, leaves):
        self.leaves = {kind: leaves[kind] for kind in self.keys}
        for kind, leaf in self.leaves.items():
            leaf.write(self.certificate(kind), key=True)

    def configure(self):
        self.write("haproxy.cfg",
                   "global\n  ssl-default-bind-options ssl-min-ver TLSv1.2\n"
                   "defaults\n  mode http\n  timeout connect 5s\n  timeout client 10s\n"
                   f"  timeout server 10s\nfrontend tls\n  bind 127.0.0.1:{self.port} ssl "
                   f"crt {self.certs}/site.pem\n"
                   "  http-request return status 200 content-type text/plain string ok\n")

    def command(self):
        return [self.program, "-W", "-db", "-f", self.folder / "haproxy.cfg"]

    def reload(self):
        self.child.send(signal.SIGUSR2)


class HAProxyStapling(HAProxy):
    """With .ocsp files of its own beside the certificates."""

    own = ("rsa", "ecdsa")

    def own_staple(self, kind, der):
        self.certificate(kind).with_name(f"site.pem.{kind}.ocsp").write_bytes(der)

    def install(self, leaves):
        super().install(leaves)
        for path in self.certs.glob("*.ocsp"):  # of the certificate before
            path.unlink()

    def shows_its_own(self, kind, sight):
        return sight.serial == self.leaves[kind].serial_hex


class Lighttpd(Preloaded):
    kind = "lighttpd"

    def configure(self):
        (self.folder / "www").mkdir(exist_ok=True)
        self.write("lighttpd.conf",
                   'server.modules = ("mod_openssl")\n'
                   f'server.document-root = "{self.folder}/www"\n'
                   f'server.bind = "127.0.0.1"\nserver.port = {self.port}\n'
                   f'ssl.engine = "enable"\nssl.pemfile = "{self.certificate()}"\n'
                   f'ssl.privkey = "{self.key()}"\n')

    def command(self):
        return [self.program, "-D", "-f", self.folder / "lighttpd.conf", "-m",
                self.programs.root / "usr/lib/lighttpd"]

    def reload(self):
        self.child.send(signal.SIGUSR1)


class Stunnel(Preloaded):
    kind = "stunnel"

    def configure(self):
        self.write("stunnel.conf",
                   f"foreground = yes\npid =\n[play]\naccept = 127.0.0.1:{self.port}\n"
                   f"exec = /bin/cat\ncert = {self.certificate()}\nkey = {self.key()}\n")

    def command(self):
        return [self.program, self.folder / "stunnel.conf"]


class Dnsdist(Preloaded):
    kind = "dnsdist"
    keys = ("rsa", "ecdsa")

    def configure(self):
        certs, keys = (", ".join(f'"{path(kind)}"' for kind in self.keys)
                       for path in (self.certificate, self.key))
        self.write("dnsdist.conf",
                   f'setKey("{"A" * 43}=")\ncontrolSocket("127.0.0.1:{free_port()}")\n'
                   f'setLocal("127.0.0.1:{free_port()}")\nsetSecurityPollSuffix("")\n'
                   f'addTLSLocal("127.0.0.1:{self.port}", {{{certs}}}, {{{keys}}}, '
                   '{ provider = "openssl" })\n')

    def command(self):
        return [self.program, "--supervised", "--disable-syslog", "-C",
                self.folder / "dnsdist.conf"]

    def reload(self):
        subprocess.run([self.program, "-C", self.folder / "dnsdist.conf", "-c", "-e",
                        "reloadAllCertificates()"], env=self.environment(), check=True, timeout=10,
                       stdin=subprocess.DEVNULL, capture_output=True)


# Databases and brokers.


class Redis(Preloaded):
    kind = "redis"

    def configure(self):
        self.write("redis.conf",
                   f"bind 127.0.0.1\nport 0\ntls-port {self.port}\ntls-auth-clients no\n"
                   f"tls-cert-file {self.certificate()}\ntls-key-file {self.key()}\n"
                   f"dir {self.folder}\nsave \"\"\n")

    def command(self):
        return [self.program, self.folder / "redis.conf"]

    def reload(self):
        subprocess.run([self.programs.root / "usr/bin/redis-cli", "--tls", "--insecure", "-p",
                        str(self.port), "CONFIG", "SET", "tls-cert-file", self.certificate(),
                        "tls-key-file", self.key()], env=self.environment(), check=True,
                       timeout=10, stdin=subprocess.DEVNULL, capture_output=True)


class Postgresql(Preloaded):
    """It is never root's."""

    kind = "postgresql"
    look_how = ("-starttls", "postgres")

    def install(self, leaves):
        super().install(leaves)
        self.key().chmod(0o600)
        self._hand_over(self.key())

    @staticmethod
    def _hand_over(path):
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    def configure(self):
        self.data = self.folder / "data"
        if not self.data.exists():
            self.data.mkdir()
            self._hand_over(self.data)
            subprocess.run(as_nobody(Path(self.program).with_name("initdb"), "-N", "-A", "trust",
                                     "--locale=C", "-D", self.data), env=self.environment(),
                           check=True, timeout=30, stdin=subprocess.DEVNULL, capture_output=True,
                           cwd=self.folder)

    def command(self):
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "fsync": "off",
                    "unix_socket_directories": "", "ssl": "on",
                    "ssl_cert_file": self.certificate(), "ssl_key_file": self.key()}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return as_nobody(self.program, "-D", self.data, *options)

    def stop(self):
        """At once, and without leaving shared memory behind."""
        if self.child:
            self.child.stop(signal.SIGINT)
            self.child = None

    def __exit__(self, *_):
        self.stop()


class Mariadb(Preloaded):
    """Without tables of its own and whom they let in: it starts at once."""

    kind = "mariadb"
    look_how = ("-starttls", "mysql")

    def configure(self):
        root = self.programs.root
        user = "user=root\n" if os.geteuid() == 0 else ""
        (self.folder / "data").mkdir(exist_ok=True)
        self.write("my.cnf",
                   f"[mariadbd]\n{user}datadir={self.folder}/data\nsocket={self.folder}/sock\n"
                   f"pid-file={self.folder}/pid\nbind-address=127.0.0.1\nport={self.port}\n"
                   f"basedir={root}/usr\nlc-messages-dir={root}/usr/share/mysql\n"
                   f"plugin-dir={root}/usr/lib/mysql/plugin\n"
                   "skip-grant-tables\nskip-innodb\ndefault-storage-engine=MyISAM\n"
                   f"ssl-cert={self.certificate()}\nssl-key={self.key()}\n")

    def command(self):
        return [self.program, f"--defaults-file={self.folder}/my.cnf"]

    def reload(self):
        subprocess.run([self.programs.root / "usr/bin/mariadb", "--no-defaults",
                        f"--socket={self.folder}/sock", "-e", "FLUSH SSL"],
                       env=self.environment(), check=True, timeout=10, stdin=subprocess.DEVNULL,
                       capture_output=True)


class Mosquitto(Preloaded):
    kind = "mosquitto"

    def configure(self):
        self.write("mosquitto.conf",
                   f"user root\nallow_anonymous true\nlistener {self.port} 127.0.0.1\n"
                   f"certfile {self.certificate()}\nkeyfile {self.key()}\n")

    def command(self):
        return [self.program, "-c", self.folder / "mosquitto.conf"]


# Mail and FTP.


class Postfix(Preloaded):
    """smtpd is in a chroot, and gets only the variables that main.cf names."""

    kind = "postfix"
    keys = ("rsa", "ecdsa")
    look_how = ("-starttls", "smtp")
    in_place = True
    needs_root = True

    def install(self, leaves):
        super().install(leaves)
        for kind in self.keys:
            self.write(f"{kind}.both", self.key(kind).read_text(encoding="ascii")
                       + self.certificate(kind).read_text(encoding="ascii"), 0o600)

    def configure(self):
        conf, queue, data = (self.folder / name for name in ("conf", "queue", "data"))
        for path, owner, group, mode in ((conf, 0, 0, 0o755), (queue, 0, 0, 0o755),
                                         (data, 13, 0, 0o700), (queue / "pid", 0, 0, 0o755),
                                         (queue / "private", 13, 0, 0o700),
                                         (queue / "public", 13, 9, 0o710)):
            path.mkdir(exist_ok=True)
            os.chown(path, owner, group)
            path.chmod(mode)
        self.write("conf/main.cf",
                   f"compatibility_level = 3.7\nqueue_directory = {queue}\n"
                   f"data_directory = {data}\nmail_owner = proxy\nsetgid_group = news\n"
                   f"default_privs = nobody\nmyhostname = {self.name}\n"
                   "inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmydestination =\n"
                   "alias_maps =\nlocal_recipient_maps =\nmaillog_file = /dev/stdout\n"
                   "maillog_file_prefixes = /dev\nsmtpd_tls_security_level = may\n"
                   f"smtpd_tls_chain_files = {self.folder}/rsa.both, {self.folder}/ecdsa.both\n"
                   f"import_environment = {self.imported()}\n")
        self.write("conf/master.cf",
                   f"127.0.0.1:{self.port} inet n - y - - smtpd\n"
                   "tlsmgr unix - - y 1000? 1 tlsmgr\nanvil unix - - y - 1 anvil\n"
                   "postlog unix-dgram n - n - 1 postlogd\n"
                   "rewrite unix - - y - - trivial-rewrite\nproxymap unix - - n - - proxymap\n")

    def imported(self):
        """What it is by default, and ours."""
        return " ".join(["MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C "
                         "POSTLOG_SERVICE POSTLOG_HOSTNAME", *_words(self.preload)])

    def environment(self):
        return {**os.environ, "MAIL_CONFIG": str(self.folder / "conf")}

    def command(self):
        return ["/usr/lib/postfix/sbin/master", "-c", self.folder / "conf", "-d"]


class Dovecot(Preloaded):
    """The login process is in a chroot before it makes a context."""

    kind = "dovecot"
    keys = ("rsa", "ecdsa")
    in_place = True
    needs_root = True

    def configure(self):
        self.write("dovecot.conf",
                   f"base_dir = {self.folder}/run\nstate_dir = {self.folder}/state\n"
                   "protocols = imap\nlisten = 127.0.0.1\nlog_path = /dev/stderr\n"
                   "default_login_user = games\ndefault_internal_user = proxy\n"
                   "default_internal_group = proxy\nssl = required\n"
                   f"ssl_cert = <{self.certificate()}\nssl_key = <{self.key()}\n"
                   f"ssl_alt_cert = <{self.certificate('ecdsa')}\n"
                   f"ssl_alt_key = <{self.key('ecdsa')}\n"
                   "passdb {\n  driver = static\n  args = nopassword=y\n}\n"
                   "userdb {\n  driver = static\n"
                   "  args = uid=nobody gid=nogroup home=/nonexistent\n}\n"
                   "service imap-login {\n  inet_listener imap {\n    port = 0\n  }\n"
                   f"  inet_listener imaps {{\n    address = 127.0.0.1\n    port = {self.port}\n"
                   f"    ssl = yes\n  }}\n}}\n"
                   "import_environment = "
                   f"{' '.join(['$import_environment', *_words(self.preload)])}\n")

    def environment(self):
        return dict(os.environ)

    def command(self):
        return ["/usr/sbin/dovecot", "-F", "-c", self.folder / "dovecot.conf"]


class Vsftpd(Preloaded):
    """Each connection is a process in a chroot. (Its seccomp_sandbox, off by default, is one more
    thing that ends TLS, with the library and without it.)"""

    kind = "vsftpd"
    keys = ("rsa", "ecdsa")
    look_how = ("-starttls", "ftp")
    needs_root = True

    def configure(self):
        (self.folder / "empty").mkdir(mode=0o755, exist_ok=True)
        self.write("vsftpd.conf",
                   f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={self.port}\n"
                   "background=NO\nanonymous_enable=NO\nlocal_enable=YES\n"
                   f"secure_chroot_dir={self.folder}/empty\nssl_enable=YES\n"
                   "ssl_ciphers=HIGH\npam_service_name=other\n"
                   f"rsa_cert_file={self.certificate()}\nrsa_private_key_file={self.key()}\n"
                   f"dsa_cert_file={self.certificate('ecdsa')}\n"
                   f"dsa_private_key_file={self.key('ecdsa')}\n"
                   f"vsftpd_log_file={self.folder}/log\n")

    def command(self):
        return [self.program, self.folder / "vsftpd.conf"]

    def reload(self):
        """It knows none, and reads certificates at its start alone."""
        self.restart()


class Proftpd(Preloaded):
    kind = "proftpd"
    keys = ("rsa", "ecdsa")
    look_how = ("-starttls", "ftp")
    needs_root = True

    def configure(self):
        self.write("proftpd.conf",
                   "ServerType standalone\nServerName clinch\nDefaultAddress 127.0.0.1\n"
                   f"Port {self.port}\nUser nobody\nGroup nogroup\nControlsEngine off\n"
                   f"ModulePath {self.programs.root}/usr/lib/proftpd\n"
                   f"LoadModule mod_tls.c\nScoreboardFile {self.folder}/scoreboard\n"
                   f"PidFile {self.folder}/proftpd.pid\nDelayEngine off\nAuthPAM off\n"
                   "WtmpLog off\nSystemLog none\nUseReverseDNS off\nUseIPv6 off\n"
                   f"TLSEngine on\nTLSLog {self.folder}/tls.log\nTLSProtocol TLSv1.2 TLSv1.3\n"
                   f"TLSRSACertificateFile {self.certificate()}\n"
                   f"TLSRSACertificateKeyFile {self.key()}\n"
                   f"TLSECCertificateFile {self.certificate('ecdsa')}\n"
                   f"TLSECCertificateKeyFile {self.key('ecdsa')}\n")

    def command(self):
        return [self.program, "-n", "-c", self.folder / "proftpd.conf"]


# Languages.

NODE = """\
const fs = require("fs"), tls = require("tls");
const [port, ...files] = process.argv.slice(2);
const read = () => ({cert: files.map(name => fs.readFileSync(name + ".pem")),
                     key: files.map(name => fs.readFileSync(name + ".key"))});
const server = tls.createServer(read(), socket => socket.on("error", () => 0));
server.on("tlsClientError", () => 0);
process.on("SIGHUP", () => server.setSecureContext(read()));
server.listen(port, "127.0.0.1");
"""

PYTHON = """\
import signal, socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
def read(*_):
    for name in sys.argv[2:]:
        context.load_cert_chain(name + ".pem", name + ".key")
read()
signal.signal(signal.SIGHUP, read)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=16)
while True:
    plain, _ = listener.accept()
    try:
        plain.settimeout(5)
        context.wrap_socket(plain, server_side=True).close()
    except OSError:
        plain.close()
"""


class _Script(Preloaded):
    """A server of some lines, which reads its certificates anew at SIGHUP."""

    keys = ("rsa", "ecdsa")
    script = text = None

    def key(self, kind="rsa"):
        return self.certs / f"{kind}.key"

    def configure(self):
        self.write(self.script, self.text)

    def command(self):
        return [self.program, self.folder / self.script, self.port,
                *(self.certs / kind for kind in self.keys)]


class Node(_Script):
    """Debian's, with the system's OpenSSL."""

    kind = "node"
    in_place = True
    needs_root = True
    script = "server.js"
    text = NODE
    program = "/usr/bin/node"


class Python(_Script):
    """Where libssl comes by dlopen()."""

    kind = "python"
    script = "server.py"
    text = PYTHON
    program = "/usr/bin/python3"


ALL = {"nginx": Nginx, "nginx-stapling": NginxStapling, "apache": Apache, "haproxy": HAProxy,
       "haproxy-stapling": HAProxyStapling, "lighttpd": Lighttpd, "stunnel": Stunnel,
       "dnsdist": Dnsdist, "redis": Redis, "postgresql": Postgresql, "mariadb": Mariadb,
       "mosquitto": Mosquitto, "postfix": Postfix, "dovecot": Dovecot, "vsftpd": Vsftpd,
       "proftpd": Proftpd, "node": Node, "python": Python}
