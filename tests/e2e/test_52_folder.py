# SPDX-License-Identifier: Apache-2.0
"""The folder, and the example server that staples from it: no reload, no first miss."""

import hashlib
import time
from pathlib import Path

import pytest

from lib import answers, clients
from lib.clinch import BINARY, environment
from lib.process import Child, accepts, free_port, wait_for

EXAMPLE = Path(BINARY).resolve().parent / "examples/example-server"


@pytest.fixture
def example(tmp_path):
    """Starts the example server for a certificate."""
    children = []

    def start(pem, folder):
        port = free_port()
        child = Child([EXAMPLE, port, pem, pem, folder], tmp_path / f"server-{port}.log",
                      env=environment())
        children.append(child)
        wait_for(lambda: accepts(port), 10, "the example server", tell=child.log)
        return port

    yield start
    for child in children:
        child.kill()


def test_the_example_server_follows_the_folder(clinch, shop, ecdsa_ca, responder, certs, example,
                                               open_folder):
    ecdsa = ecdsa_ca.issue("shop.test", kind="ecdsa", url=responder.url)
    ecdsa.write(certs / "shop-ecdsa.pem", key=True)
    folder, jail = open_folder / "staples", open_folder / "jail"
    for made in (folder, jail):
        made.mkdir()
    ports = [example(certs / name, folder) for name in ("shop.pem", "shop-ecdsa.pem")]
    for port in ports:
        assert not clients.look(port, "shop.test").stapled
    config = clinch.config([certs], [{"folder": folder}, {"folder": jail}])
    daemon = clinch.run_config(config)
    for port in ports:
        clients.see_staple(port, "shop.test", 8, daemon.log)
    for leaf in (shop, ecdsa):
        file = folder / f"{hashlib.sha256(leaf.der).hexdigest()}.ocsp"
        facts = answers.read(file.read_bytes())
        assert facts.status == "good"
        assert time.time() < file.stat().st_mtime <= clients.seconds(
            clients.look(ports[leaf is ecdsa], "shop.test").next_update)
        assert (jail / file.name).read_bytes() == file.read_bytes()
        assert file.stat().st_mode & 0o777 == 0o644
    (certs / "shop.pem").unlink()  # whose certificate is gone, is stapled no longer
    clients.see_none(ports[0], "shop.test", 25, daemon.log)
    assert clients.look(ports[1], "shop.test").stapled
    assert len(list(folder.glob("*.ocsp"))) == len(list(jail.glob("*.ocsp"))) == 1


@pytest.mark.limit(100)
def test_nothing_dead_is_stapled_when_clinch_is_gone(clinch, shop, responder, certs, example,
                                                     open_folder):
    responder.set("good", life_s=40, age_s=5)
    daemon = clinch.run_config(clinch.config([certs], [{"folder": open_folder}]))
    port = example(certs / "shop.pem", open_folder)
    end = clients.seconds(clients.see_staple(port, "shop.test", 8, daemon.log).next_update)
    daemon.kill_9()
    (file,) = open_folder.glob("*.ocsp")
    assert file.stem == shop.sha256
    while time.time() < end + 1:
        until = file.stat().st_mtime
        before, sight, after = time.time(), clients.look(port, "shop.test"), time.time()
        assert sight.stapled or after >= until - 1
        assert not sight.stapled or before < until
        time.sleep(0.2)
    assert not clients.look(port, "shop.test").stapled
    assert file.exists()  # nobody was there to remove it


def test_the_folder_is_put_right_at_the_start(clinch, shop, responder, certs, open_folder):
    config = clinch.config([certs], [{"folder": open_folder}])
    file = open_folder / f"{shop.sha256}.ocsp"
    daemon = clinch.run_config(config)
    wait_for(file.exists, 10, "the staple", tell=daemon.log)
    content = file.read_bytes()
    daemon.terminate()
    assert file.exists()  # a restart of clinch takes nothing away
    file.unlink()
    stale = open_folder / ("0" * 64 + ".ocsp")
    stale.write_bytes(content)  # with a time that has passed: when it was written
    responder.stop()
    daemon = clinch.run_config(config)
    wait_for(file.exists, 10, "the staple out of the store", tell=daemon.log)
    assert file.read_bytes() == content
    wait_for(lambda: not stale.exists(), 10, "the stale one to go", tell=daemon.log)
