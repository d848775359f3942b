# SPDX-License-Identifier: Apache-2.0
"""Staples on a real nginx: shown, withdrawn, and never in the way of a start."""

import os

import pytest

from lib import answers, clients
from lib.process import holds_for, wait_for

GIVEN_UP_S = 16  # a file may be missing for 10 s before its certificate counts as gone


def target(nginx, snippets, **more):
    return {"nginx": snippets, "reload": nginx.command(), **more}


def test_first_staple_is_on_the_wire_within_seconds(clinch, shop, front, certs, responder):
    nginx, snippets = front.nginx(shop)
    assert not clients.look(nginx.port, "shop.test").stapled
    daemon = clinch.run_config(clinch.config([certs], [target(nginx, snippets)]))
    sight = clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
    assert sight.serial == shop.serial_hex
    sent = answers.read(responder.sent[shop.serial])
    assert clients.seconds(sight.next_update) == sent.next_update
    assert nginx.reloads() == 1
    assert sorted(os.listdir(snippets)) == ["shop.conf", "shop.ocsp"]


def test_once_publishes_too(clinch, shop, front, certs):
    nginx, snippets = front.nginx(shop)
    done = clinch.bare("once", "-c", clinch.config([certs], [target(nginx, snippets)]))
    assert done.code == 0, done
    clients.see_staple(nginx.port, "shop.test", 3)


def test_nginx_that_is_not_up_yet_gets_its_staple_at_its_start(clinch, shop, front, certs):
    nginx, snippets = front.nginx(shop, start=False)
    daemon = clinch.run_config(clinch.config([certs], [target(nginx, snippets)]))
    wait_for((snippets / "shop.conf").exists, what="the snippet", tell=daemon.log)
    with nginx:
        assert clients.look(nginx.port, "shop.test").status == "good"


def test_gnutls_client_accepts_the_staple(clinch, ca, shop, front, certs, tmp_path):
    nginx, snippets = front.nginx(shop)
    daemon = clinch.run_config(clinch.config([certs], [target(nginx, snippets)]))
    clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
    seen = clients.gnutls(nginx.port, "shop.test", ca.write(tmp_path / "ca.pem"))
    if seen is None:
        pytest.skip("gnutls-cli is not installed (package gnutls-bin)")
    code, text = seen
    assert code == 0 and "OCSP" in text, text


def test_rsa_and_ecdsa_sites_each_have_their_own(clinch, ca, ecdsa_ca, responder, front, certs):
    leaves = [ca.issue("rsa.test", url=responder.url),
              ecdsa_ca.issue("ec.test", "ecdsa", url=responder.url, must_staple=True)]
    for leaf in leaves:
        leaf.write(certs)
    nginx, snippets = front.nginx(*leaves)
    daemon = clinch.run_config(clinch.config([certs], [target(nginx, snippets)]))
    for leaf in leaves:
        sight = clients.see_staple(nginx.port, leaf.name, 5, daemon.log)
        assert sight.serial == leaf.serial_hex


def test_staple_comes_when_the_responder_does(clinch, shop, responder, front, certs):
    responder.stop()
    nginx, snippets = front.nginx(shop)
    daemon = clinch.run_config(clinch.config([certs], [target(nginx, snippets)]))
    daemon.says("refused")
    assert nginx.test()[0] == 0 and not clients.look(nginx.port, "shop.test").stapled
    responder.start()
    clients.see_staple(nginx.port, "shop.test", 20, daemon.log)


@pytest.mark.limit(90)
def test_nginx_starts_in_every_state(clinch, ca, shop, responder, front, certs):
    """Before the first staple, with one, when it is over, and after clinch is gone for good."""
    nginx, snippets = front.nginx(shop)
    config = clinch.config([certs], [target(nginx, snippets)])

    def starts(stapled):
        code, text = nginx.test()
        assert code == 0, text
        nginx.restart()
        assert clients.look(nginx.port, "shop.test").stapled == stapled

    starts(False)
    responder.set("good", age_s=0, life_s=16)
    daemon = clinch.run_config(config)
    clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
    starts(True)
    responder.set("http", code=503)
    clients.see_none(nginx.port, "shop.test", 25, daemon.log)
    wait_for(lambda: not os.listdir(snippets), what="the DER to go too", tell=daemon.log)
    starts(False)
    assert daemon.terminate() == 0
    starts(False)
    responder.clear()
    daemon = clinch.run_config(config)
    clients.see_staple(nginx.port, "shop.test", 10, daemon.log)
    daemon.kill_9()
    starts(True)


def test_restart_of_clinch_reloads_nothing(clinch, shop, front, certs):
    """What is right already is left alone."""
    nginx, snippets = front.nginx(shop)
    config = clinch.config([certs], [target(nginx, snippets)])
    daemon = clinch.run_config(config)
    clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
    before = (snippets / "shop.ocsp").stat()
    assert daemon.terminate() == 0
    daemon = clinch.run_config(config)
    clinch.wait_state(shop, "held")
    holds_for(lambda: nginx.reloads() == 1, 2.5, "the single reload", tell=daemon.log)
    after = (snippets / "shop.ocsp").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_certificate_that_goes_away_is_withdrawn(clinch, ca, shop, responder, front, certs):
    other = ca.issue("other.test", url=responder.url)
    other.write(certs)
    nginx, snippets = front.nginx(shop, other)
    daemon = clinch.run_config(clinch.config([certs], [target(nginx, snippets)]))
    for name in ("shop.test", "other.test"):
        clients.see_staple(nginx.port, name, 5, daemon.log)
    (certs / "other.pem").unlink()
    clients.see_none(nginx.port, "other.test", GIVEN_UP_S, daemon.log)
    assert clients.look(nginx.port, "shop.test").status == "good"
    wait_for(lambda: sorted(os.listdir(snippets)) == ["shop.conf", "shop.ocsp"], 5,
             "the other staple to go once nginx has reloaded", tell=daemon.log)


