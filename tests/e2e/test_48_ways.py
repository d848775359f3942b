# SPDX-License-Identifier: Apache-2.0
"""What docs/servers says of single servers, beside the acts that all of them go through."""

import os
import shutil
import subprocess
import time

import pytest

from lib import answers, clients, others as servers
from lib.process import holds_for, wait_for
from lib.tour import Tour

NOBODY = 65534
LIFE_S = 24  # of a staple that is waited for to be over
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")


@pytest.fixture
def make(others, open_folder):
    """Makes a server of lib/others.py for a certificate; ended with the play."""
    made = []

    def new(kind, leaf, **how):
        made.append(kind(others, open_folder / kind.kind, leaf, **how))
        return made[-1]

    yield new
    for server in made:
        server.__exit__()


def see(server, leaf, daemon, limit_s=10, **how):
    return clients.see_staple(server.port, leaf.name, limit_s, daemon.log, **how)


# Exim.


def test_exim_goes_on_without_staple_when_clinch_is_dead(clinch, ca, responder, make):
    """A file that is over would end STARTTLS for everybody; its time says so before."""
    leaf = ca.issue("mail.test", url=responder.url)
    exim = make(servers.Exim, leaf).start()
    responder.set("good", age_s=0, life_s=16)
    daemon = clinch.run_config(clinch.config([exim.certificate], exim.targets()))
    wait_for(lambda: exim.look().status == "good", 10, "the staple", tell=daemon.log)
    daemon.kill_9()
    (path,) = exim.staples.iterdir()
    end = answers.read(path.read_bytes()).next_update
    assert time.time() < path.stat().st_mtime < end
    wait_for(lambda: not exim.look().stapled, 20, "no staple", tell=exim.log)
    assert time.time() < end
    holds_for(lambda: exim.look().connected, end + 2 - time.time(), "STARTTLS", 0.5, exim.log)
    assert path.exists() and not exim.look().stapled


# dnsdist.


def test_dnsdist_has_its_staple_again_after_a_reboot(clinch, ca, responder, make):
    """It was started before clinch, with nothing in /run, and names no file: a reload would not
    change that."""
    leaf = ca.issue("dns.test", url="http://ocsp.test/")
    dnsdist = make(servers.Dnsdist, leaf).start()
    config = clinch.config([dnsdist.certificate], dnsdist.targets(), proxy=responder.url)
    daemon = clinch.run_config(config)
    see(dnsdist, leaf, daemon)
    daemon.kill_9()
    responder.stop()
    for path in dnsdist.staples.iterdir():
        path.unlink()
    dnsdist.restart()
    assert not dnsdist.look().stapled
    daemon = clinch.run_config(config)
    see(dnsdist, leaf, daemon)


# hitch.


def hitch_names(server):
    return sorted(path.name for path in server.staples.iterdir())


def test_hitch_asks_by_itself_where_it_may_write(ca, responder, make):
    """Nobody has handed it anything, and there is no switch. It does not always notice itself what
    it has got, when that came faster than its worker began to look."""
    leaf = ca.issue("own.test", url=responder.url)
    hitch = make(servers.Hitch, leaf).start()
    wait_for(lambda: hitch_names(hitch), 10, "a staple of its own", tell=hitch.log)
    assert responder.count(leaf)


@as_root
def test_hitch_shows_clinch_s_staples_alone_where_it_may_not_write(clinch, ca, responder, make):
    leaf = ca.issue("ours.test", url=responder.url)
    hitch = make(servers.Hitch, leaf, user="nobody").start()
    wait_for(lambda: "is not writable for the configured user" in hitch.log(), 10,
             "its complaint", tell=hitch.log)
    assert responder.count(leaf) == 1 and not hitch.look().stapled and not hitch_names(hitch)
    daemon = clinch.run_config(clinch.config([hitch.certificate], hitch.targets()))
    see(hitch, leaf, daemon)
    hitch.restart()
    see(hitch, leaf, daemon)


