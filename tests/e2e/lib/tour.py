# SPDX-License-Identifier: Apache-2.0
"""Every server through the same acts at the same time, with one clinch and one responder.

Servers cannot reach the responder: it is clinch's HTTP proxy, and the only way to the host that the
certificates name. What a server shows, clinch has brought.
"""

import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import clients, others, servers
from .clinch import Clinch
from .process import holds_for, wait_for
from .responder import ScriptedResponder

URL = "http://ocsp.test/"
# What a daemon finds in its store two thirds through its life, without a plan of the run before,
# is asked for again after 30 to 40 s. Long enough left for HAProxy, which shows nothing in the last
# five minutes before nextUpdate.
TWO_THIRDS = {"age_s": 800, "life_s": 1200}
AT_ONCE = 2
FIRST_S, REFRESH_S, REVOKED_S = 15, 60, 75
FAILED = "failed"
SETTLED_S = 8  # after a start or a reload
BACK_S = 30  # clinch looks after what is shared with hitch every 20 s

# The acts, and what is written of each in docs/compatibility.md.
ACTS = {
    "never": "Before the first staple, clinch was never there: the server starts and reloads.",
    "first": "The first staple is on the wire.",
    "refresh": "A newer one is on the wire.",
    "reload": "The responder is dead and clinch is stopped (`kill -STOP`): the server is reloaded "
              "by its administrator, and the staple is still there.",
    "back": "clinch goes on (`kill -CONT`): the same staple is there.",
    "dead": "clinch is killed (`kill -9`): the server is started anew, and the same staple is "
            "there.",
    "purged": "What clinch wrote, and clinch itself, are removed: the server starts and reloads.",
    "outage": "clinch is started while the responder is still dead: the same staple is there, "
              "before and after a start of the server.",
    "revoked": "The responder says revoked: the staple is off the wire.",
    "restart": "The server is started anew, clinch running: no staple.",
    "gone": "clinch is killed: the server starts and reloads; then it is removed: likewise.",
}


class Nginx(servers.Nginx):
    def __init__(self, programs, folder, leaf):
        folder.mkdir()
        self.name = leaf.name
        self.certificate = leaf.write(folder / "chain.pem")
        self.staples = folder / "staples"
        self.staples.mkdir()
        super().__init__(programs, folder, [servers.Site(
            leaf.name, self.certificate, leaf.write_key(folder / "key.pem"),
            f"{self.staples}/chain[.]conf")])

    def targets(self):
        return [{"nginx": self.staples, "reload": self.command()}]

    def look(self):
        return clients.look(self.port, self.name)

    def check(self):
        return self.test()


class HAProxy(servers.HAProxy):
    """In master-worker mode, as Debian starts it: it can be reloaded."""

    def __init__(self, programs, folder, leaf):
        folder.mkdir()
        self.name = leaf.name
        self.certificate = leaf.write(folder / "both.pem", key=True)
        self.staples = folder / "staples"
        self.staples.mkdir()
        (folder / "both.pem.ocsp").symlink_to(self.staples / "both.pem.ocsp")
        super().__init__(programs, folder, [self.certificate])

    def argv(self):
        return [self.programs.haproxy, "-W", "-db", "-f", str(self.config)]

    def tell_reload(self):
        self.child.send(signal.SIGUSR2)

    def targets(self):
        return [{"haproxy": self.socket, "ocsp": f"{self.staples}/{{file}}.ocsp"}]

    def look(self):
        return clients.look(self.port, self.name)


