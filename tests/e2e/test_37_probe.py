# SPDX-License-Identifier: Apache-2.0
"""probe: what real servers staple, and what hostile ones cannot do."""

import json
import re

import pytest

from lib import answers, clients
from lib.answers import Answer
from lib.others import Exim
from lib.process import free_port, listens_at
from lib.servers import Nginx, Site
from lib.talkers import (SCRIPTS, Stapler, Talker, answers_with, drips, floods, hangs, speaks)


def staple_of(leaf, **fields):
    return answers.build(answers.certid(leaf), leaf.issuer, Answer(**fields))


def probe(clinch, port, *args, host="127.0.0.1", **how):
    """The object that --json prints, and the exit code."""
    done = clinch.command("probe", f"{host}:{port}", "--json", *args, **how)
    return json.loads(done.out), done.code


def text(clinch, port, *args, **how):
    done = clinch.command("probe", f"127.0.0.1:{port}", *args, **how)
    return " ".join(done.out.split()), done.code


def ways(seen):
    """ "1.3 rsa": outcome and so on."""
    return {f"{way['version']} {way['key']}": way["outcome"] for way in seen["handshakes"]}


ALL = {"1.3 rsa", "1.3 ecdsa", "1.2 rsa", "1.2 ecdsa"}


def test_nginx_without_and_with_its_staple(clinch, shop, front, certs):
    nginx, snippets = front.nginx(shop)
    seen, code = probe(clinch, nginx.port, "--servername", "shop.test")
    (cert,) = seen["certs"]
    assert code == 1 and not seen["ok"], seen
    assert (cert["name"], cert["staple"], cert["expected"]) == ("shop.test", "none", True), cert
    assert cert["store"] == {"state": "no-store", "staple": None}, cert
    assert ways(seen)["1.2 rsa"] == "seen" and ways(seen)["1.2 ecdsa"] == "not-offered", seen

    daemon = clinch.run_config(clinch.config([certs], [{"nginx": snippets,
                                                        "reload": nginx.command()}]))
    sight = clients.see_staple(nginx.port, "shop.test", 8, daemon.log)
    seen, code = probe(clinch, nginx.port, "--servername", "shop.test")
    (cert,) = seen["certs"]
    assert code == 0 and seen["ok"] and cert["ok"], seen
    assert cert["serial"].lstrip("0") == sight.leaf_serial, cert
    assert cert["issuer"]["source"] == "chain" and cert["store"]["staple"] == "same", cert
    assert cert["answer"]["verdict"] == "staple" and cert["answer"]["clients"]["gnutls"] == "accept"
    said, code = text(clinch, nginx.port, "--servername", "shop.test")
    assert code == 0 and "store holds the same octets" in said and "WELL STAPLED" in said, said


def test_a_staple_that_the_server_has_not_taken_is_told(clinch, shop, front, certs):
    nginx, _ = front.nginx(shop)
    assert clinch.once(certs).code == 0
    said, code = text(clinch, nginx.port, "--servername", "shop.test")
    assert code == 1 and "staple NONE" in said and "has NOT TAKEN it" in said, said


def test_both_certificates_of_haproxy_are_seen_in_both_versions(clinch, ca, ecdsa_ca, responder,
                                                                front, certs):
    rsa = ca.issue("site.test", url=responder.url)
    ecdsa = ecdsa_ca.issue("site.test", "ecdsa", url=responder.url, must_staple=True)
    rsa.write(certs / "site.pem.rsa", key=True)
    ecdsa.write(certs / "site.pem.ecdsa", key=True)
    haproxy = front.haproxy(certs / "site.pem")
    said, code = text(clinch, haproxy.port, "--servername", "site.test")
    assert code == 1 and "without it these fail: Firefox, GnuTLS, " in said, said
    daemon = clinch.run_config(clinch.config([certs], [{"haproxy": haproxy.socket}]))
    for sigalgs in (clients.RSA, clients.ECDSA):
        clients.see_staple(haproxy.port, "site.test", 8, daemon.log, sigalgs=sigalgs)
    seen, code = probe(clinch, haproxy.port, "--servername", "site.test")
    assert code == 0 and ways(seen) == dict.fromkeys(ALL, "seen"), seen
    assert {cert["leaf_sha256"] for cert in seen["certs"]} == {rsa.sha256, ecdsa.sha256}
    shows = {f"{way['version']} {way['key']}": way["shows"] for way in seen["handshakes"]}
    assert shows["1.3 rsa"] == shows["1.2 rsa"] != shows["1.3 ecdsa"] == shows["1.2 ecdsa"], seen
    assert [cert["store"]["staple"] for cert in seen["certs"]] == ["same", "same"], seen


