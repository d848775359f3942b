# SPDX-License-Identifier: Apache-2.0
"""Certificates come, change and go while clinch runs; nobody restarts it."""

import os
import shutil
import subprocess

import pytest

from lib import answers, clients
from lib.process import holds_for, wait_for

PICK_UP_S = 4    # 2 s by promise, and the fetch
GIVEN_UP_S = 16  # a file may be missing for 10 s before its certificate counts as gone


def by_rename(leaf, path):
    leaf.write(path.with_suffix(".new"), key=True).rename(path)


def in_place(leaf, path):
    with open(path, "r+b") as file:
        file.write(leaf.pem(key=True))
        file.truncate()


def delete_and_create(leaf, path):
    path.unlink()
    leaf.write(path, key=True)


def folder_replaced(leaf, path):
    fresh = path.parent.with_name("fresh")
    fresh.mkdir()
    leaf.write(fresh / path.name, key=True)
    path.parent.rename(path.parent.with_name("old"))
    fresh.rename(path.parent)


def folder_removed_and_made_again(leaf, path):
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    leaf.write(path, key=True)


def slowly(leaf, path):
    """A writer that takes several steps: half a file is no reason to withdraw or to complain."""
    content = leaf.pem(key=True)
    with open(path, "wb") as file:
        for start in range(0, len(content), 700):
            file.write(content[start:start + 700])
            file.flush()
            os.fsync(file.fileno())


def serial_in(path):
    return answers.read(path.read_bytes()).serial if path.exists() else None


@pytest.mark.parametrize("renew", [by_rename, in_place, delete_and_create, folder_replaced,
                                   folder_removed_and_made_again, slowly],
                         ids=lambda renew: renew.__name__)
def test_renewed_file_is_picked_up(clinch, ca, shop, responder, certs, tmp_path, renew):
    out = tmp_path / "out"
    out.mkdir()
    config = clinch.config([certs], [{"file": out / "{stem}.ocsp"}])
    daemon = clinch.run_config(config)
    wait_for(lambda: serial_in(out / "shop.ocsp") == shop.serial, what="the first staple",
             tell=daemon.log)
    renewed = ca.issue("shop.test", url=responder.url)
    renew(renewed, certs / "shop.pem")
    wait_for(lambda: serial_in(out / "shop.ocsp") == renewed.serial, PICK_UP_S,
             "the renewed certificate's staple", tell=daemon.log)
    assert responder.count(renewed) == 1
    assert clinch.row(renewed)["state"] == "held"


@pytest.mark.parametrize("source", ["live", "live/shop", "live/shop/fullchain.pem",
                                    "live/*/fullchain.pem"])
def test_symlink_swap_of_certbot_is_picked_up(clinch, ca, responder, tmp_path, source):
    out, live, archive = (tmp_path / name for name in ("out", "le/live/shop", "le/archive/shop"))
    for folder in (out, live, archive):
        folder.mkdir(parents=True)

    def issue(generation):
        leaf = ca.issue("shop.test", url=responder.url)
        leaf.write(archive / f"fullchain{generation}.pem")
        leaf.write(archive / f"cert{generation}.pem", chain=False)
        ca.write(archive / f"chain{generation}.pem")
        leaf.write_key(archive / f"privkey{generation}.pem")
        for name in ("cert", "chain", "fullchain", "privkey"):
            fresh = live / f"{name}.new"
            fresh.symlink_to(f"../../archive/shop/{name}{generation}.pem")
            fresh.rename(live / f"{name}.pem")
        return leaf

    first = issue(1)
    config = clinch.config([tmp_path / "le" / source], [{"file": out / "{name}.ocsp"}])
    daemon = clinch.run_config(config)
    wait_for(lambda: serial_in(out / "shop.ocsp") == first.serial, what="the first staple",
             tell=daemon.log)
    renewed = issue(2)
    wait_for(lambda: serial_in(out / "shop.ocsp") == renewed.serial, PICK_UP_S,
             "the renewed certificate's staple", tell=daemon.log)
    assert sorted(os.listdir(out)) == ["shop.ocsp"]
    assert responder.count(first) == responder.count(renewed) == 1
    assert "issuer" not in daemon.log() and "privkey" not in daemon.log(), daemon.log()


def test_new_file_in_a_new_folder_is_picked_up(clinch, ca, shop, responder, certs, tmp_path):
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}])
    daemon = clinch.run_config(config)
    clinch.wait_state(shop, "held")
    deep = certs / "a/b"
    deep.mkdir(parents=True)
    leaf = ca.issue("deep.test", url=responder.url)
    leaf.write(deep / "deep.pem")
    wait_for(lambda: serial_in(tmp_path / "deep.ocsp") == leaf.serial, PICK_UP_S,
             "the new file's staple", tell=daemon.log)


def test_source_that_does_not_exist_yet_is_waited_for(clinch, ca, responder, tmp_path):
    later = tmp_path / "later"
    daemon = clinch.run_config(clinch.config([later], [{"file": tmp_path / "{stem}.ocsp"}]))
    later.mkdir()
    leaf = ca.issue("shop.test", url=responder.url)
    leaf.write(later / "shop.pem")
    wait_for(lambda: serial_in(tmp_path / "shop.ocsp") == leaf.serial, PICK_UP_S,
             "the staple", tell=daemon.log)