def test_hitch_keeps_the_others_when_one_is_withdrawn(clinch, ca, responder, make):
    """A HUP takes from hitch all staples that came after its start. A certificate that is gone has
    ten seconds to come back."""
    leaf, other = (ca.issue(f"{name}.test", url="http://ocsp.test/") for name in ("gone", "stays"))
    hitch = make(servers.Hitch, leaf, others=[other]).start()
    stays = hitch.folder / "stays.pem"
    daemon = clinch.run_config(clinch.config([hitch.certificate, stays], hitch.targets(),
                                             proxy=responder.url))
    for one in (leaf, other):
        see(hitch, one, daemon)
    clinch.config([stays], hitch.targets(), proxy=responder.url)
    daemon.reload()
    clients.see_none(hitch.port, leaf.name, 20, daemon.log)
    see(hitch, other, daemon, 5)
    holds_for(lambda: clients.look(hitch.port, other.name).stapled, 4, "its staple", 0.5,
              daemon.log)


@pytest.mark.limit(90)
def test_hitch_has_its_staple_again_after_a_hup_of_somebody_else(clinch, ca, responder, make):
    """The files are put there again from time to time: nobody tells clinch of that HUP."""
    leaf = ca.issue("hup.test", url="http://ocsp.test/")
    hitch = make(servers.Hitch, leaf).start()
    daemon = clinch.run_config(clinch.config([hitch.certificate], hitch.targets(),
                                             proxy=responder.url, reload_interval="1s"))
    see(hitch, leaf, daemon)
    hitch.reload()
    clients.see_none(hitch.port, leaf.name, 10, daemon.log)
    see(hitch, leaf, daemon, 60)


# All of them.


LARGE = {"nonce": bytes(15_700), "age_s": 800, "life_s": 7200}
LARGEST = 16_380  # what TLS 1.2 clients of OpenSSL take, and so the largest that clinch hands out


@pytest.mark.parametrize("kind", (servers.Hitch, servers.Lighttpd, servers.Exim, servers.Dnsdist,
                                  servers.H2o, servers.Nghttpx), ids=lambda kind: kind.kind)
def test_server_takes_the_largest_staple_there_is(clinch, ca, responder, make, kind, open_folder):
    """No server of files or commands has a limit of its own below that of the clients."""
    leaf = ca.issue("large.test", url="http://ocsp.test/")
    responder.set("good", **LARGE)
    config = clinch.folder / "clinch.yaml"
    asking = {"clinch": clinch.binary, "config": config} if issubclass(kind, servers.Asking) else {}
    server = make(kind, leaf, **asking)
    assert clinch.config([server.certificate], server.targets(), proxy=responder.url) == config
    daemon = clinch.run_config(config)
    server.start()
    wait_for(lambda: server.look().status == "good", 15, "the staple", 0.2, daemon.log)
    ((_, sent),) = responder.made
    assert LARGEST - 500 < len(sent) <= LARGEST


@pytest.mark.limit(120)
def test_servers_start_and_reload_with_a_staple_that_is_over(programs, others, ca):
    """clinch was killed, and nothing has taken the staple away. Then `clinch expire` does."""
    tour = Tour(programs, others, ca)
    try:
        tour.each("start", lambda server: server.start() and None)
        tour.responder.set("good", age_s=0, life_s=LIFE_S)
        daemon = tour.clinch.run_config(tour.config)
        wait_for(lambda: all(tour.clinch.state_of(leaf) == "held" for leaf in tour.leaves.values()),
                 10, "staples", tell=daemon.log)
        wait_for(lambda: all(any(server.staples.iterdir()) for server in tour.servers.values()
                             if server.targets()), 5, "the files", tell=daemon.log)
        for server in tour.servers.values():
            # HAProxy hides the last five minutes of a staple.
            if server.kind != "haproxy":
                wait_for(lambda s=server: s.look().stapled, 8, f"a staple of {server.name}",
                         tell=server.log)
        daemon.kill_9()
        over = time.time() + LIFE_S + 1
        wait_for(lambda: time.time() > over, LIFE_S + 5, "the end of the staples")
        tour.each("over", tour.starts_and_reloads)
        done = tour.clinch.bare("expire", "-c", tour.config)
        assert done.code == 0, done
        assert not any(any(server.staples.iterdir()) for server in tour.servers.values())
        tour.each("expired", lambda server: tour.bare(server, 8))
        tour.each("after", tour.starts_and_reloads)
    finally:
        tour.end()
    acts = dict.fromkeys(("start", "over", "expired", "after"), True)
    assert tour.seen == {name: acts for name in tour.servers}


