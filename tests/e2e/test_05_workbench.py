# SPDX-License-Identifier: Apache-2.0
"""What the other plays stand on: the PKI, the responders, the servers. No clinch here."""

import socket
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from lib import answers, clients
from lib.process import accepts, listens_at, wait_for
from lib.responder import LOCALHOST, ScriptedResponder
from lib.rules import RULES


def run(*argv):
    return subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, timeout=15,
                          check=False, stdin=subprocess.DEVNULL)


def ask(folder, ca, leaf, url):
    """`openssl ocsp` about one certificate: its words."""
    authority, path = ca.write(folder / "ca.pem"), leaf.write(folder / "leaf.pem")
    done = run("openssl", "ocsp", "-issuer", authority, "-CAfile", authority, "-cert", path,
               "-url", url, "-no_nonce", "-timeout", 5)
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_openssl_verifies_the_certificates(ca, tmp_path, kind):
    leaf = ca.issue("check.test", kind, url="http://127.0.0.1:1/", must_staple=True)
    path, authority = leaf.write(tmp_path / "leaf.pem"), ca.write(tmp_path / "ca.pem")
    done = run("openssl", "verify", "-CAfile", authority, path)
    assert done.returncode == 0, done
    extensions = x509.load_pem_x509_certificate(path.read_bytes()).extensions
    assert extensions.get_extension_for_class(x509.TLSFeature)


def test_real_responder_knows_good_revoked_and_unknown(ca, real_responder, tmp_path):
    leaf, gone, stranger = (ca.issue(f"{name}.test", url=real_responder.url)
                            for name in ("good", "gone", "stranger"))
    real_responder.know([leaf], [gone])
    for one, word in ((leaf, "good"), (gone, "revoked"), (stranger, "unknown")):
        words = ask(tmp_path, ca, one, real_responder.url)
        assert f"leaf.pem: {word}" in words and "Response verify OK" in words, words
    real_responder.know([], [leaf, gone])
    assert "revoked" in ask(tmp_path, ca, leaf, real_responder.url)


@pytest.mark.parametrize("rule, options, word", [
    ("good", {}, "good"), ("revoked", {}, "revoked"), ("unknown", {}, "unknown"),
    ("good", {"by_key": False}, "good"), ("good", {"embed_issuer": True}, "good"),
    ("bad-signature", {}, "Response Verify Failure"), ("expired", {}, "expired"),
    ("future", {}, "not yet valid"), ("tryLater", {}, "trylater"), ("other", {}, "No Status"),
    ("http", {"code": 503}, "503")])
def test_scripted_responder_does_what_it_is_told(ca, responder, tmp_path, rule, options, word):
    leaf = ca.issue("shop.test", url=responder.url)
    responder.set(rule, **options)
    words = ask(tmp_path, ca, leaf, responder.url)
    assert word in words, words
    assert responder.count(leaf, "POST", rule) == 1


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_does_something(ca, responder, capfd, rule):
    leaf = ca.issue("shop.test", url=responder.url)
    request = answers.ocsp.OCSPRequest({"tbs_request": {"request_list": [
        {"req_cert": answers.certid(leaf)}]}}).dump()
    responder.set(rule)
    with socket.create_connection(("127.0.0.1", responder.port), timeout=5) as asker:
        asker.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(request)
                      + request)
        if rule != "hang":
            assert asker.recv(65536) if rule != "drop" else not asker.recv(65536)
        wait_for(lambda: responder.count(leaf, "POST", rule) == 1, what="the request")
    responder.stop()
    assert "Traceback" not in capfd.readouterr().err


def test_an_address_can_refuse_or_be_silent(ca):
    hosts = LOCALHOST if listens_at(*LOCALHOST) else LOCALHOST[:1]
    with ScriptedResponder(ca, hosts=hosts) as several:
        first, *others = hosts
        assert all(accepts(several.port, host) for host in hosts)
        several.stop(first)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((first, several.port), timeout=1)
        several.mute(first)
        with pytest.raises(TimeoutError):
            socket.create_connection((first, several.port), timeout=1)
        assert all(accepts(several.port, host) for host in others)
        several.start()
        assert accepts(several.port, first)


def test_responder_is_a_program_too(ca, tmp_path):
    program = Path(__file__).with_name("responder.py")
    help_text = run(program, "--help").stdout
    assert all(f"\n  {rule} " in help_text for rule in RULES), help_text
    leaf = ca.issue("shop.test")
    with subprocess.Popen(
            [program, "--ca", ca.write(tmp_path / "ca.pem"), "--key",
             ca.write_key(tmp_path / "ca.key"), "http-503"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert "503" in ask(tmp_path, ca, leaf, url)
        for line, word in (("set unknown age_s=60", "unknown"), ("clear", "good"),
                           ("set tryLater times=1", "trylater"), ("", "good")):
            process.stdin.write(f"{line}\ncount\n")
            process.stdin.flush()
            process.stdout.readline()
            assert word in ask(tmp_path, ca, leaf, url)
        out, _ = process.communicate("count\nset nonsense\nset good age_s\nfly\nquit\n", 10)
    said = out.splitlines()
    assert said[0] == "5 good=2 http-503=1 tryLater=1 unknown=1"
    assert all(line.startswith("responder: ") for line in said[1:]) and len(said) == 4, said


def test_delegate_is_accepted_by_openssl(ca, responder, tmp_path):
    leaf = ca.issue("shop.test", url=responder.url)
    responder.set("good", signer=ca.delegate())
    assert "Response verify OK" in ask(tmp_path, ca, leaf, responder.url)
    responder.set("good", signer=ca.delegate("no EKU", eku=False))
    assert "Response Verify Failure" in ask(tmp_path, ca, leaf, responder.url)


def test_nginx_staples_a_file_and_haproxy_too(ca, front, tmp_path):
    leaf = ca.issue("shop.test")
    staple = answers.build(answers.certid(leaf), ca)
    pem = leaf.write(tmp_path / "shop.pem", key=True)
    (tmp_path / "shop.pem.ocsp").write_bytes(staple)
    nginx, snippets = front.nginx(leaf)
    haproxy = front.haproxy(pem)
    assert clients.look(haproxy.port, "shop.test").status == "good"
    assert not clients.look(nginx.port, "shop.test").stapled
    (snippets / "shop.ocsp").write_bytes(staple)
    (snippets / "shop.conf").write_text("ssl_stapling on;\nssl_stapling_file "
                                        f"{snippets}/shop.ocsp;\n", encoding="ascii")
    done = subprocess.run(nginx.command(), shell=True, capture_output=True, check=False,
                          timeout=15)
    assert done.returncode == 0, done
    wait_for(lambda: nginx.reloads() == 1, what="the reload")
    clients.see_staple(nginx.port, "shop.test", 5)
    assert nginx.test()[0] == 0 and haproxy.check()[0] == 0