def test_the_wrong_staple_of_nginx_is_seen(clinch, programs, ca, ecdsa_ca, responder, certs,
                                           tmp_path):
    """nginx sends one staple file with both certificates of a block."""
    rsa = ca.issue("site.test", url=responder.url)
    ecdsa = ecdsa_ca.issue("site.test", "ecdsa", url=responder.url)
    first, second = rsa.write(certs / "rsa.pem"), ecdsa.write(certs / "ecdsa.pem")
    keys = rsa.write_key(tmp_path / "rsa.key"), ecdsa.write_key(tmp_path / "ecdsa.key")
    assert clinch.once(certs, "--wait", "10").code == 0
    staple = tmp_path / "rsa.ocsp"
    staple.write_bytes(clinch.staple(first).raw)
    site = Site("site.test", first, keys[0],
                f"/none/*.conf; ssl_certificate {second}; ssl_certificate_key {keys[1]}; "
                f"ssl_protocols TLSv1.2 TLSv1.3; ssl_stapling on; ssl_stapling_file {staple}")
    with Nginx(programs, tmp_path / "nginx", [site]) as nginx:
        seen, code = probe(clinch, nginx.port, "--servername", "site.test")
    assert code == 1 and ways(seen) == dict.fromkeys(ALL, "seen"), seen
    found = {cert["leaf_sha256"]: cert for cert in seen["certs"]}
    assert found[rsa.sha256]["ok"] and found[rsa.sha256]["store"]["staple"] == "same", seen
    wrong = found[ecdsa.sha256]
    assert not wrong["ok"] and wrong["answer"]["reason"] == "no-matching-response", wrong
    assert wrong["store"] == {"state": "good", "staple": "other"}, wrong


def test_exim_is_seen_behind_starttls(clinch, others, ca, responder, open_folder):
    """A real mail server, of GnuTLS; bare first, then with a staple."""
    clinch.state = open_folder / "state"
    leaf = ca.issue("mail.test", url=responder.url)
    with Exim(others, open_folder / "exim", leaf) as exim:
        asked = ("--servername", "mail.test", "--starttls", "smtp")
        seen, code = probe(clinch, exim.port, *asked)
        assert code == 1 and seen["starttls"] == "smtp", seen
        assert [cert["staple"] for cert in seen["certs"]] == ["none"], seen
        assert ways(seen)["1.3 rsa"] == ways(seen)["1.2 rsa"] == "seen", seen
        config = clinch.config([exim.certificate], exim.targets())
        assert clinch.bare("once", "-c", config, "--wait", "10").code == 0
        seen, code = probe(clinch, exim.port, *asked)
        assert code == 0 and seen["certs"][0]["store"]["staple"] == "same", seen


@pytest.mark.parametrize("age_s, match, words", [
    (7200, "older", "holds a NEWER one"), (60, "newer", "holds an OLDER one")])
def test_the_store_has_another_one(clinch, shop, responder, certs, tmp_path, age_s, match, words):
    assert clinch.once(certs).code == 0
    with Stapler(tmp_path / "s", shop, staple_of(shop, age_s=age_s)) as server:
        seen, code = probe(clinch, server.port)
        assert code == 0 and seen["certs"][0]["store"] == {"state": "good", "staple": match}, seen
        said, code = text(clinch, server.port)
        assert code == 0 and words in said, said


BAD = {"expired": ({"age_s": 10 * 86400, "life_s": 8 * 86400}, "expired"),
       "signature": ({"bad_signature": True}, "bad-signature"),
       "revoked": ({"status": "revoked"}, "revoked"),
       "unknown": ({"status": "unknown"}, "unknown")}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_staple_is_judged_as_verify_judges_it(clinch, shop, tmp_path, name):
    fields, reason = BAD[name]
    staple = staple_of(shop, **fields)
    with Stapler(tmp_path / "s", shop, staple) as server:
        seen, code = probe(clinch, server.port)
        said, _ = text(clinch, server.port)
    answer = seen["certs"][0]["answer"]
    assert code == 1 and (answer["verdict"], answer["reason"]) == ("refuse", reason), seen
    assert "BADLY STAPLED" in said and f"[{reason}]" in said, said
    file = tmp_path / "staple.der"
    file.write_bytes(staple)
    verified = json.loads(clinch.bare("verify", "--cert", shop.write(tmp_path / "shop.pem"),
                                      "--json", file).out)
    assert verified["reason"] == reason and verified["clients"] == answer["clients"]