def test_deploy_hook_gates_the_reload_of_nginx(clinch, ca, responder, front, tmp_path):
    """What certbot runs: `clinch once --wait 60 LINEAGE && nginx -s reload`."""
    lineage = tmp_path / "live/shop"
    lineage.mkdir(parents=True)
    first = ca.issue("shop.test", url=responder.url, must_staple=True)
    first.write(lineage / "fullchain.pem")
    nginx, snippets = front.nginx(first)
    nginx.stop()
    nginx.sites[0].certificate = lineage / "fullchain.pem"
    nginx.start()
    daemon = clinch.run_config(clinch.config([lineage.parent],
                                             [{"nginx": snippets, "reload": nginx.command()}]))
    clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
    renewed = ca.issue("shop.test", url=responder.url, must_staple=True)
    renewed.write(lineage / "new").rename(lineage / "fullchain.pem")
    hook = (f"{clinch.binary} once --wait 20 {lineage} --state {clinch.state} --allow-loopback"
            f" && {nginx.command()}")
    done = subprocess.run(hook, shell=True, capture_output=True, text=True, check=False,
                          timeout=30)
    assert done.returncode == 0, (done, daemon.log())

    def right():
        sight = clients.look(nginx.port, "shop.test")
        return sight.leaf_serial == renewed.serial_hex and sight

    sight = wait_for(right, 5, "the renewed certificate on the wire")
    assert sight.status == "good" and sight.serial == renewed.serial_hex


def test_renewal_that_has_no_staple_yet_drops_nothing_on_the_wire(clinch, ca, shop, responder,
                                                                  front, certs):
    """Both servers go on showing the old certificate, and its staple, until they are told."""
    nginx, snippets = front.nginx(shop)
    haproxy = front.haproxy(certs / "shop.pem")
    config = clinch.config([certs], [{"nginx": snippets, "reload": nginx.command()},
                                     {"haproxy": haproxy.socket, "ocsp": "{dir}/{file}.ocsp"}])
    daemon = clinch.run_config(config)
    for server in (nginx, haproxy):
        clients.see_staple(server.port, "shop.test", 5, daemon.log)
    renewed = ca.issue("shop.test", url=responder.url)
    responder.set("unauthorized", leaf=renewed)  # not known yet
    by_rename(renewed, certs / "shop.pem")
    wait_for(lambda: responder.count(renewed) >= 2, what="the first round", tell=daemon.log)
    for server in (nginx, haproxy):
        holds_for(lambda one=server: clients.look(one.port, "shop.test").status == "good", 1.5,
                  f"the old staple on {server.kind}", 0.1, daemon.log)
    responder.clear()
    wait_for(lambda: serial_in(certs / "shop.pem.ocsp") == renewed.serial, 20,
             "the renewed certificate's staple", tell=daemon.log)
    haproxy.restart()  # takes the renewed certificate, with its staple, at once
    sight = clients.look(haproxy.port, "shop.test")
    assert sight.status == "good" and sight.serial == sight.leaf_serial == renewed.serial_hex


def test_renewal_is_no_warning(clinch, ca, shop, responder, certs, tmp_path):
    staple = tmp_path / "shop.ocsp"
    daemon = clinch.run_config(clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}]))
    wait_for(staple.exists, what="the staple", tell=daemon.log)
    renewed = ca.issue("shop.test", url=responder.url)
    by_rename(renewed, certs / "shop.pem")
    wait_for(lambda: serial_in(staple) == renewed.serial, PICK_UP_S, "the new staple",
             tell=daemon.log)
    assert not daemon.lines_about("warning:") and not daemon.lines_about("error:"), daemon.log()


def test_half_written_file_keeps_the_staple(clinch, shop, certs, tmp_path):
    staple = tmp_path / "shop.ocsp"
    daemon = clinch.run_config(clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}]))
    wait_for(staple.exists, what="the staple", tell=daemon.log)
    (certs / "shop.pem").write_bytes(shop.pem()[:300])
    daemon.says("shop.pem")
    assert staple.exists() and clinch.state_of(shop) == "held"
    shop.write(certs / "shop.pem")
    assert clinch.wait_state(shop, "held") and staple.exists()


def test_file_that_goes_away_takes_its_staple_along(clinch, shop, certs, tmp_path):
    staple = tmp_path / "shop.ocsp"
    daemon = clinch.run_config(clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}]))
    wait_for(staple.exists, what="the staple", tell=daemon.log)
    (certs / "shop.pem").unlink()
    wait_for(lambda: not staple.exists(), GIVEN_UP_S, "the withdrawal", tell=daemon.log)


def test_rsa_and_ecdsa_of_one_name_are_two(clinch, ca, ecdsa_ca, responder, certs):
    rsa = ca.issue("site.test", url=responder.url)
    ecdsa = ecdsa_ca.issue("site.test", "ecdsa", url=responder.url)
    (certs / "both.pem").write_bytes(rsa.pem() + ecdsa.pem())
    assert clinch.once(certs, "--strict").code == 0
    assert {row["leaf_sha256"] for row in clinch.status()
            if row["state"] == "held"} == {rsa.sha256, ecdsa.sha256}


def test_one_certificate_in_two_files_is_asked_about_once(clinch, shop, responder, certs,
                                                          tmp_path):
    shop.write(certs / "copy.pem")
    shop.write(certs / "third.crt")
    config = clinch.config([certs], [{"file": tmp_path / "{file}.ocsp"}])
    assert clinch.bare("once", "-c", config).code == 0
    assert responder.count(shop) == 1
    assert [row["leaf_sha256"] for row in clinch.status()] == [shop.sha256]
    for name in ("shop.pem", "copy.pem", "third.crt"):
        assert serial_in(tmp_path / f"{name}.ocsp") == shop.serial
