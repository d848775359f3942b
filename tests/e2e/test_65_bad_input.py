# SPDX-License-Identifier: Apache-2.0
"""Bad files: each is one clear line, and the others go on."""

import os
import socket

import pytest

from lib import pki
from lib.process import holds_for, wait_for

HUGE = 100 * 1024 * 1024


def empty(path, _):
    path.touch()


def junk(path, _):
    path.write_bytes(os.urandom(5000))


def huge(path, _):
    with open(path, "wb") as file:
        file.truncate(HUGE)


def fifo(path, _):
    os.mkfifo(path)


def unix_socket(path, _):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def directory_loop(path, _):
    path.mkdir()
    (path / "again").symlink_to(path)


def dangling_link(path, _):
    path.symlink_to("nothing-there.pem")


def link_to_itself(path, _):
    path.symlink_to(path.name)


def broken_leaf(path, leaf):
    lines = leaf.pem().decode().splitlines()
    lines[5] = lines[5][:30] + "!!" + lines[5][32:]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def broken_der(path, leaf):
    """Good base64 of what is no certificate."""
    path.write_text("-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
                    + leaf.pem().decode(), encoding="ascii")


def truncated(path, leaf):
    path.write_bytes(leaf.pem()[:500])


TOLD = [empty, junk, huge, fifo, unix_socket, directory_loop, dangling_link, link_to_itself,
        broken_leaf, broken_der, truncated]


@pytest.mark.parametrize("make", TOLD, ids=lambda make: make.__name__)
def test_bad_file_in_a_folder_is_one_line_and_the_others_go_on(clinch, ca, responder, shop, certs,
                                                               make):
    make(certs / "bad.pem", ca.issue("bad.test", url=responder.url))
    done = clinch.once(certs)
    assert clinch.state_of(shop) == "held", done
    assert done.code == 0, done
    assert len(done.lines_about("bad.pem")) == 1, done
    assert done.seconds < 5


@pytest.mark.parametrize("make", [empty, junk, huge, fifo, unix_socket, truncated],
                         ids=lambda make: make.__name__)
def test_bad_file_named_by_itself_is_one_line(clinch, ca, responder, shop, certs, tmp_path, make):
    bad = tmp_path / "named.pem"
    make(bad, ca.issue("bad.test", url=responder.url))
    done = clinch.once(bad, certs)
    assert clinch.state_of(shop) == "held", done
    assert len(done.lines_about("named.pem")) == 1, done


def test_daemon_tells_each_bad_file_once_and_serves_the_others(clinch, ca, responder, shop, certs):
    for make in TOLD:
        make(certs / f"{make.__name__}.pem", ca.issue("bad.test", url=responder.url))
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    more = ca.issue("more.test", url=responder.url)
    more.write(certs)  # a second scan must not tell everything again
    clinch.wait_state(more, "held")
    for make in TOLD:
        lines = daemon.lines_about(f"{make.__name__}.pem")
        assert len(lines) == 1, (make.__name__, daemon.log())


def test_keys_parameters_and_staples_are_no_noise(clinch, shop, certs):
    shop.write_key(certs / "shop.key")
    shop.write_key(certs / "privkey.pem")
    (certs / "dhparam.pem").write_text("-----BEGIN DH PARAMETERS-----\nMAYCAQcCAQI=\n"
                                       "-----END DH PARAMETERS-----\n", encoding="ascii")
    (certs / "shop.pem.ocsp").touch()
    done = clinch.once(certs)
    assert done.code == 0, done
    for name in ("shop.key", "privkey.pem", "dhparam.pem", ".ocsp"):
        assert not done.lines_about(name), done


