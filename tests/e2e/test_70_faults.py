# SPDX-License-Identifier: Apache-2.0
"""Responders that misbehave: nothing bad is kept, and the reason is told.

That nothing good is lost by any of it is played in test_71_outages.py.
"""

import pytest

from lib import answers, pki
from lib.process import wait_for
from lib.responder import ScriptedResponder

# rule, its options, a word of the sentence that tells of it
FAULTS = {
    "http-500": ("http", {"code": 500}, "500"),
    "http-404": ("http", {"code": 404, "body": b"<html>"}, "404"),
    "http-429": ("http", {"code": 429, "headers": {"Retry-After": "3600"}}, "429"),
    "http-533-unauthorized": ("http", {"code": 533, "error": "unauthorized"}, "533"),
    "http-400-malformed": ("http", {"code": 400, "error": "malformedRequest"}, "400"),
    "tryLater": ("tryLater", {}, "tryLater"),
    "unauthorized": ("unauthorized", {}, "unauthorized"),
    "internalError": ("internalError", {}, "internalError"),
    "hang": ("hang", {}, "within 2 s"),
    "slow-loris": ("slow", {}, "within 2 s"),
    "truncated": ("truncated", {}, ""),
    "cut": ("cut", {}, ""),
    "endless": ("endless", {}, "large"),
    "too-large": ("body", {"body": bytes(65 * 1024)}, "large"),
    "empty": ("empty", {}, ""),
    "one-zero": ("body", {"body": b"0"}, ""),
    "html": ("html", {}, ""),
    "not-modified": ("not-modified", {}, "304"),
    "redirect-loop": ("redirect", {}, "redirect"),
    "redirect-to-file": ("redirect", {"to": "file:///etc/passwd"}, "redirect"),
    "redirect-to-ftp": ("redirect", {"to": "ftp://127.0.0.1/"}, "redirect"),
    "redirect-inwards": ("redirect", {"to": "http://169.254.169.254/"},
                         "redirect to 169.254.169.254"),
    "other-certificate": ("other", {}, ""),
    "expired": ("expired", {}, ""),
    "future": ("future", {}, ""),
    "no-next-update": ("no-next-update", {}, ""),
    "bad-signature": ("bad-signature", {}, "signature"),
    "unknown": ("unknown", {}, ""),
    "next-before-this": ("good", {"life_s": -60}, ""),
}


def config(clinch, certs, tmp_path):
    return clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}], timeout="2s",
                         connect_timeout="1s")


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_answer_is_not_kept_and_told(clinch, ca, responder, certs, tmp_path, fault):
    rule, options, word = FAULTS[fault]
    leaf = ca.issue("must.test", url=responder.url, must_staple=True)
    leaf.write(certs)
    responder.set(rule, **options)
    done = clinch.bare("once", "-c", config(clinch, certs, tmp_path), limit_s=40)
    assert done.code == 1, done
    about = done.lines_about("must.test")
    assert about and word.lower() in "\n".join(about).lower(), done
    assert clinch.staple(certs / "must.pem").code == 75
    assert not (tmp_path / "must.ocsp").exists()
    assert "passwd" not in clinch.state_of(leaf)


def test_answer_of_a_delegate_is_good(clinch, ca, responder, shop, certs):
    responder.set("good", signer=ca.delegate())
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    assert answers.read(clinch.staple(certs / "shop.pem").raw).status == "good"


@pytest.mark.parametrize("options", [
    {"by_key": False}, {"embed_issuer": True}, {"age_s": 0}],
    ids=["by-name", "issuer-embeds-itself", "this-update-now"])
def test_odd_but_lawful_answers_are_good(clinch, responder, shop, certs, options):
    responder.set("good", **options)
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    assert clinch.staple(certs / "shop.pem").code == 0


def test_an_answer_that_gnutls_would_not_find_waits_for_an_audience_without_it(
        clinch, responder, shop, certs):
    """GnuTLS looks at the first of several singles only."""
    responder.set("good", singles_before=(5, 6, 7))
    done = clinch.once(certs, "--strict")
    assert done.code == 1 and "[no-matching-response]" in done.err, done
    assert clinch.staple(certs / "shop.pem").code == 75
    config = clinch.config([certs], [], audience="browsers, java")
    done = clinch.bare("once", "-c", config, "--strict", "--state", clinch.state)
    assert done.code == 0, done


@pytest.mark.parametrize("signer", ["no-eku", "other-authority", "not-embedded", "expired",
                                    "leaf-itself"])
def test_answer_of_somebody_without_authority_is_refused(clinch, ca, ecdsa_ca, responder, shop,
                                                         certs, signer):
    past = pki.now() - 20 * pki.DAY
    signers = {"no-eku": {"signer": ca.delegate("no EKU", eku=False)},
               "other-authority": {"signer": ecdsa_ca.delegate("elsewhere")},
               "not-embedded": {"signer": ca.delegate("hidden"), "embed": False},
               "expired": {"signer": ca.delegate("old", start=past, end=past + pki.DAY)},
               "leaf-itself": {"signer": shop}}
    responder.set("good", **signers[signer])
    done = clinch.once(certs, "--strict")
    assert done.code == 1 and done.lines_about("shop.test"), done
    assert clinch.staple(certs / "shop.pem").code == 75


def test_responder_that_hangs_holds_up_no_other(clinch, ca, shop, certs):
    """A hundred certificates whose responder hangs, and one of another responder."""
    with ScriptedResponder(ca) as dead:
        dead.set("hang")
        for leaf in ca.issue_many(100, dead.url, prefix="hang"):
            leaf.write(certs)
        clinch.run(certs)
        wait_for(dead.count, what="the questions that hang", tell=clinch.logs)
        assert clinch.wait_state(shop, "held", 5)


def test_second_url_is_asked_when_the_first_is_dead(clinch, ca, responder, certs):
    leaf = ca.issue("two.test", url=["http://127.0.0.1:9/", responder.url])
    leaf.write(certs)
    done = clinch.once(certs, "--strict")
    assert done.code == 0 and responder.count(leaf) == 1, done


def test_failing_responder_is_not_hammered(clinch, shop, responder, certs):
    responder.set("http", code=503)
    daemon = clinch.run(certs)
    wait_for(lambda: responder.count(shop) >= 2, what="GET and POST", tell=daemon.log)
    first = responder.requests[0].at
    wait_for(lambda: responder.count(shop, "GET") >= 2, 30, "the second round", tell=daemon.log)
    assert responder.count(shop) <= 2 + 2 * (responder.requests[-1].at - first + 2), daemon.log()
