# SPDX-License-Identifier: Apache-2.0
"""explain: what is known, what is kept, and a live answer that changes nothing."""

import json
import os
import re
import sqlite3

import pytest

from lib import answers, pki
from lib.clinch import environment
from lib.process import Child, wait_for


def explain(clinch, path, *args, **how):
    """The object of one certificate, and the exit code."""
    done = clinch.command("explain", path, "--allow-loopback", "--json", *args, **how)
    (cert,) = json.loads(done.out)["certs"]
    return cert, done.code


def stored(clinch):
    """Every row of every table: what a writer would have changed."""
    with sqlite3.connect(f"file:{clinch.state}/store.db?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")]
        return {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}")))
                for name in tables}


class Held:
    """A daemon that holds and publishes a good answer, and what may not change about that."""

    def __init__(self, clinch, leaf, responder, certs, folder):
        self.clinch = clinch
        self.responder = responder
        self.staple = folder / "shop.ocsp"
        self.daemon = clinch.run_config(
            clinch.config([certs], [{"file": folder / "{stem}.ocsp"}]))
        clinch.wait_state(leaf, "held")
        wait_for(self.staple.exists, what="the staple", tell=self.daemon.log)
        self.kept = responder.sent[leaf.serial]
        self.seen = self.look()

    def look(self):
        status = self.staple.stat()
        return (self.staple.read_bytes(), status.st_mtime_ns, status.st_ino, stored(self.clinch),
                self.clinch.status())

    def is_as_before(self):
        return self.look() == self.seen


@pytest.fixture
def held(clinch, shop, responder, certs, tmp_path):
    return Held(clinch, shop, responder, certs, tmp_path)


def verified(clinch, path, answer):
    """What `clinch verify` says of an answer, as object and as text."""
    file = clinch.folder / "answer.der"
    file.write_bytes(answer)
    return (json.loads(clinch.bare("verify", "--cert", path, "--json", file).out),
            clinch.bare("verify", "--cert", path, file).out)


def table_of(text):
    """The lines of a table that do not depend on the second in which it was made."""
    lines = [line.strip() for line in text.splitlines()]
    begin = next(i for i, line in enumerate(lines) if line.startswith("Answer"))
    end = next(i for i, line in enumerate(lines) if i > begin and line.startswith("Go "))
    return [re.sub(r"\((in .*|.* ago)\)", "", line) for line in lines[begin:end + 1]
            if not line.startswith("At ")]


def test_a_live_answer_is_told_as_verify_tells_it(clinch, shop, responder, certs, held):
    responder.set("zero-margin")  # another answer than the one held
    path = certs / "shop.pem"
    cert, code = explain(clinch, path)
    assert code == 0, cert
    live = responder.sent[shop.serial]
    assert cert["live"]["answer"] == verified(clinch, path, live)[0]
    assert cert["kept"]["answer"] == verified(clinch, path, held.kept)[0]
    (asked,) = cert["live"]["asked"]
    assert (asked["to"], asked["method"], asked["http_status"]) == ("responder", "GET", 200)
    assert asked["answer_size"] == len(live) and asked["size"] == len(asked["url"]), asked
    assert asked["url"] == cert["requests"][0]["url"] and asked["url"].startswith(responder.url)
    assert asked["trouble"] is None and asked["reason"] == "good", asked
    assert not cert["live"]["is_kept"] and not cert["live"]["older_than_kept"]

    done = clinch.command("explain", path, "--allow-loopback")
    assert done.code == 0, done
    before, known, tables = done.out.partition("The live answer\n")
    assert known and re.search(r"asked +GET, a URL of \d+ octets:\n +http", before), done
    assert re.search(r"HTTP status 200, \d+ octets, after \d+ ms\n", before), done
    one, kept, other = tables.partition("The answer that is kept\n")
    assert kept, done
    assert table_of(one) == table_of(verified(clinch, path, responder.sent[shop.serial])[1])
    assert table_of(other) == table_of(verified(clinch, path, held.kept)[1])
    assert held.is_as_before()


def test_a_live_answer_that_is_the_one_kept_is_told_once(clinch, shop, responder, certs, held):
    responder.set("body", body=held.kept)
    cert, code = explain(clinch, certs / "shop.pem")
    assert code == 0 and cert["live"]["is_kept"] is True, cert
    done = clinch.command("explain", certs / "shop.pem", "--allow-loopback")
    assert "The live answer, which is the one that is kept\n" in done.out, done
    assert done.out.count("Verdict") == 1, done
    assert held.is_as_before()


BAD = {"other": "wrong-serial", "expired": "expired", "bad-signature": "bad-signature",
       "revoked": "revoked", "unknown": "unknown", "tryLater": "error-status",
       "html": "malformed"}