class Tour:
    """`seen` has a line for each server: act -> True, or words that say what was seen instead."""

    def __init__(self, pair, programs, ca, names=None):
        # Exim gives up root: its files must be within everybody's reach.
        self.folder = Path(tempfile.mkdtemp(prefix="clinch-tour-"))
        self.folder.chmod(0o755)
        self.ca = ca
        # For all acts: a server dies with the thread that has started it.
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.responder = ScriptedResponder(ca).start()
        self.clinch = Clinch(self.folder / "clinch")
        self.daemon = None
        self.leaves = {}
        self.servers = {}
        self.seen = {}
        self.versions = {}
        self._make(pair, programs, names)

    def _make(self, pair, programs, names):
        config = self.clinch.folder / "clinch.yaml"
        asking = (self.clinch.binary, config)
        root = self.ca.write(self.folder / "ca.pem")
        made = {
            "nginx": lambda *where: Nginx(pair, *where),
            "haproxy": lambda *where: HAProxy(pair, *where),
            "hitch": lambda *where: others.Hitch(programs, *where),
            "lighttpd": lambda *where: others.Lighttpd(programs, *where),
            "h2o": lambda *where: others.H2o(programs, *where, *asking),
            "nghttpx": lambda *where: others.Nghttpx(programs, *where, *asking, trust=root),
            "nghttpx-no-verify": lambda *where: others.Nghttpx(programs, *where, *asking),
            "exim": lambda *where: others.Exim(programs, *where),
            "dnsdist": lambda *where: others.Dnsdist(programs, *where),
        }
        for name, make in made.items():
            if names is None or name in names:
                self.leaves[name] = self.ca.issue(f"{name}.test", url=URL)
                self.servers[name] = make(self.folder / name, self.leaves[name])
                self.seen[name] = {}
                self.versions[name] = (pair if name in pair.paths else programs).version(
                    self.servers[name].kind)
        self.config = self.clinch.config(
            [server.certificate for server in self.servers.values()],
            [{**target, "only": server.certificate}
             for server in self.servers.values() for target in server.targets()],
            proxy=self.responder.url, reload_interval="1s")

    # What is seen.

    def each(self, act, check):
        """`check` for each server, two at a time: words that it returns, or of what failed."""
        def one(name):
            if any(str(words).startswith(FAILED) for words in self.seen[name].values()):
                return "not reached"
            try:
                return check(self.servers[name]) or True
            except AssertionError as fault:
                return f"{FAILED}: {fault}"

        for name, words in zip(self.servers, self.pool.map(one, self.servers)):
            self.seen[name][act] = words

    @staticmethod
    def _good(server, limit_s, but=None):
        """Waits for a good staple that is not that one. The signature."""
        def seen():
            sight = server.look()
            ours = sight.status == "good" and sight.serial == sight.leaf_serial
            return sight.signature if ours and sight.signature != but else None

        return wait_for(seen, limit_s, f"a staple of {server.name}", 0.1, server.log)

    @staticmethod
    def bare(server, limit_s):
        """Waits until it shows no staple."""
        def seen():
            sight = server.look()
            return sight.connected and not sight.stapled

        wait_for(seen, limit_s, f"no staple of {server.name}", 0.1, server.log)

    @staticmethod
    def _speaks(server):
        """It is alive, and whoever connects is served."""
        wait_for(lambda: server.look().connected, SETTLED_S, f"{server.name} to speak TLS", 0.1,
                 server.log)
        assert server.child.alive(), server.log()

    def starts_and_reloads(self, server):
        """And its own test of its configuration has nothing against that."""
        code, words = server.check()
        assert code == 0, f"its own test of the configuration fails: {words}"
        server.restart()
        self._speaks(server)
        server.reload()
        self._speaks(server)

    # The acts.

    def play(self):
        began = time.monotonic()
        try:
            for act in ACTS:
                getattr(self, f"_{act}")()
                print(f"{time.monotonic() - began:5.1f} s: {act}")
        finally:
            self.end()
        return self

    def _never(self):
        self.each("never", self._start_without_clinch)

    def _start_without_clinch(self, server):
        server.start()
        self.bare(server, SETTLED_S)
        self.starts_and_reloads(server)
        self.bare(server, SETTLED_S)

    def _mark(self):
        for server in self.servers.values():
            server.before = server.process()

    def _first(self):
        self._mark()
        self.responder.set("good", **TWO_THIRDS)
        done = self.clinch.bare("once", "-c", self.config)
        assert done.code == 0, done
        self.clinch.forget_plans()
        self.daemon = self.clinch.run_config(self.config)
        self.each("first", lambda server: self._take(server, FIRST_S))

    def _take(self, server, limit_s):
        """Another staple than the last one; words when it took a new process."""
        server.signature = self._good(server, limit_s, server.signature)
        return None if server.process() == server.before else "restarted"

    def _refresh(self):
        self._mark()
        self.each("refresh", lambda server: self._take(server, REFRESH_S))

    def _reload(self):
        self.responder.stop()
        self.daemon.send(signal.SIGSTOP)
        self.each("reload", self._reload_keeps)

    def _reload_keeps(self, server):
        server.reload()
        self._speaks(server)
        try:
            return None if self._good(server, 4) == server.signature else "another staple"
        except AssertionError:
            return "lost"

    def _back(self):
        self.daemon.send(signal.SIGCONT)
        self.each("back", lambda server: self._same(server, BACK_S))

    def _same(self, server, limit_s):
        now = self._good(server, limit_s)
        return None if now == server.signature else "another staple"

    def _dead(self):
        self.daemon.kill_9()
        self.each("dead", self._same_after_start)

    def _same_after_start(self, server):
        server.restart()
        return self._same(server, SETTLED_S)

    def _purged(self):
        self.each("purged", self._without_clinch)

    def _without_clinch(self, server):
        """Everything of clinch that this server knows is away, and comes back."""
        away = [path for path in (server.staples, getattr(server, "tools", None)) if path]
        for path in away:
            path.rename(path.with_name(f"{path.name}.away"))
        try:
            self.starts_and_reloads(server)
        finally:
            for path in away:
                path.with_name(f"{path.name}.away").rename(path)
            server.restart()

    def _outage(self):
        self.clinch.forget_plans()
        self.daemon = self.clinch.run_config(self.config)
        self.each("outage", self._same_in_the_outage)

    def _same_in_the_outage(self, server):
        for _ in range(2):
            if self._good(server, SETTLED_S) != server.signature:
                return "another staple"
            server.restart()
        return None

    def _revoked(self):
        self.responder.start()
        self.responder.set("revoked", age_s=60)
        self._mark()
        wait_for(lambda: all(self.clinch.state_of(leaf) == "revoked"
                             for leaf in self.leaves.values()), REVOKED_S,
                 "clinch to hear of it", tell=self.daemon.log)
        self.each("revoked", self._withdrawn)

    def _withdrawn(self, server):
        try:
            self.bare(server, SETTLED_S)
        except AssertionError:
            return "kept"
        return None if server.process() == server.before else "restarted"

    def _restart(self):
        self.each("restart", self._bare_after_start)

    def _bare_after_start(self, server):
        server.restart()
        self.bare(server, SETTLED_S)
        # Some ask for one only when they have started.
        holds_for(lambda: not server.look().stapled, 2, f"no staple of {server.name}",
                  tell=server.log)

    def _gone(self):
        self.daemon.kill_9()
        self.each("gone", self._without_anything)

    def _without_anything(self, server):
        self.starts_and_reloads(server)
        self.bare(server, SETTLED_S)
        self._without_clinch(server)

    def end(self):
        self.clinch.end()
        self.responder.stop()
        for server in self.servers.values():
            server.__exit__()
        self.pool.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)