def test_unreadable_file_and_folder_are_one_line_each(clinch, as_nobody, ca, responder,
                                                      open_folder):
    certs = open_folder / "certs"
    (certs / "locked").mkdir(parents=True)
    shop = ca.issue("shop.test", url=responder.url)
    shop.write(certs / "shop.pem")
    shop.write(certs / "secret.pem").chmod(0)
    (certs / "locked").chmod(0)
    clinch.state = open_folder / "state"
    done = as_nobody("once", certs, "--state", clinch.state, "--allow-loopback")
    for name in ("secret.pem", "locked"):
        lines = done.lines_about(name)
        assert len(lines) == 1 and "ermission" in lines[0], done
    assert clinch.state_of(shop) == "held", done


def test_state_directory_that_cannot_be_written_is_told(clinch, as_nobody, ca, responder,
                                                        open_folder):
    certs, state = open_folder / "certs", open_folder / "state"
    certs.mkdir()
    state.mkdir(mode=0o755)
    ca.issue("shop.test", url=responder.url).write(certs)
    if os.geteuid() != 0:
        state.chmod(0o555)
    done = as_nobody("once", certs, "--state", state, "--allow-loopback")
    assert done.code not in (0, -6, -11) and str(state) in done.err, done


def test_wrong_issuer_in_the_file_is_told_once(clinch, ca, responder, shop, certs):
    impostor = pki.Authority("clinch test impostor")
    impostor.name = ca.name  # the right subject with the wrong key
    impostor.cert = impostor._own_certificate()  # pylint: disable=protected-access
    leaf = ca.issue("foreign.test", url=responder.url)
    (certs / "foreign.pem").write_bytes(leaf.pem(chain=False) + pki.pem(impostor.cert))
    done = clinch.once(certs / "foreign.pem")
    assert clinch.state_of(leaf) == "no-issuer", done
    assert len(done.lines_about("foreign.test")) == 1, done
    assert "issuer" in done.err and responder.count(leaf) == 0


def test_unrelated_chain_is_told_once(clinch, ca, ecdsa_ca, responder, certs):
    leaf = ca.issue("foreign.test", url=responder.url)
    (certs / "foreign.pem").write_bytes(leaf.pem(chain=False) + pki.pem(ecdsa_ca.cert))
    done = clinch.once(certs)
    assert clinch.state_of(leaf) == "no-issuer", done
    assert len(done.lines_about("foreign.test")) == 1, done


def test_wrong_chain_is_no_obstacle_when_the_issuer_is_elsewhere(clinch, ca, ecdsa_ca, responder,
                                                                 certs, shop):
    leaf = ca.issue("foreign.test", url=responder.url)
    (certs / "foreign.pem").write_bytes(leaf.pem(chain=False) + pki.pem(ecdsa_ca.cert))
    done = clinch.once(certs, "--issuer", ca.write(clinch.folder / "ca.pem"))
    assert done.code == 0 and clinch.state_of(leaf) == "held", done


def test_fifo_that_somebody_writes_into_is_left_alone(clinch, shop, certs):
    os.mkfifo(certs / "pipe.pem")
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    holds_for(daemon.alive, 0.5, "the daemon")
    with pytest.raises(OSError):  # nobody reads at the other end
        os.open(certs / "pipe.pem", os.O_WRONLY | os.O_NONBLOCK)


def test_junk_that_becomes_good_is_taken(clinch, ca, responder, shop, certs):
    (certs / "late.pem").write_bytes(b"\0" * 100)
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    leaf = ca.issue("late.test", url=responder.url)
    leaf.write(certs / "late.pem")
    assert wait_for(lambda: clinch.state_of(leaf) == "held", 5, "late.test", tell=daemon.log)


def test_very_many_certificates_in_one_file_are_capped_with_a_line(clinch, ca, responder, certs):
    leaves = ca.issue_many(200, responder.url)
    (certs / "pile.pem").write_bytes(b"".join(leaf.pem(chain=False) for leaf in leaves)
                                     + pki.pem(ca.cert))
    done = clinch.once(certs / "pile.pem")
    assert done.code in (0, 2), done
    assert len(done.lines_about("pile.pem")) >= 1, done