@pytest.mark.parametrize("rule", BAD)
def test_a_bad_live_answer_is_named_and_the_kept_one_shown(clinch, shop, responder, certs, held,
                                                           rule):
    responder.set(rule)
    cert, code = explain(clinch, certs / "shop.pem")
    assert code == 1, cert
    answer = cert["live"]["answer"]
    assert (answer["verdict"], answer["reason"]) == ("refuse", BAD[rule]), answer
    assert [asked["reason"] for asked in cert["live"]["asked"]][-1] == BAD[rule]
    assert cert["kept"]["state"] == "good" and cert["kept"]["answer"]["verdict"] == "staple"
    done = clinch.command("explain", certs / "shop.pem", "--allow-loopback")
    assert done.code == 1 and f"[{BAD[rule]}]" in " ".join(done.out.split()), done
    live, _, kept = done.out.partition("The answer that is kept\n")
    assert "    served " not in live and "    served " in kept, done
    assert "DO NOT STAPLE" in done.out and "STAPLE IT" in done.out, done
    assert held.is_as_before()


def test_an_error_of_the_responder_is_named(clinch, shop, responder, certs):
    responder.set("http", code=500, error="unauthorized")
    done = clinch.command("explain", certs / "shop.pem", "--allow-loopback")
    assert done.code == 1 and "HTTP status 500" in done.out, done
    assert "an error of the responder: unauthorized" in done.out, done


def test_a_dead_responder_leaves_the_kept_answer_to_look_at(clinch, shop, responder, certs, held):
    responder.stop()
    cert, code = explain(clinch, certs / "shop.pem")
    assert code == 1 and cert["live"]["answer"] is None, cert
    (asked,) = cert["live"]["asked"]
    assert asked["http_status"] is None and "refused the connection" in asked["trouble"], asked
    done = clinch.command("explain", certs / "shop.pem", "--allow-loopback")
    assert done.code == 1 and "refused the connection, after" in done.out, done
    said, sentence, table = done.out.partition(
        "No responder has answered; judged is the answer that is kept\n")
    assert sentence and "STAPLE IT" in table and "DO NOT" not in said, done
    assert held.is_as_before()


def test_a_dead_responder_and_nothing_kept_is_said(clinch, shop, responder, certs):
    responder.stop()
    done = clinch.command("explain", certs / "shop.pem", "--allow-loopback")
    assert done.code == 1, done
    assert "No responder has answered, and no answer is kept" in done.out, done
    assert not clinch.state.exists(), "explain made a state directory"


def test_offline_asks_nobody_and_judges_what_is_kept(clinch, shop, responder, certs, held):
    asked = responder.count()
    cert, code = explain(clinch, certs / "shop.pem", "--offline")
    assert code == 0 and cert["live"] is None, cert
    assert cert["kept"]["answer"] == verified(clinch, certs / "shop.pem", held.kept)[0]
    done = clinch.command("explain", certs / "shop.pem", "--offline")
    assert done.code == 0 and "would ask" in done.out and "STAPLE IT" in done.out, done
    assert responder.count() == asked
    assert held.is_as_before()


def test_the_ways_of_asking_are_those_of_the_daemon(clinch, shop, responder, certs):
    responder.set("http", code=405, method="GET")
    cert, code = explain(clinch, certs / "shop.pem")
    assert code == 0, cert
    first, second = cert["live"]["asked"]
    assert (first["method"], first["http_status"], first["reason"]) == ("GET", 405, None)
    assert first["trouble"] == "HTTP status 405", first
    assert (second["method"], second["http_status"], second["reason"]) == ("POST", 200, "good")
    assert second["url"] == responder.url
    assert [request.method for request in responder.asked(shop)] == ["GET", "POST"]


def test_an_older_live_answer_is_told_to_be_older(clinch, shop, responder, certs, held):
    responder.set("older")
    cert, code = explain(clinch, certs / "shop.pem")
    assert code == 0 and cert["live"]["older_than_kept"] is True, cert
    done = clinch.command("explain", certs / "shop.pem", "--allow-loopback")
    assert "the one that is kept is newer, and stays" in done.out, done
    assert held.is_as_before()


def test_a_good_live_answer_does_not_hide_a_revocation(clinch, shop, responder, certs):
    responder.set("revoked")
    clinch.once(certs)
    responder.set("zero-margin")
    cert, code = explain(clinch, certs / "shop.pem")
    assert code == 0 and cert["kept"]["state"] == "revoked", cert
    done = clinch.command("explain", certs / "shop.pem", "--allow-loopback")
    assert "The live answer, against the revocation that is kept\n" in done.out, done


def test_a_folder_is_no_certificate(clinch, shop, certs):
    done = clinch.command("explain", certs)
    assert done.code == 2 and "is a folder; name the certificate's file in it" in done.err, done


def test_the_last_trouble_is_told(clinch, shop, responder, certs):
    responder.set("tryLater")
    clinch.once(certs)
    cert, _ = explain(clinch, certs / "shop.pem", "--offline")
    assert "tryLater" in cert["last_trouble"], cert
    done = clinch.command("explain", certs / "shop.pem", "--offline")
    assert "tryLater" in done.out, done


