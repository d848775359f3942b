# SPDX-License-Identifier: Apache-2.0
"""nginx, HAProxy and lighttpd, each with an RSA and an ECDSA certificate at TLS 1.2 and at 1.3, all
of them must-staple, before real clients: first bare, then with what clinch publishes.

Nobody but clinch can ask the responder (as in tour.py), and no client has anything but the staple.
"""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import answers, clients, pki, servers
from .clinch import Clinch
from .process import free_port
from .responder import ScriptedResponder
from .tour import URL

TESTS = Path(__file__).resolve().parents[2]
sys.path += [str(TESTS), str(TESTS / "judges")]
# pylint: disable=wrong-import-position
from court.clients import Curl, Gnutls, Nss, make_database, need, run  # noqa: E402
from court.firefox import Firefox  # noqa: E402
from court.java import Jvm  # noqa: E402
from court.people import HOST  # noqa: E402

AT_ONCE = 2
KINDS = ("rsa", "ecdsa")
VERSIONS = ("1.2", "1.3")
SERVERS = ("nginx", "haproxy", "lighttpd")
PAGE = "a page of the play"
ENDED_S = 30


@dataclass
class Door:
    """One port: a server, one of its certificates, one version of TLS."""

    server: str
    kind: str
    version: str
    leaf: pki.Leaf
    port: int
    folder: Path  # its name is that of the door
    access_log: Path
    error_log: Path

    @property
    def name(self):
        return self.folder.name


class _House:
    """A server with four doors, as a mixin: the certificates, the logs, and what clinch writes."""

    def __init__(self, programs, folder, leaves):
        self.doors = []
        folder.mkdir()
        self.staples = folder / "staples"
        self.staples.mkdir()
        self.leaves = leaves
        for kind, leaf in leaves.items():
            leaf.write(folder / f"{kind}.pem", key=True)
            leaf.write(folder / f"{kind}.crt")
            leaf.write_key(folder / f"{kind}.key")
        super().__init__(programs, folder)

    def make_doors(self):
        """With new ports; the logs stay."""
        self.doors = [self._door(kind, version) for kind in KINDS for version in VERSIONS]
        self.port = self.doors[0].port

    def _door(self, kind, version):
        taken = {door.port for door in self.doors}
        port = next(port for port in iter(free_port, None) if port not in taken)
        place = self.folder / f"{self.kind}-{kind}-{version}"
        place.mkdir(exist_ok=True)
        logs = self.log_files(place)
        for log in logs:
            log.touch()
        return Door(self.kind, kind, version, self.leaves[kind], port, place, *logs)

    def log_files(self, place):
        return place / "access.log", place / "error.log"

    def certificates_for_clinch(self):
        return [self.folder / f"{kind}.pem" for kind in KINDS]


class _Nginx(_House, servers.Nginx):
    def configure(self):
        self.make_doors()
        super().configure()
        blocks = "".join(self._block(door) for door in self.doors)
        text = self.config.read_text(encoding="ascii")
        self.config.write_text(text.replace("access_log off;", "").rstrip().removesuffix("}")
                               + blocks + "}\n", encoding="ascii")

    def _block(self, door):
        return (f"  server {{\n    listen 127.0.0.1:{door.port} ssl;\n    server_name {HOST};\n"
                f"    ssl_certificate {self.folder}/{door.kind}.crt;\n"
                f"    ssl_certificate_key {self.folder}/{door.kind}.key;\n"
                f"    ssl_protocols TLSv{door.version};\n"
                f"    include {self.staples}/{door.kind}[.]conf;\n"
                f"    access_log {door.access_log};\n    error_log {door.error_log} info;\n"
                f"    default_type text/plain;\n    location / {{ return 200 '{PAGE}'; }}\n  }}\n")

    def target(self):
        return {"nginx": self.staples, "reload": self.command()}