# Servers that call a command.


@pytest.mark.parametrize("clinch_does, code, printed", (
    ("printf staple", 0, "staple"), (":", 0, ""), ("exit 1", 75, ""), ("exit 127", 75, ""),
    ("kill -9 $$", 75, ""), ("exec sleep 60", 75, ""), (None, 75, "")))
def test_the_command_for_servers_ends_with_nothing_but_0_and_75(tmp_path, clinch_does, code,
                                                                printed):
    """h2o gives up for good at any other end, also of a clinch that hangs or is not there."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "sleep", "timeout"):
        (tools / name).symlink_to(shutil.which(name))
    if clinch_does:
        (tools / "clinch").write_text(f"#!/bin/sh\n{clinch_does}\n", encoding="ascii")
        (tools / "clinch").chmod(0o755)
    hook = (servers.HOOKS / "clinch-staple").read_text(encoding="ascii")
    assert "timeout 10 " in hook
    done = subprocess.run(["sh", "-c", hook.replace("timeout 10 ", "timeout 1 "), "hook", "x.pem"],
                          capture_output=True, text=True, check=False, timeout=10,
                          env={"PATH": str(tools)}, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (code, printed)


def test_nghttpx_that_verifies_is_restarted_by_the_alarm(clinch, ca, responder, make, tmp_path):
    """It keeps a revoked certificate's staple; when clinch raises the alarm it prints none any
    more, so a restart is all that is needed."""
    leaf = ca.issue("alarm.test", url="http://ocsp.test/")
    asked = tmp_path / "reload-nghttpx"
    nghttpx = make(servers.Nghttpx, leaf, clinch=clinch.binary,
                   config=clinch.folder / "clinch.yaml", trust=ca.write(tmp_path / "ca.pem"))
    config = clinch.config([nghttpx.certificate], proxy=responder.url,
                           on_revoked_command=["/usr/bin/touch", asked])
    daemon = clinch.run_config(config)
    clinch.wait_state(leaf, "held")
    nghttpx.start()
    wait_for(lambda: nghttpx.look().status == "good", 10, "the staple", tell=daemon.log)
    daemon.kill_9()
    shutil.rmtree(clinch.state)  # so that the responder is asked at once
    responder.set("revoked", age_s=0)
    daemon = clinch.run_config(config)
    wait_for(asked.exists, 10, "the alarm", tell=daemon.log)
    holds_for(lambda: nghttpx.look().status == "good", 5, "the old staple", 0.5, daemon.log)
    nghttpx.restart()
    wait_for(lambda: nghttpx.look().connected, 8, "nghttpx to speak TLS", tell=daemon.log)
    holds_for(lambda: not nghttpx.look().stapled, 3, "no staple", 0.5, daemon.log)


@as_root
def test_the_group_of_the_state_may_hand_out_staples(clinch, shop, certs, open_folder):
    """With the daemon and without it; nobody else may."""
    clinch.state = open_folder / "state"
    path = shop.write(open_folder / "shop.pem")

    def as_member(gid):
        return clinch.staple(path, "--or-empty", prefix=[
            "setpriv", f"--reuid={NOBODY}", f"--regid={gid}", "--clear-groups"])

    def hand_over():
        for one in (clinch.state, *clinch.state.iterdir()):
            os.chown(one, -1, 4242)

    assert clinch.once(path, "--strict").code == 0
    hand_over()
    assert answers.read(as_member(4242).raw).serial == shop.serial
    assert as_member(NOBODY).raw == b""
    daemon = clinch.run(path)
    hand_over()
    assert answers.read(as_member(4242).raw).serial == shop.serial
    daemon.kill_9()
    assert answers.read(as_member(4242).raw).serial == shop.serial