def test_nothing_to_ask_is_no_failure(clinch, ca, responder, certs):
    path = ca.issue("plain.test", url=None).write(certs)
    cert, code = explain(clinch, path)
    assert code == 0 and cert["live"] is None, cert
    assert responder.count() == 0


@pytest.mark.parametrize("url", ["ldap:///CN=ocsp", "http://ocsp.test/a b",
                                 "http://ocsp.test/" + "a" * 2048],
                         ids=["ldap", "blank", "long"])
def test_a_url_that_is_never_asked_is_not_called_none(clinch, ca, certs, url):
    path = ca.issue("odd.test", url=url).write(certs)
    done = clinch.command("explain", path, "--allow-loopback")
    assert "none that can be asked" in done.out and url[:40] in done.out, done
    assert "only http and https" in done.out, done


def test_one_bad_of_two_is_a_failure_and_both_are_told(clinch, ca, shop, responder, certs):
    other = ca.issue("other.test", url=responder.url)
    path = other.write(certs)
    responder.set("revoked", leaf=shop)
    done = clinch.command("explain", certs / "shop.pem", path, "--allow-loopback")
    assert done.code == 1, done
    one, name, two = done.out.partition("\n\nother.test\n")
    assert name and "DO NOT STAPLE" in one and "STAPLE IT" in two, done


def test_an_issuer_is_fetched_to_judge_and_not_kept(clinch, ca, responder, certs):
    url = responder.serve("/ca.cer", pki.der(ca.cert))
    leaf = ca.issue("aia.test", url=responder.url, ca_issuers=url)
    path = leaf.write(certs, chain=False)
    cert, code = explain(clinch, path)
    assert code == 0 and cert["issuer"]["source"] == "fetched-now", cert
    assert [asked["to"] for asked in cert["live"]["asked"]] == ["issuer", "responder"]
    done = clinch.command("explain", path, "--allow-loopback")
    assert done.code == 0 and f"fetched just now from {url}" in done.out, done
    assert not clinch.state.exists()


def test_an_issuer_that_cannot_be_had_is_told_with_the_reason(clinch, ca, responder, certs):
    url = responder.serve("/ca.cer", b"\x30\x03junk")
    leaf = ca.issue("aia.test", url=responder.url, ca_issuers=url)
    path = leaf.write(certs, chain=False)
    done = clinch.command("explain", path, "--allow-loopback")
    assert done.code == 1 and "issuer is not in what it sent" in " ".join(done.out.split()), done
    assert "give --issuer FILE" in done.out and responder.count(leaf) == 0, done


def test_what_is_known_is_written_before_the_responder_answers(clinch, shop, responder, certs):
    responder.set("hang")
    config = clinch.config([certs], timeout="6s")
    log = clinch.folder / "explain.log"
    asker = Child([clinch.binary, "explain", certs / "shop.pem", "-c", config], log,
                  env=environment())
    wait_for(lambda: re.search(r"asked +GET", log.read_text()), 5, "what is known", tell=asker.log)
    assert asker.alive() and "within" not in asker.log(), asker.log()
    assert asker.wait(10) == 1
    assert "no answer of 127.0.0.1" in asker.log() and "within 6 s" in asker.log(), asker.log()


@pytest.mark.parametrize("mode", [0o755, 0o700], ids=["readable", "closed"])
def test_who_may_not_write_the_state_gets_a_live_answer(clinch, as_nobody, ca, responder,
                                                        open_folder, mode):
    certs = open_folder / "certs"
    certs.mkdir()
    leaf = ca.issue("shop.test", url=responder.url)
    path = leaf.write(certs)
    clinch.state = open_folder / "state"
    held = Held(clinch, leaf, responder, certs, open_folder)
    for file in clinch.state.iterdir():
        if file.name.startswith("store.db"):
            file.chmod(0o644)
    clinch.state.chmod(mode)
    done = as_nobody("explain", path, "--state", clinch.state, "--allow-loopback", "--json")
    (cert,) = json.loads(done.out)["certs"]
    assert done.code == 0 and cert["live"]["answer"]["verdict"] == "staple", done
    if os.geteuid() == 0:
        readable = mode == 0o755
        assert cert["kept"]["state"] == ("good" if readable else "unreadable"), done
        assert readable or done.lines_about(clinch.state), done
    assert answers.read(held.kept).serial == leaf.serial and held.is_as_before()


@pytest.mark.parametrize("rule", ["good", "expired", "tryLater", "html", "http"])
def test_a_live_answer_fits_a_terminal_of_80_columns(clinch, shop, responder, certs, rule):
    clinch.once(certs)
    responder.set(rule)
    code, text = clinch.on_terminal("explain", certs / "shop.pem", "--allow-loopback", "--state",
                                    clinch.state)
    plain = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", text)
    assert code == (0 if rule == "good" else 1) and "Verdict" in plain, text
    assert max(len(line) for line in plain.splitlines()) <= 80, plain
