# SPDX-License-Identifier: Apache-2.0
"""Servers that nobody has changed, with libclinch-preload.so: staples on the first handshake, for
every certificate they serve, and whatever becomes of a staple needs no reload."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from lib import preloaded, unpack
from lib.clinch import Clinch
from lib.process import Late, wait_for
from lib.responder import ScriptedResponder

SEEN_S = 10  # until clinch has an answer and the server shows it


class Stage:
    """A server, the folder of its staples, and the clinch that fills it. The first handshake is
    over when it is made."""

    def __init__(self, kind, programs, *authorities):
        self.folder = Path(tempfile.mkdtemp(prefix="clinch-play-"))
        self.folder.chmod(0o755)  # some servers give up root
        self.authorities = authorities
        self.responder = ScriptedResponder(*authorities)
        self.clinch = Clinch(self.folder / "clinch")
        self.staples = self.folder / "staples"
        self.staples.mkdir()
        self.server = kind(programs, self.folder / "server", self.staples)
        self.daemon = None
        self.first = None

    def begin(self):
        self.responder.start()
        self.server.install(self.issue())
        self._make_own_staples()
        self.responder.set("good", age_s=3600)
        self.daemon = self.clinch.run_config(self._config())
        self.wait_files(self.server.leaves.values())
        self.server.start()
        self.first = self.server.look()
        return self

    def issue(self):
        """A certificate for each kind of key."""
        name = f"{self.server.kind}.test"
        return {kind: authority.issue(name, kind, url=self.responder.url)
                for kind, authority in zip(("rsa", "ecdsa"), self.authorities)}

    def _make_own_staples(self):
        """By another clinch, which has nothing to do with the play."""
        self.responder.set("good", age_s=7200)
        for kind in self.server.own:
            other = Clinch(self.folder / f"other-{kind}")
            assert other.once(self.server.certificate(kind), "--wait", "20").code == 0
            self.server.own_staple(kind, other.staple(self.server.certificate(kind)).raw)

    def _config(self):
        return self.clinch.config([self.server.certs], [{"folder": self.staples}])

    def wait_files(self, leaves):
        paths = [self.staples / f"{leaf.sha256}.ocsp" for leaf in leaves]
        wait_for(lambda: all(path.exists() for path in paths), SEEN_S, "clinch's staples",
                 tell=self.daemon.log)

    def see(self, kind, right, what):
        """Waits until a handshake shows what is `right`. That sight."""
        last = [None]

        def seen():
            last[0] = self.server.look(kind)
            return last[0].connected and right(last[0])

        try:
            wait_for(seen, SEEN_S, f"{what} ({kind})", 0.1, self.server.log)
        except Late as late:
            raise Late(f"{late}\nseen last: {last[0]}\n{self.daemon.log()}") from None
        return last[0]

    def is_right(self, kind, sight):
        """It has a good staple about the certificate that was shown, which is ours."""
        serial = self.server.leaves[kind].serial_hex
        return sight.status == "good" and sight.serial == sight.leaf_serial == serial

    def change(self, rule, age_s):
        """The responder says something else, `age_s` ago, and clinch has heard it. It is another
        clinch each time: the one before would not ask again for days."""
        self.clinch.end()
        self.clinch = Clinch(self.folder / f"clinch-{rule}-{age_s}")
        self.responder.set(rule, age_s=age_s)
        self.clinch.once(self.server.certs)
        self.daemon = self.clinch.run_config(self._config())

    def end(self):
        self.server.__exit__()
        self.clinch.end()
        self.responder.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def groups(programs, others):
    """Where each server is."""
    more = unpack.get(group=unpack.PRELOADED)
    return lambda kind: next((group for group in (programs, others) if kind in group.paths), more)


@pytest.fixture(scope="module", params=preloaded.ALL)
def stage(request, groups, ca, ecdsa_ca):
    kind = preloaded.ALL[request.param]
    if kind.needs_root and os.geteuid() != 0:
        pytest.skip(f"{request.param} changes its user or is unpacked where only root can")
    play = Stage(kind, groups(kind.kind), ca, ecdsa_ca)
    try:
        yield play.begin()
    finally:
        play.end()


def test_first_handshake_has_the_staple(stage):
    assert stage.is_right("rsa", stage.first), (stage.first, stage.server.log())


@pytest.mark.parametrize("version", ("-tls1_3", "-tls1_2"))
def test_each_certificate_has_its_own(stage, version):
    for kind in stage.server.keys:
        sight = stage.server.look(kind, version)
        assert stage.is_right(kind, sight), (kind, sight, stage.server.log())


def test_newer_staple_needs_no_reload(stage):
    before = {kind: stage.server.look(kind).signature for kind in stage.server.keys}
    stage.change("good", 1800)
    for kind, old in before.items():
        stage.see(kind, lambda sight, kind=kind, old=old: stage.is_right(kind, sight)
                  and sight.signature != old, "a newer staple")


def test_withdrawal_needs_no_reload(stage):
    """And neither does the staple that comes back. The server's own, if it has any, goes on."""
    stage.change("revoked", 900)
    for kind in stage.server.keys:
        stage.see(kind, lambda sight, kind=kind: stage.server.shows_its_own(kind, sight),
                  "no staple of clinch's")
    stage.change("good", 450)
    for kind in stage.server.keys:
        stage.see(kind, lambda sight, kind=kind: stage.is_right(kind, sight), "the staple again")


