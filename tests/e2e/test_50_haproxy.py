# SPDX-License-Identifier: Apache-2.0
"""Staples on a real HAProxy, over its runtime socket and at its start."""

from lib import clients
from lib.process import wait_for


def target(haproxy, **more):
    return {"haproxy": haproxy.socket, "ocsp": "{dir}/{file}.ocsp", **more}


def test_entry_that_was_there_gets_its_staple(clinch, shop, front, certs):
    (certs / "shop.pem.ocsp").touch()  # empty: HAProxy warns, and makes an entry
    haproxy = front.haproxy(certs / "shop.pem")
    assert not clients.look(haproxy.port, "shop.test").stapled
    daemon = clinch.run_config(clinch.config([certs], [target(haproxy)]))
    sight = clients.see_staple(haproxy.port, "shop.test", 5, daemon.log)
    assert sight.serial == shop.serial_hex


def test_entry_that_was_missing_is_created_live(clinch, shop, front, certs):
    haproxy = front.haproxy(certs / "shop.pem")
    pid = haproxy.child.pid
    daemon = clinch.run_config(clinch.config([certs], [target(haproxy)]))
    clients.see_staple(haproxy.port, "shop.test", 5, daemon.log)
    assert haproxy.child.alive() and haproxy.child.pid == pid


def test_haproxy_starts_with_the_staple_after_clinch_is_gone(clinch, shop, front, certs):
    haproxy = front.haproxy(certs / "shop.pem")
    daemon = clinch.run_config(clinch.config([certs], [target(haproxy)]))
    clients.see_staple(haproxy.port, "shop.test", 5, daemon.log)
    wait_for((certs / "shop.pem.ocsp").exists, what="the .ocsp for the next start",
             tell=daemon.log)
    assert daemon.terminate() == 0
    haproxy.restart()
    assert clients.look(haproxy.port, "shop.test").status == "good"
    assert haproxy.check()[0] == 0


def test_staple_is_pushed_again_after_haproxy_restarts(clinch, shop, front, certs):
    """Without an .ocsp for the start, only the socket helps."""
    haproxy = front.haproxy(certs / "shop.pem")
    daemon = clinch.run_config(clinch.config([certs], [{"haproxy": haproxy.socket}]))
    clients.see_staple(haproxy.port, "shop.test", 5, daemon.log)
    assert not (certs / "shop.pem.ocsp").exists()
    haproxy.restart()
    clients.see_staple(haproxy.port, "shop.test", 30, daemon.log)


def test_haproxy_that_comes_later_gets_its_staple(clinch, shop, front, certs):
    haproxy = front.haproxy(certs / "shop.pem", start=False)
    daemon = clinch.run_config(clinch.config([certs], [{"haproxy": haproxy.socket}]))
    clinch.wait_state(shop, "held")
    daemon.says(str(haproxy.socket))
    haproxy.start()
    clients.see_staple(haproxy.port, "shop.test", 30, daemon.log)


def test_bundle_of_rsa_and_ecdsa_has_both(clinch, ca, ecdsa_ca, responder, front, certs):
    """`crt site.pem` takes site.pem.rsa and site.pem.ecdsa."""
    rsa = ca.issue("site.test", url=responder.url)
    ecdsa = ecdsa_ca.issue("site.test", "ecdsa", url=responder.url)
    rsa.write(certs / "site.pem.rsa", key=True)
    ecdsa.write(certs / "site.pem.ecdsa", key=True)
    haproxy = front.haproxy(certs / "site.pem")
    daemon = clinch.run_config(clinch.config([certs], [target(haproxy)]))
    for leaf, sigalgs in ((rsa, clients.RSA), (ecdsa, clients.ECDSA)):
        sight = clients.see_staple(haproxy.port, "site.test", 8, daemon.log, sigalgs=sigalgs)
        assert sight.serial == leaf.serial_hex


def test_many_certificates_are_pushed_in_one_go(clinch, ecdsa_ca, responder, front, certs):
    leaves = ecdsa_ca.issue_many(40, responder.url)
    for leaf in leaves:
        leaf.write(certs, key=True)
    haproxy = front.haproxy(certs)
    daemon = clinch.run_config(clinch.config([certs], [target(haproxy)]))
    for leaf in leaves[::8]:
        clients.see_staple(haproxy.port, leaf.name, 8, daemon.log)
    wait_for(lambda: len(list(certs.glob("*.ocsp"))) == len(leaves), what="all .ocsp files",
             tell=daemon.log)


def test_certificate_that_haproxy_does_not_serve_disturbs_nobody(clinch, ca, shop, responder,
                                                                 front, certs):
    ca.issue("elsewhere.test", url=responder.url).write(certs)
    haproxy = front.haproxy(certs / "shop.pem")
    daemon = clinch.run_config(clinch.config([certs], [{"haproxy": haproxy.socket}]))
    clients.see_staple(haproxy.port, "shop.test", 8, daemon.log)
    assert daemon.alive()


def test_staple_that_the_socket_does_not_take_is_told_and_is_there_at_the_next_start(
        clinch, ca, shop, responder, front, certs):
    """It holds back nobody else's, and HAProxy goes on as it is."""
    large = ca.issue("large.test", url=responder.url)
    large.write(certs, key=True)
    responder.set("good", large, nonce=bytes(14_000), age_s=800, life_s=7200)
    haproxy = front.haproxy(certs)
    daemon = clinch.run_config(clinch.config([certs], [target(haproxy)]))
    clients.see_staple(haproxy.port, "shop.test", 8, daemon.log)
    daemon.says("large.pem: its staple has 14[0-9]{3} octets, and HAProxy's socket takes 11500")
    wait_for((certs / "large.pem.ocsp").exists, what="the .ocsp", tell=daemon.log)
    assert not clients.look(haproxy.port, "large.test").stapled
    haproxy.restart()
    clients.see_staple(haproxy.port, "large.test", 5, daemon.log)


def test_dead_socket_does_not_hold_up_other_targets(clinch, shop, front, certs, tmp_path):
    haproxy = front.haproxy(certs / "shop.pem")
    config = clinch.config([certs], [{"haproxy": tmp_path / "nobody.sock"}, target(haproxy)])
    daemon = clinch.run_config(config)
    clients.see_staple(haproxy.port, "shop.test", 5, daemon.log)
    daemon.says("nobody.sock")
