# SPDX-License-Identifier: Apache-2.0
"""`clinch once`: one pass, an exit code to rely on in cron and deploy hooks."""

import datetime as dt
import subprocess

import pytest

from lib import answers, pki
from lib.process import wait_for


def test_folder_of_certificates_needs_no_configuration(clinch, ca, ecdsa_ca, responder, certs):
    leaves = [ca.issue("rsa.test", url=responder.url),
              ecdsa_ca.issue("ecdsa.test", "ecdsa", url=responder.url),
              ca.issue("must.test", url=responder.url, must_staple=True)]
    paths = [leaf.write(certs, key=True) for leaf in leaves]
    done = clinch.once(certs)
    assert done.code == 0, done
    for leaf, path in zip(leaves, paths):
        staple = clinch.staple(path)
        assert staple.code == 0, staple
        assert answers.read(staple.raw).tbs == answers.read(responder.sent[leaf.serial]).tbs
        assert responder.count(leaf) == 1


def test_single_file_and_glob_work_as_paths(clinch, ca, responder, certs):
    for name in ("one.test", "two.test", "other.test"):
        ca.issue(name, url=responder.url).write(certs)
    assert clinch.once(certs / "other.pem", f"{certs}/[ot]*o.pem").code == 0
    names = {row["name"] for row in clinch.status()}
    assert names == {"other.test", "two.test"}


def test_staple_satisfies_openssl(clinch, ca, shop, certs):
    assert clinch.once(certs).code == 0
    (clinch.folder / "staple.der").write_bytes(clinch.staple(certs / "shop.pem").raw)
    authority = ca.write(clinch.folder / "ca.pem")
    done = subprocess.run(["openssl", "ocsp", "-respin", clinch.folder / "staple.der", "-issuer",
                           authority, "-cert", certs / "shop.pem", "-CAfile", authority,
                           "-no_nonce"], capture_output=True, text=True, check=False, timeout=20)
    assert "Response verify OK" in done.stderr and "shop.pem: good" in done.stdout, done


def test_real_responder_is_understood(clinch, ca, real_responder, certs):
    leaf = ca.issue("real.test", url=real_responder.url)
    real_responder.know([leaf])
    leaf.write(certs)
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    assert answers.read(clinch.staple(certs / "real.pem").raw).status == "good"


def test_second_pass_asks_nothing_while_the_answer_is_fresh(clinch, shop, responder, certs):
    assert clinch.once(certs).code == 0
    assert clinch.once(certs).code == 0
    assert responder.count(shop) == 1


def test_must_staple_without_staple_ends_with_1_and_is_named(clinch, ca, responder, certs):
    responder.set("http", code=500)
    ca.issue("plain.test", url=responder.url).write(certs)
    ca.issue("must.test", url=responder.url, must_staple=True).write(certs)
    done = clinch.once(certs)
    assert done.code == 1, done
    assert done.lines_about("must.test"), done


def test_plain_certificate_without_staple_ends_with_0(clinch, shop, responder, certs):
    responder.set("http", code=500)
    done = clinch.once(certs)
    assert done.code == 0, done
    assert len(done.lines_about("shop.test")) >= 1, done


def test_strict_ends_with_1_and_names_each_that_has_none(clinch, ca, responder, certs):
    bare = ca.issue("bare.test", url=responder.url)
    bare.write(certs)
    ca.issue("fine.test", url=responder.url).write(certs)
    responder.set("tryLater", leaf=bare)
    done = clinch.once(certs, "--strict")
    assert done.code == 1, done
    assert done.lines_about("bare.test") and not done.lines_about("fine.test"), done


def test_strict_does_not_mind_certificates_that_cannot_have_one(clinch, ca, responder, certs):
    ca.issue("fine.test", url=responder.url).write(certs)
    ca.issue("no-url.test").write(certs)
    past = pki.now() - dt.timedelta(days=10)
    ca.issue("over.test", url=responder.url, start=past, end=past + pki.DAY).write(certs)
    ca.write(certs / "root.pem")
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    states = {row["name"]: row["state"] for row in clinch.status()}
    assert states["no-url.test"] == "no-url" and states["over.test"] == "cert-expired", states
    assert states[ca.name] == "not-leaf", states


