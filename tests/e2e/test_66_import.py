# SPDX-License-Identifier: Apache-2.0
"""`clinch import`: certificates for a clinch that may not read where the keys are."""

import os
import shutil

import pytest

from lib import pki


def certbot_lineage(folder, name, leaf, generation=1):
    """archive/NAME and live/NAME, as certbot leaves them, before its deploy hook. The latter."""
    archive, live = folder / "archive" / name, folder / "live" / name
    for one in (archive, live):
        one.mkdir(parents=True, exist_ok=True)
    leaf.write(archive / f"fullchain{generation}.pem")
    leaf.write(archive / f"cert{generation}.pem", chain=False)
    leaf.issuer.write(archive / f"chain{generation}.pem")
    leaf.write_key(archive / f"privkey{generation}.pem").chmod(0o600)
    for part in ("cert", "chain", "fullchain", "privkey"):
        fresh = live / f"{part}.new"
        fresh.symlink_to(f"../../archive/{name}/{part}{generation}.pem")
        fresh.rename(live / f"{part}.pem")
    return live


@pytest.fixture
def to(tmp_path):
    return tmp_path / "certs-of-clinch"


def run(clinch, to, *paths):
    return clinch.bare("import", "--to", to, *paths)


def test_leaf_and_chain_are_copied_and_the_path_is_printed(clinch, ca, tmp_path, to):
    leaf = ca.issue("shop.test", url="http://127.0.0.1:1/")
    live = certbot_lineage(tmp_path, "shop.test", leaf)
    done = run(clinch, to, live)
    assert done.code == 0 and done.out == f"{to}/shop.test.pem\n" and not done.err, done
    assert (to / "shop.test.pem").read_bytes() == leaf.pem()
    assert (to / "shop.test.pem").stat().st_mode & 0o777 == 0o644
    assert to.stat().st_mode & 0o777 == 0o755


def test_a_renewed_one_replaces_it_in_one_step_and_the_same_is_left_alone(clinch, ca, tmp_path,
                                                                          to):
    live = certbot_lineage(tmp_path, "shop", ca.issue("shop.test"))
    assert run(clinch, to, live).code == 0
    before = (to / "shop.pem").stat()
    assert run(clinch, to, live).code == 0
    assert (to / "shop.pem").stat().st_ino == before.st_ino
    renewed = ca.issue("shop.test")
    certbot_lineage(tmp_path, "shop", renewed, 2)
    assert run(clinch, to, live).code == 0
    assert (to / "shop.pem").stat().st_ino != before.st_ino
    assert (to / "shop.pem").read_bytes() == renewed.pem() and os.listdir(to) == ["shop.pem"]


def test_a_key_is_never_copied(clinch, ca, ecdsa_ca, tmp_path, to):
    """From a combined file, whatever the order and whatever else is in it."""
    leaf = ecdsa_ca.issue("both.test", "ecdsa")
    key = pki.key_pem(leaf.key)
    (tmp_path / "both.pem").write_bytes(key + b"some words\n" + leaf.pem() + key)
    done = run(clinch, to, tmp_path / "both.pem")
    assert done.code == 0, done
    assert (to / "both.pem").read_bytes() == leaf.pem()


def test_a_folder_without_fullchain_is_put_together(clinch, ca, tmp_path, to):
    leaf = ca.issue("shop.test")
    live = certbot_lineage(tmp_path, "shop", leaf)
    (live / "fullchain.pem").unlink()
    assert run(clinch, to, live).code == 0
    assert (to / "shop.pem").read_bytes() == leaf.pem()


def test_clinch_takes_the_copy_from_there(clinch, ca, responder, tmp_path, to):
    live = certbot_lineage(tmp_path, "shop", ca.issue("shop.test", url=responder.url))
    path = run(clinch, to, live).out.strip()
    assert clinch.once(path, "--strict").code == 0
    assert clinch.staple(live / "fullchain.pem").code == 0


@pytest.mark.parametrize("content, word", [
    (b"nothing in it\n", "no certificate"),
    (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "broken"),
    (b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", "tbsCertificate"),
    (None, "CA's")], ids=["none", "broken", "no-certificate", "ca"])
def test_what_is_no_lineage_is_told_and_the_others_are_copied(clinch, ca, tmp_path, to, content,
                                                              word):
    bad = tmp_path / "bad.pem"
    bad.write_bytes(content if content is not None else pki.pem(ca.cert))
    good = ca.issue("good.test").write(tmp_path / "good.pem")
    done = run(clinch, to, bad, good)
    assert done.code == 1 and done.out == f"{to}/good.pem\n", done
    assert len(done.lines_about(bad)) == 1, done
    assert word in done.err, done
    assert os.listdir(to) == ["good.pem"]


def test_missing_and_nameless_ones_are_told(clinch, ca, tmp_path, to):
    hidden = ca.issue("hidden.test").write(tmp_path / ".hidden.pem")
    (tmp_path / "empty").mkdir()
    done = run(clinch, to, tmp_path / "nothing", hidden, tmp_path / "empty")
    assert done.code == 1 and len(done.err.splitlines()) == 3 and not os.listdir(to), done


def test_where_others_may_write_nothing_is_written(clinch, ca, tmp_path, to):
    path = ca.issue("shop.test").write(tmp_path / "shop.pem")
    to.mkdir()
    to.chmod(0o777)
    done = run(clinch, to, path)
    assert done.code == 2 and "others may write" in done.err and not os.listdir(to), done
    to.chmod(0o755)
    (tmp_path / "link").symlink_to(to)
    done = run(clinch, tmp_path / "link", path)
    assert done.code == 2 and not os.listdir(to), done


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away, as only root may")
def test_where_somebody_else_rules_nothing_is_written(clinch, ca, tmp_path, to):
    path = ca.issue("shop.test").write(tmp_path / "shop.pem")
    to.mkdir()
    shutil.chown(to, 65534)
    done = run(clinch, to, path)
    assert done.code == 2 and not os.listdir(to), done


def test_a_link_in_the_place_of_the_copy_is_not_followed(clinch, ca, tmp_path, to):
    path = ca.issue("shop.test").write(tmp_path / "shop.pem")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    to.mkdir()
    (to / "shop.pem").symlink_to(victim)
    done = run(clinch, to, path)
    assert done.code == 1 and str(to / "shop.pem") in done.err, done
    assert victim.read_text() == "mine"


def test_a_leaf_that_is_no_pem_is_named_and_not_its_chain(clinch, ca, tmp_path, to):
    live = certbot_lineage(tmp_path, "shop", ca.issue("shop.test"))
    (live / "fullchain.pem").unlink()
    (live / "cert.pem").unlink()
    (live / "cert.pem").write_bytes(b"0\x82 as DER begins")
    done = run(clinch, to, live)
    assert done.code == 1 and f"{live}/cert.pem: no certificate in it" in done.err, done
