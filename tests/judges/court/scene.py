# SPDX-License-Identifier: Apache-2.0
"""Every case on a loopback port of its own: one nginx, and a raw server for what nginx mends."""

from dataclasses import dataclass, field
from pathlib import Path

from lib import pki, servers
from lib.process import free_port
from lib.responder import ScriptedResponder

from . import docket
from .people import HOST, People
from .raw import RawServer

PROTOCOLS = {"both": "TLSv1.2 TLSv1.3", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}


@dataclass
class Trial:
    """A case, one of its leaves, and the port where both are shown."""

    case: docket.Case
    staple: str             # ordinary, must-staple
    life: str               # of the leaf's responder: dead, alive
    leaf: pki.Leaf
    der: bytes              # None: no staple
    folder: Path
    port: int = 0
    seen: dict = field(default_factory=dict)    # client -> (True: accepted, what it said)

    @property
    def name(self):
        return f"{self.case.name}, must-staple" if self.staple == "must-staple" else self.case.name

    @property
    def access_log(self):
        return self.folder / "access.log"

    @property
    def error_log(self):
        return self.folder / "error.log"

    @property
    def staple_file(self):
        return self.folder / "staple.ocsp"

    def write(self):
        self.folder.mkdir()
        # A root that signs leaves itself is not sent, as in life.
        self.leaf.write(self.folder / "chain.pem", chain=self.case.leaf != "root")
        self.leaf.write_key(self.folder / "key.pem")
        for log in (self.access_log, self.error_log):
            log.touch()
        if self.der is not None:
            self.staple_file.write_bytes(self.der)


def _ports(count):
    """Free ports, all different: free_port() may give the same one twice."""
    found = {}
    while len(found) < count:
        found[free_port()] = True
    return list(found)


class _Nginx(servers.Nginx):
    """One server block and one port a trial."""

    def __init__(self, programs, folder, trials):
        self.trials = trials
        super().__init__(programs, folder)

    def _block(self, trial):
        stapling = "" if trial.der is None else (
            f"    ssl_stapling on;\n    ssl_stapling_file {trial.staple_file};\n")
        return (f"  server {{\n    listen 127.0.0.1:{trial.port} ssl;\n    server_name {HOST};\n"
                f"    ssl_certificate {trial.folder}/chain.pem;\n"
                f"    ssl_certificate_key {trial.folder}/key.pem;\n"
                f"    ssl_protocols {PROTOCOLS[trial.case.tls]};\n{stapling}"
                f"    access_log {trial.access_log};\n    error_log {trial.error_log} info;\n"
                "    location / { return 200 'ok'; }\n  }\n")

    def configure(self):
        for trial, port in zip(self.trials, _ports(len(self.trials))):
            trial.port = port
        self.port = self.trials[0].port
        super().configure()
        text = self.config.read_text(encoding="ascii")
        blocks = "".join(self._block(trial) for trial in self.trials)
        self.config.write_text(
            text.replace("worker_connections 256", "worker_connections 2048")
            .replace("access_log off;", "ssl_session_cache off; ssl_session_tickets off;")
            .rstrip().removesuffix("}") + blocks + "}\n", encoding="ascii")


class Scene:
    """Starts everything; ends it as a context manager."""

    def __init__(self, programs, folder, wanted=lambda case, staple, life: True):
        self.folder = Path(folder)
        self.responder = ScriptedResponder().start()
        dead = f"http://127.0.0.1:{free_port()}/"
        self.people = People({"dead": dead, "alive": self.responder.url})
        self.responder.authorities += [self.people.root, self.people.ca, self.people.p256_ca]
        self.root = self.people.root.write(self.folder / "root.pem")
        self.started_at = pki.now()    # all answers and forecasts count from here
        self.trials = list(self._trials(wanted))
        self._servers = []
        plain = [trial for trial in self.trials if not trial.case.raw]
        self._raw = [RawServer(trial) for trial in self.trials if trial.case.raw]
        self._nginx = _Nginx(programs, self.folder / "nginx", plain)

    def _trials(self, wanted):
        for number, case in enumerate(docket.cases(self.people)):
            for staple in ("ordinary", "must-staple") if case.both else ("ordinary",):
                for life in ("dead", "alive"):
                    if wanted(case, staple, life):
                        leaf = self.people.leaves[case.leaf, staple, life]
                        trial = Trial(case, staple, life, leaf,
                                      case.make(leaf, self.started_at),
                                      self.folder / f"{number:03}-{staple}-{life}")
                        trial.write()
                        yield trial

    def __enter__(self):
        self._nginx.start()
        for server in self._raw:
            server.start()
        return self

    def __exit__(self, *_):
        self._nginx.__exit__()
        for server in self._raw:
            server.stop()
        self.responder.stop()

    def issuer_file(self, trial):
        path = self.folder / f"issuer-{trial.case.leaf}.pem"
        if not path.exists():
            trial.leaf.issuer.write(path)
        return path
