# SPDX-License-Identifier: Apache-2.0
"""The promise: an outage, a kill -9 and restarts in the middle of it, and still a staple."""

import pytest

from lib import clients, pki
from lib.openssl import OpensslResponder
from lib.process import wait_for

# What a daemon finds in its store two thirds through its life, without a plan of the run before,
# is asked for again after 30 to 40 s. Long enough left for HAProxy, which shows nothing in the last
# five minutes before nextUpdate.
TWO_THIRDS = {"age_s": 800, "life_s": 1200}


def both(front, leaf, certs, clinch):
    """nginx and HAProxy for one certificate, and the configuration for them."""
    nginx, snippets = front.nginx(leaf)
    haproxy = front.haproxy(certs / f"{leaf.name.split('.')[0]}.pem")
    config = clinch.config([certs], [
        {"nginx": snippets, "reload": nginx.command()},
        {"haproxy": haproxy.socket, "ocsp": "{dir}/{file}.ocsp"}])
    return nginx, haproxy, config


def see_both(nginx, haproxy, leaf, daemon, limit_s=8):
    return [clients.see_staple(server.port, leaf.name, limit_s, daemon.log)
            for server in (nginx, haproxy)]


def test_responder_death_and_kill_9_keep_the_staple(clinch, ca, real_responder, front, certs):
    leaf = ca.issue("shop.test", url=real_responder.url, must_staple=True)
    real_responder.know([leaf])
    leaf.write(certs, key=True)
    nginx, haproxy, config = both(front, leaf, certs, clinch)
    daemon = clinch.run_config(config)
    before = see_both(nginx, haproxy, leaf, daemon)
    real_responder.stop()
    daemon.kill_9()
    nginx.restart()
    haproxy.restart()
    assert [str(sight) for sight in see_both(nginx, haproxy, leaf, daemon)] == [
        str(sight) for sight in before]
    daemon = clinch.run_config(config)
    assert clinch.wait_state(leaf, "held")["must_staple"]
    nginx.restart()
    haproxy.restart()
    assert [str(sight) for sight in see_both(nginx, haproxy, leaf, daemon)] == [
        str(sight) for sight in before]
    assert clinch.staple(certs / "shop.pem").code == 0


def test_staple_of_the_store_is_published_to_a_new_target_in_an_outage(clinch, shop, responder,
                                                                       certs, tmp_path):
    assert clinch.once(certs, "--strict").code == 0
    responder.stop()
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}])
    daemon = clinch.run_config(config)
    wait_for((tmp_path / "shop.ocsp").exists, 3, "the staple out of the store", tell=daemon.log)


@pytest.mark.limit(120)
def test_revoked_certificate_is_withdrawn_from_both_live(clinch, ca, shop, responder, front,
                                                         certs):
    other = ca.issue("other.test", url=responder.url)
    other.write(certs, key=True)
    nginx, haproxy, config = both(front, shop, certs, clinch)
    pids = nginx.child.pid, haproxy.child.pid
    responder.set("good", **TWO_THIRDS)
    assert clinch.once(certs, "--strict").code == 0
    clinch.forget_plans()
    daemon = clinch.run_config(config)
    see_both(nginx, haproxy, shop, daemon)
    responder.set("revoked", leaf=shop, age_s=60)
    wait_for(lambda: responder.count(shop, rule="revoked"), 60, "the next question",
             tell=daemon.log)
    clients.see_none(nginx.port, "shop.test", 5, daemon.log)
    clients.see_none(haproxy.port, "shop.test", 5, daemon.log)
    assert pids == (nginx.child.pid, haproxy.child.pid)
    assert clinch.state_of(shop) == "revoked" and clinch.state_of(other) != "revoked"
    assert any("revoked" in line for line in daemon.lines_about("shop.test"))
    nginx.restart()
    haproxy.restart()
    for server in (nginx, haproxy):
        assert not clients.look(server.port, "shop.test").stapled
    # The tombstone survives a restart, and an older good answer does not undo it.
    daemon.kill_9()
    responder.set("good", leaf=shop, age_s=86400)
    daemon = clinch.run_config(config)
    assert clinch.wait_state(shop, "revoked")
    assert clinch.staple(certs / "shop.pem").code == 75


def test_revoked_certificate_is_never_published(clinch, ca, ecdsa_ca, front, certs, tmp_path):
    with OpensslResponder(tmp_path / "ec", ecdsa_ca) as real:
        leaf = ecdsa_ca.issue("gone.test", "ecdsa", url=real.url)
        real.know([], [leaf])
        leaf.write(certs, key=True)
        nginx, haproxy, config = both(front, leaf, certs, clinch)
        daemon = clinch.run_config(config)
        clinch.wait_state(leaf, "revoked")
        for server in (nginx, haproxy):
            sight = clients.look(server.port, "gone.test")
            assert sight.connected and not sight.stapled, daemon.log()
        assert nginx.reloads() == 0
        assert not list(certs.glob("*.ocsp"))


def test_intermediate_chain_is_stapled_on_both(clinch, ca, front, certs, tmp_path):
    middle = pki.Authority("clinch test intermediate", "ecdsa", issuer=ca)
    with OpensslResponder(tmp_path / "middle", middle) as real:
        leaf = middle.issue("deep.test", url=real.url)
        real.know([leaf])
        leaf.write(certs, key=True)
        nginx, haproxy, config = both(front, leaf, certs, clinch)
        see_both(nginx, haproxy, leaf, clinch.run_config(config))