class _Haproxy(_House, servers.HAProxy):
    def log_files(self, place):
        return self.folder / "haproxy.out", place / "error.log"

    def configure(self):
        self.make_doors()
        binds = "".join(
            f"frontend {door.name}\n  log global\n  option httplog\n"
            f"  bind 127.0.0.1:{door.port} ssl crt {self.folder}/{door.kind}.pem "
            f"ssl-min-ver TLSv{door.version} ssl-max-ver TLSv{door.version}\n"
            "  http-request set-log-level silent unless { path / }\n"  # no late line of an icon
            f"  http-request return status 200 content-type text/plain string '{PAGE}'\n"
            for door in self.doors)
        self.config.write_text(
            f"global\n  stats socket {self.socket} mode 600 level admin\n"
            "  log stdout format raw local0\n"
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 10s\n"
            f"  timeout server 10s\n{binds}", encoding="ascii")

    def target(self):
        return {"haproxy": self.socket}


class _Lighttpd(_House, servers.Server):
    kind = "lighttpd"

    def configure(self):
        self.make_doors()
        (self.folder / "www").mkdir(exist_ok=True)
        (self.folder / "www/index.txt").write_text(PAGE, encoding="ascii")
        sockets = "".join(
            f'$SERVER["socket"] == "127.0.0.1:{door.port}" {{\n  ssl.engine = "enable"\n'
            f'  ssl.pemfile = "{self.folder}/{door.kind}.crt"\n'
            f'  ssl.privkey = "{self.folder}/{door.kind}.key"\n'
            f'  ssl.stapling-file = "{self.staples}/{door.kind}.ocsp"\n'
            f'  ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv{door.version}",'
            f' "MaxProtocol" => "TLSv{door.version}")\n'
            f'  accesslog.filename = "{door.access_log}"\n}}\n' for door in self.doors)
        (self.folder / "lighttpd.conf").write_text(
            'server.modules = ("mod_openssl", "mod_accesslog")\n'
            f'server.document-root = "{self.folder}/www"\nindex-file.names = ("index.txt")\n'
            'mimetype.assign = (".txt" => "text/plain")\naccesslog.use-syslog = "disable"\n'
            f'server.bind = "127.0.0.1"\nserver.port = {free_port()}\n{sockets}',
            encoding="ascii")

    def argv(self):
        return [self.programs.paths["lighttpd"], "-D", "-f", self.folder / "lighttpd.conf", "-m",
                self.programs.root / "usr/lib/lighttpd"]

    def start(self):
        self.configure()
        super().start()
        (self.folder / "pid").write_text(f"{self.child.pid}\n", encoding="ascii")
        return self

    def target(self):
        return {"lighttpd": self.staples / "{stem}.ocsp",
                "reload": f"kill -USR1 $(cat {self.folder}/pid)"}


class Openssl:
    """s_client shows a good staple of this very certificate, in a chain that it verifies."""

    key, title = "openssl", "openssl s_client -status"

    def __init__(self, scene):
        self.more = ("-CAfile", str(scene.root), "-verify_return_error", "-verify_hostname", HOST)

    @staticmethod
    def version():
        return run(["openssl", "version"])[1].split()[1]

    def judge(self, door):
        sight = clients.look(door.port, HOST, None, *self.more)
        good = sight.status == "good" and sight.serial == door.leaf.serial_hex
        spoken = f"TLSv{door.version}" in sight.text
        return good and spoken and "Verify return code: 0" in sight.text, str(sight)


class Chromium:
    """Headless, with the authority in its home's database: it shows the page, or an error."""

    key, title = "chromium", "Chromium"
    ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-extensions", "--disable-dev-shm-usage", "--no-proxy-server",
                 f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}")

    def __init__(self, scene):
        self.program = need("chromium")
        self.folder = scene.folder / "chromium"
        (self.folder / ".pki").mkdir(parents=True)
        make_database(self.folder / ".pki/nssdb", scene.root)

    @staticmethod
    def version():
        return run(["chromium", "--version"])[1].split("Chromium ")[1].split()[0]

    def judge(self, door):
        home = self.folder / door.name
        env = {**os.environ, "HOME": str(self.folder)}
        code, said = run([self.program, *self.ARGUMENTS, f"--user-data-dir={home}",
                          f"https://{HOST}:{door.port}/"], ENDED_S, env=env)
        shutil.rmtree(home, ignore_errors=True)
        return code == 0 and PAGE in said, said.strip()[-200:]


class Java:
    """PKIXRevocationChecker without SOFT_FAIL: no staple, no page."""

    key, title = "java", "Java"

    def __init__(self, scene):
        self.jvm = Jvm(scene)

    def version(self):
        return self.jvm.version

    def judge(self, door):
        return self.jvm.judge("hard", door)

    def stop(self):
        self.jvm.stop()