def test_renewed_certificate_comes_with_its_staple(stage):
    """From the first handshake that shows it."""
    stage.server.install(stage.issue())
    stage.wait_files(stage.server.leaves.values())
    stage.server.reload()
    for kind, leaf in stage.server.leaves.items():
        sight = stage.see(kind, lambda sight, leaf=leaf: sight.leaf_serial == leaf.serial_hex,
                          "the new certificate")
        assert stage.is_right(kind, sight), sight


class UpgradedNginx(preloaded.Nginx):
    """In the background, where it takes a new program on the fly. @more: lines of its main part."""

    def __init__(self, programs, folder, staples, more):
        super().__init__(programs, folder, staples)
        self.more = more

    def configure(self):
        super().configure()
        config = self.folder / "nginx.conf"
        text = config.read_text(encoding="ascii").replace("daemon off;\n", self.more)
        config.write_text(text.replace("error_log stderr", f"error_log {self.folder}/error.log"),
                          encoding="ascii")

    def master(self):
        """None while there is no such process."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "nginx.pid").read_text(encoding="ascii"))
            os.kill(pid, 0)
            return pid
        return None

    def __enter__(self):
        self.configure()
        subprocess.run(self.argv(), env=self.environment(), check=True, timeout=20,
                       capture_output=True, stdin=subprocess.DEVNULL)
        wait_for(self.master, SEEN_S, "nginx's pid file")
        return self

    def upgrade(self):
        """As Debian's package does it."""
        old = self.master()
        os.kill(old, signal.SIGUSR2)
        wait_for(lambda: self.master() not in (None, old), SEEN_S, "the new program")
        os.kill(old, signal.SIGQUIT)
        wait_for(lambda: not Path(f"/proc/{old}").exists() or "Z" in Path(
            f"/proc/{old}/stat").read_text(encoding="ascii"), SEEN_S, "the end of the old one")

    def __exit__(self, *_):
        if self.master():
            os.kill(self.master(), signal.SIGQUIT)
        wait_for(lambda: self.master() is None, SEEN_S, "nginx's end")


@pytest.mark.parametrize("more", ("", "env LD_PRELOAD;\nenv CLINCH_STAPLES;\n"))
def test_nginx_upgraded_on_the_fly_needs_two_lines(programs, open_folder, ca, ecdsa_ca, responder,
                                                   clinch, more):
    """docs/servers/preload.md: the new program gets the variables that nginx was told of alone."""
    staples = open_folder / "staples"
    staples.mkdir()
    nginx = UpgradedNginx(programs, open_folder / "server", staples, more)
    nginx.install({kind: authority.issue("nginx.test", kind, url=responder.url)
                   for kind, authority in (("rsa", ca), ("ecdsa", ecdsa_ca))})
    done = clinch.bare("once", "-c", clinch.config([nginx.certs], [{"folder": staples}]))
    assert done.code == 0, done
    with nginx:
        assert nginx.look().status == "good"
        nginx.upgrade()
        after = nginx.look()
    assert after.connected and after.stapled == bool(more)
