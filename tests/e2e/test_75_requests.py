# SPDX-License-Identifier: Apache-2.0
"""What is asked, how and whom: GET and POST, redirects, proxies, addresses, issuers."""

import base64
import re
import urllib.parse

import pytest
from asn1crypto import ocsp
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from lib import answers, pki
from lib.responder import ScriptedResponder


def get_url_size(url, leaf):
    """Octets of the whole GET URL for this certificate (RFC 6960 A.1, RFC 9919)."""
    single = ocsp.Request({"req_cert": answers.certid(leaf)})
    der = ocsp.OCSPRequest({"tbs_request": {"request_list": [single]}}).dump()
    return len(url) + len(urllib.parse.quote(base64.b64encode(der).decode(), safe=""))


def test_request_is_as_the_lightweight_profile_wants_it(clinch, ca, shop, responder, certs):
    clinch.once(certs)
    (asked,) = responder.asked(shop)
    assert asked.method == "GET"
    request = ocsp.OCSPRequest.load(asked.der, strict=True)["tbs_request"]
    assert len(request["request_list"]) == 1
    assert not request["request_extensions"].native, "a nonce would defeat every cache"
    cert_id = request["request_list"][0]["req_cert"]
    assert cert_id["hash_algorithm"]["algorithm"].native == "sha1"
    assert re.fullmatch(r"clinch/\d+\.\d+(\.\d+)?\S*", asked.headers["User-Agent"])
    assert "Cookie" not in asked.headers and "Authorization" not in asked.headers


def test_get_path_is_escaped(clinch, ca, responder, certs):
    """Serial numbers that put "/" and "+" into the base64, and all its paddings."""
    serials = [int.from_bytes(b"\x7f" * size + b"\xff" * 4 + b"\xfb\xef\xbe" * 2, "big")
               for size in range(1, 7)]
    leaves = [ca.issue(f"n{serial}.test"[:40], url=responder.url, serial=serial)
              for serial in serials]
    for number, leaf in enumerate(leaves):
        leaf.write(certs / f"{number}.pem")
    assert clinch.once(certs, "--strict").code == 0
    for leaf in leaves:
        (asked,) = responder.asked(leaf)
        assert asked.method == "GET"
        assert re.fullmatch(r"/[A-Za-z0-9%._~-]+", asked.path), asked.path
        assert len(responder.url) - 1 + len(asked.path) <= 255
    paths = "".join(asked.path.upper() for asked in responder.requests)
    assert "%2F" in paths and "%2B" in paths and "%3D" in paths and "%3D%3D" in paths


def test_long_url_is_asked_by_post(clinch, ca, responder, certs):
    leaf = ca.issue("long.test", url=responder.url + "x" * 150 + "/")
    leaf.write(certs)
    assert clinch.once(certs, "--strict").code == 0
    (asked,) = responder.asked(leaf)
    assert asked.method == "POST"
    assert asked.headers["Content-Type"] == "application/ocsp-request"


def test_the_limit_between_get_and_post_is_255_octets(clinch, ca, responder, certs):
    """Found by trying: one octet more turns GET into POST."""
    base = responder.url
    expected = {}
    for length in range(60, 140, 1):
        leaf = ca.issue(f"n{length}.test", url=base + "x" * length + "/")
        # A URL's own "/" at the end is not doubled.
        size = get_url_size(base + "x" * length + "/", leaf)
        if 253 <= size <= 257:
            leaf.write(certs)
            expected[leaf.name] = (leaf, "GET" if size <= 255 else "POST")
    assert {method for _, method in expected.values()} == {"GET", "POST"}
    assert clinch.once(certs, "--strict").code == 0
    for leaf, method in expected.values():
        assert [asked.method for asked in responder.asked(leaf)] == [method], leaf.name


def test_url_without_slash_at_the_end_gets_one(clinch, ca, responder, certs):
    leaf = ca.issue("bare.test", url=responder.url + "ocsp")
    leaf.write(certs)
    assert clinch.once(certs, "--strict").code == 0
    assert responder.asked(leaf)[0].path.startswith("/ocsp/")