def test_the_staple_of_another_certificate_is_named(clinch, ca, shop, tmp_path):
    other = ca.issue("other.test", url="http://127.0.0.1:1/")
    with Stapler(tmp_path / "s", shop, staple_of(other)) as server:
        seen, code = probe(clinch, server.port)
    assert code == 1 and seen["certs"][0]["answer"]["reason"] == "wrong-serial", seen


def test_what_would_be_repaired_is_told_as_it_is_shown(clinch, shop, tmp_path):
    """Go takes no answer of a CA that embeds itself; clinch would drop the certificate."""
    with Stapler(tmp_path / "s", shop, staple_of(shop, embed_issuer=True)) as server:
        seen, _ = probe(clinch, server.port)
    answer = seen["certs"][0]["answer"]
    assert answer["repaired"] is False and answer["clients"] == answer["as_received"]["clients"]


def test_without_an_ocsp_url_no_staple_is_expected(clinch, ca, tmp_path):
    with Stapler(tmp_path / "s", ca.issue("plain.test")) as server:
        seen, code = probe(clinch, server.port)
        said, _ = text(clinch, server.port)
    assert code == 0 and seen["certs"][0]["expected"] is False, seen
    assert "nor is one expected" in said, said


def test_without_the_issuer_nothing_is_judged(clinch, ca, shop, tmp_path):
    with Stapler(tmp_path / "s", shop, staple_of(shop), chain=False) as server:
        said, code = text(clinch, server.port)
        assert code == 1 and "issuer not found" in said and "NOT JUDGED" in said, said
        seen, code = probe(clinch, server.port, "--issuer", ca.write(tmp_path / "ca.pem"))
    (cert,) = seen["certs"]
    assert cert["issuer"]["source"] == "configured" and cert["answer"]["status"] == "good", cert
    # curl and other verifiers of OpenSSL want it in the chain: the table has that.
    assert code == (0 if cert["answer"]["verdict"] == "staple" else 1), cert


def test_a_server_that_wants_our_certificate_is_seen(clinch, shop, tmp_path):
    with Stapler(tmp_path / "s", shop, staple_of(shop), args=["-Verify", "1"]) as server:
        seen, code = probe(clinch, server.port)
    assert code == 0 and ways(seen)["1.2 rsa"] == ways(seen)["1.3 rsa"] == "seen", seen


def test_a_server_of_one_version_only(clinch, shop, tmp_path):
    for version, flag in (("1.2", "-tls1_2"), ("1.3", "-tls1_3")):
        with Stapler(tmp_path / version, shop, staple_of(shop), args=[flag]) as server:
            seen, code = probe(clinch, server.port)
        assert code == 0, seen
        assert ways(seen) == {**dict.fromkeys(ALL, "not-offered"), f"{version} rsa": "seen"}, seen


def test_settings_of_openssl_change_nothing(clinch, shop, tmp_path):
    """A policy that knows TLS 1.3 and strong keys only, as some distributions have it."""
    policy = tmp_path / "openssl.cnf"
    policy.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                      "MinProtocol = TLSv1.3\nCipherString = DEFAULT:@SECLEVEL=5\n"
                      "SignatureAlgorithms = ECDSA+SHA512\nGroups = P-521\n", encoding="ascii")
    with Stapler(tmp_path / "s", shop, staple_of(shop)) as server:
        seen, code = probe(clinch, server.port, env={"OPENSSL_CONF": str(policy)})
    assert code == 0 and ways(seen)["1.2 rsa"] == ways(seen)["1.3 rsa"] == "seen", seen


@pytest.mark.parametrize("protocol", SCRIPTS)
def test_starttls_is_spoken(clinch, shop, tmp_path, protocol):
    with Stapler(tmp_path / "s", shop, staple_of(shop)) as server:
        with Talker(speaks(SCRIPTS[protocol]), server.port) as talker:
            seen, code = probe(clinch, talker.port, "--starttls", protocol)
    assert code == 0 and seen["starttls"] == protocol and talker.accepted == 4, seen
    assert ways(seen)["1.2 rsa"] == ways(seen)["1.3 rsa"] == "seen", seen


@pytest.mark.parametrize("protocol", SCRIPTS)
def test_octets_behind_the_agreement_are_refused(clinch, shop, tmp_path, protocol):
    with Stapler(tmp_path / "s", shop, staple_of(shop)) as server:
        with Talker(speaks(SCRIPTS[protocol], b"250 mine\r\n"), server.port) as talker:
            done = clinch.command("probe", f"127.0.0.1:{talker.port}", "--starttls", protocol)
    assert done.code == 2 and "10 octets without TLS" in done.err, done