QUICK = (Openssl, Curl, Gnutls, Nss, Java)
ALL = (*QUICK, Firefox, Chromium)


class Matrix:
    """`bare`, `stapled` and `revoked`: (client, door's name) -> (accepted, what was said)."""

    def __init__(self, pair, programs, folder):
        self.folder = Path(folder)
        root = pki.Authority("clinch clients root")
        self.authorities = {kind: pki.Authority(f"clinch clients {kind} CA", kind, issuer=root)
                            for kind in KINDS}
        self.root = root.write(self.folder / "root.pem")
        leaves = {kind: ca.issue(HOST, kind, url=URL, must_staple=True)
                  for kind, ca in self.authorities.items()}
        # One answer signed by the authority itself, one by somebody whom it appointed.
        delegate = self.authorities["ecdsa"].delegate("clinch clients signer", "ecdsa")
        self.responder = ScriptedResponder(*self.authorities.values()).start()
        self.responder.set("good", leaf=leaves["ecdsa"], signer=delegate)
        self.houses = [_Nginx(pair, self.folder / "nginx", leaves),
                       _Haproxy(pair, self.folder / "haproxy", leaves),
                       _Lighttpd(programs, self.folder / "lighttpd", leaves)]
        self.clinch = Clinch(self.folder / "clinch")
        self.clients = []
        self.versions = {}
        self.bare, self.stapled, self.revoked = {}, {}, {}
        self.leaves = leaves

    @property
    def doors(self):
        return [door for house in self.houses for door in house.doors]

    def play(self):
        try:
            for house in self.houses:
                house.start()
            self.clients = [kind(self) for kind in ALL]
            self.versions = {client.title: client.version() for client in self.clients}
            self._visit_bare()
            self._publish()
            self._visit_stapled()
            self._visit_revoked()
        finally:
            self.end()
        return self

    def _visit_bare(self):
        """Firefox where the server's log tells of its refusal, which it does not tell itself."""
        nginx = self.houses[0].doors
        visits = {client: nginx if isinstance(client, Firefox) else self.doors[::5]
                  if isinstance(client, Chromium) else self.doors for client in self.clients}
        self._visit(visits, self.bare)

    def _visit_stapled(self):
        self._visit({client: self.doors for client in self.clients}, self.stapled)

    def _visit_revoked(self):
        """What clinch would never publish, at one door: who looks at staples refuses it."""
        for daemon in self.clinch.daemons:
            daemon.kill_9()
        nginx, leaf = self.houses[0], self.leaves["rsa"]
        (nginx.staples / "rsa.ocsp").write_bytes(answers.build(
            answers.certid(leaf), leaf.issuer, answers.Answer(status="revoked")))
        nginx.restart()  # a reload would leave the old worker at the door for a moment
        (door,) = (door for door in nginx.doors if door.name == "nginx-rsa-1.3")
        self._visit({client: [door] for client in self.clients}, self.revoked)

    def _visit(self, visits, seen):
        """Two at a time: the quick clients beside Chromium; then Firefox at two servers. What it
        does is read from their logs, so that nobody else may be at the same one."""
        def go(pairs):
            for client, door in pairs:
                seen[client.key, door.name] = client.judge(door)

        every = [(client, door) for client, doors in visits.items() for door in doors]
        rounds = ([[(client, door) for client, door in every if isinstance(client, kinds)]
                   for kinds in (QUICK, Chromium)],
                  [[(client, door) for client, door in every
                    if isinstance(client, Firefox) and door.server == server]
                   for server in SERVERS])
        for lanes in rounds:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for done in [pool.submit(go, lane) for lane in lanes]:
                    done.result()

    def _publish(self):
        certificates = [path for house in self.houses for path in house.certificates_for_clinch()]
        config = self.clinch.config(
            certificates, [{**house.target(), "only": f"{house.folder}/*.pem"}
                           for house in self.houses], proxy=self.responder.url)
        daemon = self.clinch.run_config(config)
        for door in self.doors:
            clients.see_staple(door.port, HOST, 10, daemon.log)

    def end(self):
        for client in self.clients:
            if isinstance(client, Java):
                client.stop()
        self.clinch.end()
        for house in self.houses:
            house.__exit__()
        self.responder.stop()