@pytest.mark.parametrize("code", [404, 405, 414, 500])
def test_post_is_tried_when_get_fails(clinch, shop, responder, certs, code):
    responder.set("http", code=code, method="GET")
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    assert [asked.method for asked in responder.asked(shop)] == ["GET", "POST"]


def test_post_is_tried_when_get_is_not_understood(clinch, shop, responder, certs):
    responder.set("malformedRequest", method="GET")
    assert clinch.once(certs, "--strict").code == 0
    assert responder.count(shop, "POST") == 1


def test_redirect_is_followed(clinch, ca, responder, certs):
    with ScriptedResponder(ca) as elsewhere:
        leaf = ca.issue("moved.test", url=responder.url)
        leaf.write(certs)
        responder.set("redirect", to=elsewhere.url, along=True)
        done = clinch.once(certs, "--strict")
        assert done.code == 0, done
        assert elsewhere.count(leaf, "GET") == 1 and responder.count(leaf) == 1


def test_proxy_of_the_configuration_is_used(clinch, ca, responder, certs):
    leaf = ca.issue("far.test", url="http://ocsp.clinch.invalid/path/")
    leaf.write(certs)
    config = clinch.config([certs], proxy=responder.url)
    done = clinch.bare("once", "-c", config, "--strict")
    assert done.code == 0, done
    assert responder.asked(leaf)[0].path.startswith("http://ocsp.clinch.invalid/path/")


def test_proxy_of_the_environment_is_used(clinch, ca, responder, certs):
    leaf = ca.issue("far.test", url="http://ocsp.clinch.invalid/")
    leaf.write(certs)
    done = clinch.once(certs, "--strict", env={"http_proxy": responder.url})
    assert done.code == 0, done
    assert responder.asked(leaf)[0].headers["Host"] == "ocsp.clinch.invalid"


def test_name_that_does_not_resolve_is_told(clinch, ca, certs):
    ca.issue("far.test", url="http://ocsp.clinch.invalid/").write(certs)
    done = clinch.once(certs, "--strict", "--wait", 5)
    assert done.code == 1 and "ocsp.clinch.invalid" in done.err, done


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://localhost:{port}/",
                                 "http://[::ffff:127.0.0.1]:{port}/", "http://0.0.0.0:{port}/"])
def test_loopback_is_refused_unless_allowed(clinch, ca, responder, certs, url):
    leaf = ca.issue("local.test", url=url.format(port=responder.port))
    leaf.write(certs)
    done = clinch.command("once", certs, "--strict")
    assert done.code == 1, done
    assert responder.count() == 0
    assert done.lines_about("local.test") and "loopback" in done.err, done


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://0.0.0.0:1/",
                                 "http://224.0.0.1/", "http://[fe80::1]/"])
def test_forbidden_addresses_stay_forbidden(clinch, ca, certs, url):
    ca.issue("meta.test", url=url).write(certs)
    done = clinch.once(certs, "--strict")
    assert done.code == 1 and done.seconds < 4, done
    assert done.lines_about("meta.test"), done


def test_url_of_another_scheme_is_no_ocsp_url(clinch, ca, certs):
    leaf = ca.issue("ldap.test", url="ldap://127.0.0.1/cn=x")
    leaf.write(certs)
    done = clinch.once(certs, "--strict")
    assert done.code == 0 and clinch.state_of(leaf) == "no-url", done


# Issuers.


def test_issuer_comes_from_a_file_or_folder_of_the_command_line(clinch, ca, ecdsa_ca, responder,
                                                                certs, tmp_path):
    leaf = ca.issue("lone.test", url=responder.url)
    leaf.write(certs, chain=False)
    done = clinch.once(certs, "--strict", "--issuer", ca.write(tmp_path / "ca.pem"))
    assert done.code == 0, done
    authorities = tmp_path / "authorities"
    authorities.mkdir()
    ca.write(authorities / "one.pem")
    ecdsa_ca.write(authorities / "two.pem")
    clinch.state = tmp_path / "other-state"
    done = clinch.once(certs, "--strict", "--issuer", authorities)
    assert done.code == 0, done


