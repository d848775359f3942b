# SPDX-License-Identifier: Apache-2.0
"""tests/vectors: each answer gets the verdict, the reason and the clients that it must."""

import json
from functools import lru_cache

import pytest

import judge
from mint import folder as minted

VECTORS = judge.REPOSITORY / "tests/vectors"
PATHS = sorted(str(path.parent.relative_to(VECTORS)) for path in VECTORS.glob("*/*/expect.json"))
KEYS = {"verdict", "reason", "reasons", "status", "this_update", "next_update", "produced_at",
        "signer", "serve_from", "serve_until", "repaired", "clients", "asks", "without",
        "as_received", "warnings"}
NAMES = {"firefox", "chromium", "gnutls", "openssl", "libressl", "java", "go", "s2n", "wolfssl",
         "nss", "apple", "rhel"}
# As in DESIGN: public, and never another word.
REASONS = """good revoked unknown malformed trailing-data error-status unsupported-response-type
unsupported-version wrong-serial wrong-issuer no-matching-response bad-signature signer-not-found
unauthorized-signer signer-expired weak-algorithm unsupported-algorithm not-yet-valid expired
no-next-update too-old bad-produced-at critical-extension conflicting-responses too-large
older-than-held""".split()


@lru_cache(maxsize=None)
def expect_of(path):
    return json.loads((VECTORS / path / "expect.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=None)
def said_of(path):
    return judge.verify(VECTORS / path, *judge.options_of(expect_of(path)))


def some(step):
    """One path in @step, so that every folder has one."""
    return PATHS[::step]


@pytest.mark.parametrize("path", PATHS)
def test_verdict_reason_and_clients_are_right(path):
    expect, said = expect_of(path), said_of(path)
    staple = expect["verdict"] == "staple"

    assert said.code == (judge.STAPLE if staple else judge.REFUSE), said
    found = said.judgement
    assert (found["verdict"], found["reason"]) == (expect["verdict"], expect["reason"]), said
    assert set(expect.get("reasons", ())) <= set(found["reasons"]), said
    if "repaired" in expect:
        assert found["repaired"] == expect["repaired"], said
    assert "warns" not in expect or expect["warns"] in " ".join(found["warnings"]), said
    clients = {name: found["clients"][name].split(":")[0] for name in expect["clients"]}
    assert clients == expect["clients"], said


@pytest.mark.parametrize("path", PATHS)
def test_what_is_said_fits_together(path):
    found = said_of(path).judgement

    assert KEYS <= set(found)
    assert set(found["reasons"]) <= set(REASONS) and found["reason"] in REASONS
    if found["verdict"] == "refuse":
        assert found["reason"] != "good" and found["reasons"][0] == found["reason"]
    else:
        assert found["reason"] == "good" and found["status"] == "good"
        assert found["reasons"] in ([], ["good"])
    if found["reason"] in ("revoked", "unknown"):
        assert found["status"] == found["reason"]
    for name, word in found["clients"].items():
        kind, _, reason = word.partition(": ")
        assert kind in ("accept", "ignores", "fails"), (name, word)
        assert (kind == "accept") == (reason == "") and reason in ["", *REASONS], (name, word)
    for told in (found, found["as_received"]):
        assert all(told["clients"][name].startswith("fails") for name in told["asks"])
    assert set(found["without"].values()) <= {"ok", "asks", "fatal"}


def test_what_repairing_heals_is_told_without_a_reason():
    healed = [warning for path in PATHS for warning in said_of(path).judgement["warnings"]
              if warning.startswith("as received")]

    assert healed and not [warning for warning in healed if "[" in warning]


def test_who_asks_the_responder_is_told():
    assert said_of("age/13-days").judgement["asks"] == ["firefox"]
    assert said_of("signature/last-bit").judgement["asks"] == []
    assert said_of("form/exact").judgement["without"]["java-hard"] == "asks"


@pytest.mark.parametrize("path", PATHS)
def test_rfc6960_staples_what_any_audience_staples(path):
    """Rules of clients only ever take away."""
    options = judge.options_of({**expect_of(path), "audience": "rfc6960"})
    staples = said_of(path).code == judge.STAPLE

    assert not staples or judge.verify(VECTORS / path, *options).code == judge.STAPLE


@pytest.mark.parametrize("path", some(9))
def test_an_answer_on_standard_input_is_the_same(path):
    said = judge.verify(VECTORS / path, *judge.options_of(expect_of(path)), by_stdin=True)

    assert (said.code, said.out) == (said_of(path).code, said_of(path).out)


@pytest.mark.parametrize("path", some(9))
def test_the_form_for_people_fits_a_terminal(path):
    expect = expect_of(path)
    said = judge.verify(VECTORS / path, *judge.options_of(expect), as_json=False)

    assert said.code == (judge.STAPLE if expect["verdict"] == "staple" else judge.REFUSE)
    assert all(len(line) <= 80 for line in said.out.splitlines()), said
    assert expect["verdict"] == "staple" or expect["reason"] in said.out, said


@pytest.mark.parametrize("missing", ["leaf.pem", "issuer.pem", "response.der"])
def test_input_that_is_not_there_ends_with_2(missing, tmp_path):
    for name in ("leaf.pem", "issuer.pem", "response.der"):
        if name != missing:
            (tmp_path / name).write_bytes((VECTORS / "form/exact" / name).read_bytes())
    said = judge.verify(tmp_path)

    assert said.code == judge.UNREADABLE and missing in said.err, said


def test_a_time_in_letters_is_the_same():
    said = judge.verify(VECTORS / "form/exact", "--at", "2026-09-21T14:13:20Z")

    assert said.out == said_of("form/exact").out


def test_the_issuer_may_come_out_of_the_file_of_the_leaf(tmp_path):
    exact = VECTORS / "form/exact"
    chain = tmp_path / "chain.pem"
    chain.write_bytes((exact / "leaf.pem").read_bytes() + (exact / "issuer.pem").read_bytes())
    said = judge.run("verify", "--cert", chain, "--at", expect_of("form/exact")["at"], "--json",
                     exact / "response.der")

    assert (said.code, said.out) == (judge.STAPLE, said_of("form/exact").out), said


def test_a_folder_of_issuers_is_looked_through(tmp_path):
    exact = VECTORS / "form/exact"
    folder = tmp_path / "issuers"
    (folder / "more").mkdir(parents=True)
    for number, other in enumerate(("direct/rsa", "direct/p384", "signature/right")):
        (folder / f"{number}.pem").write_bytes((VECTORS / other / "issuer.pem").read_bytes())
    (folder / "readme").write_text("no certificate\n")
    (folder / "more/ours.pem").write_bytes((exact / "issuer.pem").read_bytes())
    words = ["verify", "--cert", exact / "leaf.pem", "--at", expect_of("form/exact")["at"],
             "--json"]
    said = judge.run(*words, "--issuer", folder, exact / "response.der")

    assert (said.code, said.out) == (judge.STAPLE, said_of("form/exact").out), said
    (folder / "more/ours.pem").unlink()  # others that did not sign it are none
    said = judge.run(*words, "--issuer", folder, exact / "response.der")
    assert said.code == judge.UNREADABLE and not said.out and "--issuer" in said.err, said


def test_standard_input_holds_one_thing():
    exact = VECTORS / "form/exact"
    leaf, issuer, answer = exact / "leaf.pem", exact / "issuer.pem", exact / "response.der"
    for cert, given, last in (("-", issuer, "-"), (leaf, "-", "-"), ("-", "-", answer)):
        said = judge.run("verify", "--cert", cert, "--issuer", given, last,
                         answer=leaf.read_bytes())
        assert said.code == judge.UNREADABLE and not said.out, said
        assert "standard input" in said.err and said.err.count("\n") == 1, said
    at = expect_of("form/exact")["at"]
    said = judge.run("verify", "--cert", "-", "--issuer", issuer, "--at", at, "--json", answer,
                     answer=leaf.read_bytes())
    assert (said.code, said.out) == (judge.STAPLE, said_of("form/exact").out), said


def test_a_closed_standard_input_is_told():
    exact = VECTORS / "form/exact"
    said = judge.run("verify", "--cert", exact / "leaf.pem", "--issuer", exact / "issuer.pem", "-",
                     before=("sh", "-c", 'exec "$@" <&-', "sh"))

    assert said.code == judge.UNREADABLE and not said.out, said
    assert "standard input" in said.err and said.err.count("\n") == 1, said


@pytest.mark.parametrize("time", ["2026-09-21T14:13:20.Z", "2026-09-21T14:13:20", "2026-09-21",
                                  "2026-09-21T14:13:20.5", "2026-02-30T00:00:00Z", "", "-", "1e9"])
def test_what_is_no_time_is_told(time):
    exact = VECTORS / "form/exact"
    said = judge.verify(exact, "--at", time)

    assert said.code == judge.UNREADABLE and not said.out and "--at" in said.err, said


def test_a_part_of_a_second_changes_nothing():
    said = judge.verify(VECTORS / "form/exact", "--at", "2026-09-21T14:13:20.999Z")

    assert said.out == said_of("form/exact").out


def test_an_answer_signed_too_late_for_its_margins_is_told():
    late = VECTORS / "produced-at/last-second"
    said = judge.verify(late, *judge.options_of(expect_of("produced-at/last-second")),
                        as_json=False)

    assert "signed too late" in said.out, said


def test_committed_files_are_what_the_code_makes():
    assert minted.compare(VECTORS, minted.all_files()) == []


def test_every_rule_has_an_answer_that_keeps_it_and_one_that_breaks_it():
    for rule in minted.RULES:
        about = [one for one in minted.all_vectors() if rule in one.rules]
        assert [one for one in about if not one.is_troubled], rule
        assert [one for one in about if one.is_troubled], rule