def test_certificate_without_ocsp_url_is_no_noise(clinch, ca, certs):
    ca.issue("quiet.test").write(certs)
    done = clinch.once(certs)
    assert done.code == 0 and not done.lines_about("quiet"), done


def test_wait_asks_again_until_the_answer_is_good(clinch, shop, responder, certs):
    responder.set("unauthorized", times=2)  # GET and POST: a fresh certificate is not known yet
    done = clinch.once(certs, "--strict", "--wait", 30, limit_s=40)
    assert done.code == 0, done
    assert responder.count(shop) == 3
    assert done.seconds < 20


def test_wait_is_a_bound(clinch, ca, responder, certs):
    ca.issue("must.test", url=responder.url, must_staple=True).write(certs)
    responder.set("hang")
    done = clinch.once(certs, "--wait", 2)
    assert done.code == 1 and done.lines_about("must.pem"), done
    assert 1.5 < done.seconds < 5, done.seconds


def test_responder_that_is_down_is_told_plainly(clinch, shop, responder, certs):
    responder.stop()
    done = clinch.once(certs)
    assert done.code == 0, done
    assert "refused" in done.err and responder.url in done.err, done


@pytest.mark.parametrize("must_staple, code", [(False, 0), (True, 1)])
def test_revoked_certificate_has_no_staple(clinch, ca, real_responder, certs, must_staple, code):
    leaf = ca.issue("gone.test", url=real_responder.url, must_staple=must_staple)
    real_responder.know([], [leaf])
    leaf.write(certs)
    done = clinch.once(certs)
    assert done.code == code, done
    assert "revoked" in done.err and done.lines_about("gone.test"), done
    assert clinch.staple(certs / "gone.pem").code == 75
    assert clinch.state_of(leaf) == "revoked"


def test_path_that_is_not_there_is_a_usage_error(clinch, certs):
    done = clinch.once(certs / "nothing.pem")
    assert done.code == 2, done
    assert len(done.lines_about("nothing.pem")) == 1, done


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a daemon"])
def test_path_that_is_not_there_is_no_good_end_beside_others(clinch, shop, certs, beside):
    """A deploy hook with a mistyped path must not go on; the others have their staples."""
    if beside:
        clinch.run(certs)
    done = clinch.once(certs / "shop.pem", certs / "gone.pem")
    assert done.code == 2 and f"{certs}/gone.pem: no such file or folder" in done.err, done
    assert clinch.staple(certs / "shop.pem").code == 0
    assert clinch.once(certs / "shop.pem", certs / "none*.pem").code == 0, "a glob may be empty"


def test_once_beside_a_daemon_asks_it(clinch, shop, responder, certs):
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    assert responder.count(shop) == 1
    assert daemon.alive()


def test_once_beside_a_daemon_waits_for_the_renewed_certificate(clinch, ca, shop, responder,
                                                                certs):
    clinch.run(certs)
    clinch.wait_state(shop, "held")
    renewed = ca.issue("shop.test", url=responder.url)
    renewed.write(certs / "shop.new", key=True).rename(certs / "shop.pem")
    done = clinch.once(certs / "shop.pem", "--strict", "--wait", 20)
    assert done.code == 0, done
    assert answers.read(clinch.staple(certs / "shop.pem").raw).serial == renewed.serial


def test_once_beside_a_daemon_reports_a_bare_must_staple(clinch, ca, responder, certs):
    leaf = ca.issue("must.test", url=responder.url, must_staple=True)
    responder.set("http", code=500)
    leaf.write(certs)
    clinch.run(certs)
    wait_for(lambda: responder.count(leaf) >= 1, what="the first request")
    done = clinch.once(certs, "--wait", 3)
    assert done.code == 1 and done.lines_about("must.pem"), done


def test_two_passes_at_the_same_time_both_end_well(clinch, shop, responder, certs):
    argv = [clinch.binary, "once", certs, "--state", clinch.state, "--allow-loopback"]
    both = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process, process.communicate(timeout=30)) for process in both]
    assert 0 in [process.returncode for process, _ in ends], ends
    for process, (_, err) in ends:
        assert process.returncode == 0 or err.strip(), ends
    assert clinch.staple(certs / "shop.pem").code == 0