def test_issuer_comes_from_the_configuration(clinch, ca, responder, certs, tmp_path):
    ca.issue("lone.test", url=responder.url).write(certs, chain=False)
    config = clinch.config([certs], issuers=[ca.write(tmp_path / "ca.pem")])
    assert clinch.bare("once", "-c", config, "--strict").code == 0


def test_issuer_that_is_nowhere_is_told_with_what_to_do(clinch, ca, responder, certs):
    leaf = ca.issue("lone.test", url=responder.url)
    leaf.write(certs, chain=False)
    done = clinch.once(certs)
    assert clinch.state_of(leaf) == "no-issuer", done
    (line,) = done.lines_about("lone.test")
    assert "issuer not found" in line and ("--issuer" in line or "issuers" in line), line
    assert clinch.once(certs, "--strict").code == 1


@pytest.mark.parametrize("form", ["der", "pkcs7"])
def test_issuer_comes_from_ca_issuers_once_and_is_kept(clinch, ca, responder, certs, form):
    body = (pki.der(ca.cert) if form == "der" else
            pkcs7.serialize_certificates([ca.cert], Encoding.DER))
    url = responder.serve("/ca.cer", body)
    leaves = [ca.issue(f"aia{number}.test", url=responder.url, ca_issuers=url)
              for number in range(5)]
    for leaf in leaves:
        leaf.write(certs, chain=False)
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    assert responder.count(rule="file") == 1
    aia0 = certs / "aia0.pem"
    assert clinch.staple(aia0).code == 0 and url in clinch.command("explain", aia0).out
    more = ca.issue("aia9.test", url=responder.url, ca_issuers=url)
    more.write(certs, chain=False)
    done = clinch.once(certs, "--strict")
    assert done.code == 0 and clinch.state_of(more) == "held", done
    assert responder.count(rule="file") == 1


@pytest.mark.parametrize("body", ["impostor", "leaf", "junk", "huge"])
def test_ca_issuers_that_is_no_issuer_is_refused(clinch, ca, responder, certs, body):
    impostor = pki.Authority("clinch test impostor")
    impostor.name = ca.name
    bodies = {"impostor": pki.der(impostor._own_certificate()),  # pylint: disable=W0212
              "leaf": ca.issue(ca.name).der, "junk": b"\x30\x03junk", "huge": bytes(100_000)}
    url = responder.serve("/ca.cer", bodies[body])
    leaf = ca.issue("aia.test", url=responder.url, ca_issuers=url)
    leaf.write(certs, chain=False)
    done = clinch.once(certs, "--strict")
    assert done.code == 1 and clinch.state_of(leaf) == "no-issuer", done
    assert done.lines_about("aia.test"), done
    assert responder.count(leaf) == 0


def test_ca_issuers_on_loopback_is_refused_unless_allowed(clinch, ca, responder, certs):
    url = responder.serve("/ca.cer", pki.der(ca.cert))
    ca.issue("aia.test", url=responder.url, ca_issuers=url).write(certs, chain=False)
    done = clinch.command("once", certs, "--strict")
    assert done.code == 1 and responder.count() == 0, done


def test_loopback_responder_is_reached_over_both_families(clinch, ca, responder, certs):
    """localhost may mean ::1 first, where nobody listens."""
    leaf = ca.issue("local.test", url=f"http://localhost:{responder.port}/")
    leaf.write(certs)
    done = clinch.once(certs, "--strict")
    assert done.code == 0 and responder.count(leaf) == 1, done


def test_https_responder_with_an_unknown_certificate_is_told(clinch, ca, certs, front, shop):
    nginx, _ = front.nginx(shop)
    leaf = ca.issue("tls.test", url=f"https://127.0.0.1:{nginx.port}/")
    leaf.write(certs / "tls.pem")
    done = clinch.once(certs / "tls.pem", "--strict")
    assert done.code == 1 and "TLS" in "\n".join(done.lines_about("tls.test")), done