REFUSALS = {"smtp": ((b"220 mx\r\n", b"250 mx\r\n"), "does not offer STARTTLS"),
            "imap": ((b"* OK\r\n", b"a1 NO not here\r\n"), "`a1 NO not here`"),
            "pop3": ((b"+OK\r\n", b"-ERR no\r\n"), "`-ERR no`"),
            "ldap": ((b"", b"\x30\x11\x02\x01\x01\x78\x0c\x0a\x01\x02\x04\x00\x04\x05no TLS"),
                     "refuses StartTLS"),
            "xmpp": ((b"", b"<stream:stream><stream:features/>"), "does not offer STARTTLS"),
            "postgres": ((b"", b"N"), "has no TLS"),
            "ftp": ((b"220 ready\r\n", b"502 what?\r\n"), "AUTH TLS with `502 what?`"),
            "mysql": ((b"\x0e\x00\x00\x00\xff\x69\x04not allowed",), "refuses: `not allowed`")}


@pytest.mark.parametrize("protocol", REFUSALS)
def test_a_server_without_starttls_is_no_connection(clinch, protocol):
    script, words = REFUSALS[protocol]
    with Talker(speaks(script)) as talker:
        done = clinch.command("probe", f"127.0.0.1:{talker.port}", "--starttls", protocol)
    assert done.code == 2 and words in done.err and talker.accepted == 1, done