def test_certificate_that_went_while_clinch_was_down_is_withdrawn(clinch, ca, shop, responder,
                                                                  front, certs):
    ca.issue("other.test", url=responder.url).write(certs)
    nginx, snippets = front.nginx(shop)
    config = clinch.config([certs], [target(nginx, snippets)])
    daemon = clinch.run_config(config)
    wait_for((snippets / "other.conf").exists, what="the snippet", tell=daemon.log)
    daemon.kill_9()
    (certs / "other.pem").unlink()
    daemon = clinch.run_config(config)
    wait_for(lambda: sorted(os.listdir(snippets)) == ["shop.conf", "shop.ocsp"],
             what="only the shop to be left", tell=daemon.log)


def test_failing_reload_is_told_retried_and_blocks_nobody(clinch, shop, front, certs, tmp_path):
    nginx, snippets = front.nginx(shop)
    gate = tmp_path / "gate"
    broken = tmp_path / "broken"
    broken.mkdir()
    config = clinch.config([certs], [
        {"nginx": broken, "reload": f"echo the gate is shut; test -e {gate}"},
        target(nginx, snippets)])
    daemon = clinch.run_config(config)
    clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
    daemon.says("the gate is shut")
    first = len(daemon.lines_about("the gate is shut"))
    wait_for(lambda: len(daemon.lines_about("the gate is shut")) > first or gate.exists(), 20,
             "the next try", tell=daemon.log)
    gate.touch()
    holds_for(daemon.alive, 0.5, "the daemon", tell=daemon.log)


def test_reload_that_clinch_did_not_live_to_see_comes_after_its_restart(clinch, shop, responder,
                                                                        front, certs):
    """What was written is told apart from what nginx has loaded, over `kill -9`; and when it is
    loaded, nothing is reloaded any more."""
    nginx, snippets = front.nginx(shop)
    entry = target(nginx, snippets)
    # Not by a file: a command may outlive its clinch.
    config = clinch.config([certs], [{**entry, "reload": f'test "$GATE" && {entry["reload"]}'}])
    daemon = clinch.run_config(config, env={"GATE": ""})
    daemon.says("failed with exit code 1")
    assert (snippets / "shop.conf").exists() and nginx.reloads() == 0
    daemon.kill_9()
    responder.stop()
    for _ in range(2):
        daemon = clinch.run_config(config, env={"GATE": "open"})
        clients.see_staple(nginx.port, "shop.test", 8, daemon.log)
        holds_for(lambda: nginx.reloads() == 1, 2.5, "the single reload", tell=daemon.log)
        daemon.kill_9()


def test_file_that_somebody_removed_is_put_back_at_a_restart(clinch, shop, front, certs):
    nginx, snippets = front.nginx(shop)
    config = clinch.config([certs], [target(nginx, snippets)])
    daemon = clinch.run_config(config)
    clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
    daemon.kill_9()
    for path in snippets.iterdir():
        path.unlink()
    nginx.restart()
    daemon = clinch.run_config(config)
    clients.see_staple(nginx.port, "shop.test", 8, daemon.log)


def test_written_files_have_the_mode_asked_for(clinch, shop, certs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    config = clinch.config([certs], [{"file": out / "{stem}.ocsp", "mode": "0640"},
                                     {"file": out / "{sha256}.der"}])
    assert clinch.bare("once", "-c", config).code == 0
    assert (out / "shop.ocsp").stat().st_mode & 0o777 == 0o640
    assert (out / f"{shop.sha256}.der").stat().st_mode & 0o777 == 0o644
    assert sorted(os.listdir(out)) == sorted(["shop.ocsp", f"{shop.sha256}.der"])


def test_command_runs_after_a_change_and_only_then(clinch, shop, certs, tmp_path):
    told = tmp_path / "told"
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"},
                                     {"command": f"echo changed >> {told}"}])
    assert clinch.bare("once", "-c", config).code == 0
    assert told.read_text() == "changed\n"
    assert clinch.bare("once", "-c", config).code == 0
    assert told.read_text() == "changed\n"


def test_command_alone_runs_for_servers_that_fetch_their_staples(clinch, shop, certs, tmp_path):
    told = tmp_path / "told"
    config = clinch.config([certs], [{"command": f"echo changed >> {told}"}])
    for _ in range(2):
        assert clinch.bare("once", "-c", config).code == 0
        assert told.read_text() == "changed\n"
    assert clinch.command("expire").code == 0
    assert told.read_text() == "changed\n"


def test_hanging_command_does_not_hold_up_the_end(clinch, shop, certs, tmp_path):
    begun = tmp_path / "begun"
    daemon = clinch.run_config(clinch.config(
        [certs], [{"command": f"trap '' TERM; touch {begun}; while :; do sleep 1; done"}]))
    wait_for(begun.exists, what="the command", tell=daemon.log)
    assert daemon.terminate(limit_s=4) == 0