# How it behaves, what is asked for, what is told, and how many steps of 5 s it may cost.
HOSTILE = {
    "hangs": (hangs, [], "does not go on with the handshake", 2),
    "hangs before TLS": (hangs, ["--starttls", "smtp"], "says nothing before TLS", 1),
    "endless banner": (floods(b"220-more\r\n"), ["--starttls", "smtp"], "speaks without end", 0),
    "endless line": (floods(b"220-more "), ["--starttls", "smtp"], "speaks without end", 0),
    "endless IMAP": (floods(b"* more\r\n"), ["--starttls", "imap"], "with `* more`", 0),
    "drips": (drips(b"220-more\r\n"), ["--starttls", "smtp"], "says nothing before TLS", 1),
    "drips TLS": (drips(b"\x16\x03\x03\x40\x00\x02"), [], "does not go on with the handshake", 2),
    "requests for ever": (floods(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00"), [],
                          "speaks without end", 0),
    "noise": (answers_with(bytes(range(256)) * 64), [], "not TLS", 0),
    "another protocol": (answers_with(b"HTTP/1.0 400 Bad\r\n\r\n"), [], "want --starttls", 0),
    "a banner": (floods(b"220 mx.test ESMTP\r\n"), [], "want --starttls", 0),
    "hangs up": (lambda talker, connection: False, [], "connection", 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_costs_little(clinch, name):
    talk, args, words, steps = HOSTILE[name]
    with Talker(talk) as talker:
        done = clinch.command("probe", f"127.0.0.1:{talker.port}", *args, limit_s=30)
    assert done.code == 2 and not done.out and words in done.err, done
    assert len(done.err.splitlines()) == 1, done
    assert done.seconds < 5 * steps + 4, done


# What a server answers to everything, with which name it was asked for, what is told.
ALERTS = {
    "unrecognized_name": (112, ["--servername", "x.test"], "it does not know x.test; "),
    "unrecognized_name, without a name": (112, [], "it wants to be asked for a name; "),
    "handshake_failure": (40, ["--servername", "x.test"], "it has no certificate for x.test, or"),
    "internal_error": (80, [], "it may have no certificate without a name; --servername NAME"),
    "protocol_version": (70, [], "its TLS may be older than 1.2"),
    "no_application_protocol": (120, [], "its own log may tell why"),
    "200": (200, [], "its own log may tell why"),
}


@pytest.mark.parametrize("name", ALERTS)
def test_a_server_with_nothing_but_an_alert_is_told_by_its_name(clinch, name):
    number, args, words = ALERTS[name]
    with Talker(answers_with(bytes([21, 3, 3, 0, 2, 2, number]))) as talker:
        done = clinch.command("probe", f"127.0.0.1:{talker.port}", *args)
        seen, _ = probe(clinch, talker.port, *args)
    word = name.partition(",")[0]
    assert done.code == 2 and not done.out, done
    assert f"it answers with the alert {word}: {words}" in done.err, done
    assert word in seen["trouble"] and all(word in way["trouble"] for way in seen["handshakes"])


def test_several_alerts_are_told(clinch):
    """The one for the old version is not the one to act upon."""
    def talk(talker, connection):
        talker.hear(connection)
        connection.sendall(bytes([21, 3, 3, 0, 2, 2, 70 if talker.accepted < 3 else 40]))
        return False

    with Talker(talk) as talker:
        done = clinch.command("probe", f"127.0.0.1:{talker.port}")
    words = "with the alerts protocol_version and handshake_failure: it has no certificate"
    assert done.code == 2 and words in done.err, done


def test_nginx_that_rejects_other_names_is_told(clinch, shop, programs, tmp_path):
    site = Site("shop.test", shop.write(tmp_path / "shop.pem"), shop.write_key(tmp_path / "k"),
                "/none/*.conf; ssl_reject_handshake on")
    with Nginx(programs, tmp_path / "nginx", [site]) as nginx:
        done = clinch.command("probe", f"127.0.0.1:{nginx.port}", "--servername", "other.test")
    assert done.code == 2 and "alert unrecognized_name: it does not know other.test" in done.err


def test_what_a_server_says_cannot_steer_the_terminal(clinch):
    with Talker(speaks((b"554 \x1b[31m\xff\x07go away\r\n",))) as talker:
        done = clinch.command("probe", f"127.0.0.1:{talker.port}", "--starttls", "smtp")
    assert done.code == 2 and "`554 ?[31m??go away`" in done.err, done


def test_nobody_there(clinch):
    port = free_port()
    done = clinch.command("probe", f"127.0.0.1:{port}")
    assert done.code == 2 and "Connection refused" in done.err and not done.out, done
    seen, code = probe(clinch, port)
    assert code == 2 and seen["ok"] is False and "refused" in seen["trouble"], seen
    assert seen["handshakes"] == [] and seen["certs"] == [], seen


def test_an_address_of_ipv6(clinch, shop, tmp_path):
    if not listens_at("::1"):
        pytest.skip("this machine has no ::1")
    with Stapler(tmp_path / "s", shop, staple_of(shop)) as server:
        with Talker(lambda talker, connection: True, server.port, host="::1") as talker:
            seen, code = probe(clinch, talker.port, host="[::1]")
    assert code == 0 and seen["address"] == f"[::1]:{talker.port}", seen
    assert seen["servername"] is None, seen


@pytest.mark.parametrize("args, words", [
    ([], "needs a server"), (["a", "b"], "one server at a time"),
    (["https://shop.test/"], "is no server"), (["shop.test:x"], "is no server"),
    (["shop.test", "--starttls", "smpt"], "did you mean smtp?"),
    (["shop.test", "--servername", "a b"], "is no DNS name"),
    (["shop.test", "--audience", "nobody"], "--audience"),
    (["shop.test", "-c", "/nowhere.yaml"], "no such file")])
def test_wrong_usage(clinch, args, words):
    done = clinch.bare("probe", *args)
    assert done.code == 2 and words in done.err and not done.out, done


@pytest.mark.parametrize("kind", ["good", "none", "expired"])
def test_the_report_fits_a_terminal_of_80_columns(clinch, shop, certs, tmp_path, kind):
    clinch.once(certs)
    staple = {"good": staple_of(shop), "none": None,
              "expired": staple_of(shop, age_s=10 * 86400, life_s=9 * 86400)}[kind]
    with Stapler(tmp_path / "s", shop, staple) as server:
        code, said = clinch.on_terminal("probe", f"127.0.0.1:{server.port}", "--state",
                                        clinch.state)
    plain = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", said)
    assert code == (0 if kind == "good" else 1) and "shop.test" in plain, said
    assert max(len(line) for line in plain.splitlines()) <= 80, plain


def test_it_changes_nothing(clinch, shop, certs, tmp_path):
    with Stapler(tmp_path / "s", shop, staple_of(shop)) as server:
        assert probe(clinch, server.port)[1] == 0
        assert not clinch.state.exists(), "probe made a state directory"
        assert clinch.once(certs).code == 0
        kept = clinch.staple(certs / "shop.pem").raw
        assert probe(clinch, server.port)[1] == 0
        assert clinch.staple(certs / "shop.pem").raw == kept


def test_a_wildcard_is_seen_under_a_name_of_it(clinch, ca, tmp_path):
    leaf = ca.issue("*.wild.test", url="http://127.0.0.1:1/")
    with Stapler(tmp_path / "s", leaf, staple_of(leaf)) as server:
        seen, code = probe(clinch, server.port, "--servername", "any.wild.test")
    assert code == 0 and seen["certs"][0]["name"] == "*.wild.test", seen


def test_a_revocation_that_the_store_knows_is_told(clinch, shop, responder, certs, tmp_path):
    responder.set("revoked")
    clinch.once(certs)
    with Stapler(tmp_path / "s", shop, staple_of(shop)) as server:
        said, code = text(clinch, server.port)
    assert code == 0 and "it was REVOKED on" in said, said
