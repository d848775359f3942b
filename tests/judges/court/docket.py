# SPDX-License-Identifier: Apache-2.0
"""The cases: what is stapled. One row of docs/clients.md each.

`make(leaf, now)` gives the octets, or None for no staple. Cases of `both` are tried with a
must-staple leaf, too; `raw` ones cannot come from nginx, which reads the file and writes it anew.
"""

from dataclasses import dataclass, replace
from functools import partial

from cryptography.x509.oid import ExtendedKeyUsageOID

from . import mint, odd
from .mint import DAY, HOUR, Answer, Single, extension
from .people import ANY_EKU

MINUTE = 60
NO_CERTIFICATE = mint.seq(mint.NULL)


@dataclass(frozen=True)
class Case:
    name: str
    make: object
    both: bool = False      # also with a must-staple leaf
    raw: bool = False       # octets that nginx would not staple as they are
    tls: str = "both"       # "1.2": only that version
    leaf: str = "usual"     # usual, p256, named, root, root-sent
    hurry: bool = False     # its times are over in minutes: the quick clients see it first
    # What the table cannot know, being told of a leaf, its issuer and an answer alone: client ->
    # does it accept? The reason stands at the case.
    beyond: tuple = ()


def _answer(name, answer, **more):
    return Case(name, partial(mint.build, answer), **more)


def _single(name, **fields):
    more = {key: fields.pop(key) for key in ("both", "tls", "hurry") if key in fields}
    return _answer(name, Answer(singles=(Single(**fields),)), **more)


def _error(name, both=True):
    return Case(name, lambda leaf, now: mint.error(name), both)


def _plain(people):
    return [
        Case("none", lambda leaf, now: None, both=True),
        _answer("good", Answer(), both=True),
        _answer("good, responder by name", Answer(responder="name")),
        _answer("good, P-256 CA", Answer(), leaf="p256"),
        _answer("good, TLS 1.2", Answer(), tls="1.2"),
        _single("revoked", status="revoked", both=True),
        _single("revoked, TLS 1.2", status="revoked", tls="1.2"),
        _single("revoked, CRLReason 7", status="revoked", reason=7),
        _answer("revoked as never issued (certificateHold, 1970)", Answer(
            singles=(Single("revoked", reason=6, revoked=b"19700101000000Z"),),
            extensions=(extension("extended-revoke"),))),
        _single("unknown", status="unknown", both=True),
        _error("tryLater"), _error("unauthorized"), _error("internalError"),
        _error("malformedRequest", False), _error("sigRequired", False),
        _error("status 4", False), _error("status 7", False),
        Case("tryLater with a whole answer", lambda leaf, now: mint.build(
            Answer(status=3), leaf, now), raw=True)]


def _roots(people):
    """Leaves that the root itself issued: clients have it, and need not be sent it."""
    root, delegate = people.root.cert, people.delegate(issuer=people.root)
    return [
        _answer("root-issued leaf, root not sent", Answer(), leaf="root"),
        _answer("root-issued leaf, root not sent, by name", Answer(responder="name"), leaf="root"),
        # What clinch makes of the two.
        _answer("root-issued leaf, root embedded, not sent", Answer(embed=(root,)), leaf="root"),
        _answer("root-issued leaf, root embedded, not sent, by name",
                Answer(responder="name", embed=(root,)), leaf="root"),
        _answer("root-issued leaf, root sent", Answer(), leaf="root-sent"),
        _answer("root-issued leaf, root sent and embedded", Answer(embed=(root,)),
                leaf="root-sent"),
        _answer("root-issued leaf, root not sent, delegate", Answer(signer=delegate), leaf="root")]


def _times():
    return [
        _single("expired 1 h ago", age_s=25 * HOUR, life_s=DAY, both=True),
        _single("expired 2 d ago", age_s=5 * DAY, life_s=3 * DAY, both=True),
        _single("lifetime of 5 min", age_s=0, life_s=5 * MINUTE, hurry=True),
        _single("no nextUpdate, 5 min old", age_s=5 * MINUTE, life_s=None, hurry=True),
        _single("no nextUpdate, 2 h old", age_s=2 * HOUR, life_s=None),
        _single("no nextUpdate, 3 d old", age_s=3 * DAY, life_s=None),
        _single("no nextUpdate, 16 d old", age_s=16 * DAY, life_s=None),
        _single("thisUpdate in 3 min", age_s=-3 * MINUTE),
        _single("thisUpdate in 10 min", age_s=-10 * MINUTE, hurry=True),
        _single("thisUpdate in 30 min", age_s=-30 * MINUTE),
        _single("thisUpdate in 4 h", age_s=-4 * HOUR),
        _single("thisUpdate in 2 d", age_s=-2 * DAY),
        _single("9 d old, valid 20 d", age_s=9 * DAY, life_s=20 * DAY),
        _single("10.5 d old, valid 20 d", age_s=10.5 * DAY, life_s=20 * DAY),
        _single("13 d old, valid 20 d", age_s=13 * DAY, life_s=20 * DAY),
        _single("nextUpdate before thisUpdate", age_s=HOUR, life_s=-HOUR),
        _answer("producedAt after nextUpdate", Answer(
            singles=(Single(age_s=HOUR, life_s=2 * HOUR),), produced_age_s=-2 * HOUR)),
        _answer("producedAt before thisUpdate", Answer(produced_age_s=3 * DAY)),
        _answer("producedAt before the leaf's notBefore", Answer(
            produced_age_s=35 * DAY)),
        _single("fractions of seconds", time_form="%Y%m%d%H%M%S.5Z"),
        _single("time without seconds", time_form="%Y%m%d%H%MZ")]


def _timestamps(value=mint.octets(bytes((0, 6, 0, 4, 1, 2, 3, 4))), critical=False):
    """SignedCertificateTimestampList, of one."""
    return extension("sct-list", value, critical)


def _identity():
    first = Single()
    other = Single(serial_off=1)
    return [
        _single("wrong serial", serial_off=1, both=True),
        _single("wrong name hash", wrong="name"),
        _single("wrong key hash", wrong="key"),
        _single("SHA-256 CertID", hash_name="sha256"),
        _answer("SHA-256 then SHA-1 CertID", Answer(singles=(Single(hash_name="sha256"), first))),
        _answer("SHA-1 then SHA-256 CertID", Answer(singles=(first, Single(hash_name="sha256")))),
        _answer("ours first, then another's", Answer(singles=(first, other))),
        _answer("another's first, then ours", Answer(singles=(other, first))),
        _answer("20 singles, ours last", Answer(
            singles=tuple(Single(serial_off=n) for n in range(19, -1, -1)))),
        _answer("another's expired first, then ours", Answer(
            singles=(Single(serial_off=1, age_s=3 * DAY, life_s=DAY), first))),
        _answer("ours first, then another's expired", Answer(
            singles=(first, Single(serial_off=1, age_s=3 * DAY, life_s=DAY)))),
        _answer("ours first, then another's with MD5", Answer(
            singles=(first, Single(serial_off=1, hash_name="md5")))),
        _answer("150 singles, ours first", Answer(
            singles=tuple(Single(serial_off=n) for n in range(150)))),
        _answer("ours first, then expired", Answer(
            singles=(first, Single(age_s=5 * DAY, life_s=3 * DAY)))),
        _answer("ours first, then expired with SHA-256", Answer(
            singles=(first, Single(hash_name="sha256", age_s=5 * DAY, life_s=3 * DAY)))),
        _answer("expired with SHA-256 first, then ours", Answer(
            singles=(Single(hash_name="sha256", age_s=5 * DAY, life_s=3 * DAY), first))),
        _answer("ours first, then another's revoked", Answer(
            singles=(first, Single("revoked", serial_off=1)))),
        _answer("good then revoked", Answer(singles=(first, Single("revoked")))),
        _answer("revoked then good", Answer(singles=(Single("revoked"), first))),
        _answer("good then unknown", Answer(singles=(first, Single("unknown")))),
        _answer("no single at all", Answer(singles=())),
        _answer("critical single extension", Answer(singles=(Single(
            extensions=(extension("unheard-of", critical=True),)),))),
        _answer("another's critical single extension", Answer(singles=(first, Single(
            serial_off=1, extensions=(extension("unheard-of", critical=True),))))),
        _answer("critical response extension", Answer(
            extensions=(extension("unheard-of", critical=True),))),
        _single("list of timestamps", extensions=(_timestamps(),)),
        _single("list of timestamps without value", extensions=(_timestamps(b""),)),
        _single("list of timestamps, empty", extensions=(_timestamps(mint.octets(b"\0\0")),)),
        _single("list of timestamps, of no octets", extensions=(_timestamps(mint.octets(b"")),)),
        _single("list of timestamps, twice", extensions=(_timestamps(), _timestamps())),
        _single("list of timestamps, critical", extensions=(_timestamps(critical=True),)),
        _answer("list of timestamps in SHA-1 and SHA-256", Answer(singles=(
            Single(extensions=(_timestamps(),)),
            Single(hash_name="sha256", extensions=(_timestamps(),))))),
        _answer("extension whose OID is a UUID", Answer(extensions=(extension("uuid"),))),
        _answer("single extension whose OID is a UUID", Answer(
            singles=(Single(extensions=(extension("uuid"),)),))),
        _answer("nonce", Answer(extensions=(extension("nonce", mint.octets(bytes(16))),))),
        _answer("responder is nobody", Answer(responder="nobody"))]


def _unused_bits(leaf, now):
    """Some drop the last bit, others clear it: it is a 1, so that both see another signature."""
    for produced_age_s in range(HOUR, 0, -1):
        plain = Answer(produced_age_s=produced_age_s)
        if mint.build(plain, leaf, now)[-1] & 1:
            return mint.build(replace(plain, unused_bits=1), leaf, now)
    raise ValueError("no signature ends with a 1")


def _signatures(people):
    ca, noise = people.ca.cert, people.noise()
    return [
        _answer("bad signature", Answer(bad_signature=True), both=True),
        Case("signature with unused bits", _unused_bits),
        _answer("SHA-1 signature", Answer(algorithm="rsa-sha1")),
        _answer("signature of an unknown algorithm", Answer(algorithm="unheard-of")),
        _answer("SHA-224 signature", Answer(algorithm="rsa-sha224")),
        _answer("ECDSA signature with NULL", Answer(algorithm="ecdsa with NULL"), leaf="p256"),
        _answer("RSA-PSS signature", Answer(algorithm="rsa-pss")),
        _answer("RSA-PSS signature, SHA-384", Answer(algorithm="rsa-pss, sha384")),
        _answer("RSA-PSS signature, salt of 20", Answer(algorithm="rsa-pss, salt 20")),
        _answer("RSA-PSS signature, trailer written out", Answer(algorithm="rsa-pss, trailer")),
        _answer("CA embeds itself", Answer(embed=(ca,))),
        _answer("8 embedded certificates", Answer(embed=(noise,) * 8)),
        _answer("embedded is no certificate", Answer(embed=(NO_CERTIFICATE,))),
        _answer("9 embedded certificates", Answer(embed=(noise,) * 9)),
        _answer("signed by a stranger", Answer(signer=people.stranger)),
        # GnuTLS takes whoever stands below a root it trusts.
        _answer("signed by the root", Answer(signer=people.root),
                beyond=(("gnutls", True), ("rhel", True))),
        Case("signed by the leaf itself", lambda leaf, now: mint.build(
            Answer(signer=leaf), leaf, now))]


def _delegates(people):
    usual = people.delegate()
    noise = people.noise()

    def by(name, delegate, **fields):
        return _answer(f"delegate: {name}", Answer(signer=delegate, **fields))

    def of_named(name, delegate):
        return replace(by(name, delegate), leaf="named")

    ocsp = ExtendedKeyUsageOID.OCSP_SIGNING
    return [
        by("usual", usual), by("by name", usual, responder="name"),
        by("P-256", people.delegate("p256")),
        by("second after noise", usual, embed=(noise, usual.cert)),
        by("first, then the CA", usual, embed=(usual.cert, people.ca.cert)),
        by("second after no certificate", usual, embed=(NO_CERTIFICATE, usual.cert)),
        by("second of its key", usual, embed=(odd.twin(usual, people.ca), usual.cert)),
        by("first, then one of its key", usual, embed=(usual.cert, odd.twin(usual, people.ca))),
        # The newer one: of two of a name NSS takes that, wherever it stands.
        by("second of its name, by name", usual, responder="name",
           embed=(people.delegate(start=people.now(-1)).cert, usual.cert)),
        by("first, then no certificate", usual, embed=(usual.cert, NO_CERTIFICATE)),
        by("not embedded", usual, embed=()),
        by("without nocheck", people.delegate(nocheck=False)),
        by("expired before it signed", people.delegate(end=people.now(-1))),
        by("expired after it signed", people.delegate(end=people.now(-0.02))),
        by("not yet valid", people.delegate(start=people.now(2))),
        by("CA true", people.delegate(ca=True)),
        by("no EKU", people.delegate(usages=())),
        by("anyExtendedKeyUsage", people.delegate(usages=(ANY_EKU,))),
        by("server EKU", people.delegate(usages=(ExtendedKeyUsageOID.SERVER_AUTH,))),
        by("server and OCSP EKU", people.delegate(usages=(ExtendedKeyUsageOID.SERVER_AUTH, ocsp))),
        by("RSA-1024", people.delegate("rsa-1024")),
        by("P-384", people.delegate("p384")),
        by("secp256k1", people.delegate("secp256k1")),
        by("Ed25519", people.delegate("ed25519")),
        by("its certificate signed with SHA-1", people.delegate(sha1=True)),
        by("unknown critical extension", people.delegate(more=[odd.UNKNOWN_CRITICAL])),
        by("curve written out", people.delegate("p256", change=odd.curve_written_out)),
        # By name: the key's hash is of other bits.
        by("point compressed", people.delegate("p256", change=odd.POINT_COMPRESSED),
           responder="name"),
        by("point hybrid", people.delegate("p256", change=odd.POINT_HYBRID), responder="name"),
        by("modulus negative", people.delegate(change=odd.MODULUS_NEGATIVE), responder="name"),
        by("modulus with an octet too many", people.delegate(change=odd.MODULUS_LONG),
           responder="name"),
        by("of version 2", people.delegate(change=odd.as_version_2)),
        by("one extension twice", people.delegate(more=[odd.UNKNOWN],
                                                  change=odd.extension_twice)),
        by("issuerAltName is junk", people.delegate(more=[odd.ISSUER_ALT_NAME])),
        by("proxy certificate", people.delegate(more=[odd.PROXY])),
        by("addresses that the CA has not", people.delegate(more=[odd.ADDRESSES])),
        by("keyUsage with unused bits", people.delegate(more=[odd.USAGE_PADDED])),
        by("dNSName without octets", people.delegate(more=[odd.NO_DNS_NAME])),
        by("without name", people.delegate(change=odd.without_name)),
        by("valid since 1969", people.delegate(change=odd.born_1969)),
        by("keyUsage keyEncipherment", people.delegate(more=[odd.KEY_ENCIPHERMENT])),
        by("critical policies", people.delegate(more=[odd.POLICIES])),
        of_named("names allowed", people.delegate(issuer=people.named_ca)),
        of_named("subjectAltName not allowed", people.delegate(issuer=people.named_ca,
                                                               more=[odd.OUTSIDE])),
        of_named("common name not allowed", people.delegate(issuer=people.named_ca,
                                                            name="ocsp.example")),
        # Likewise.
        replace(by("issued by the root", people.delegate(issuer=people.root)),
                beyond=(("gnutls", True), ("rhel", True))),
        by("issued by a stranger of the CA's name", people.delegate(by=people.stranger)),
        by("has the CA's name, by name", people.delegate(name=people.ca.name), responder="name"),
        by("has the CA's name in capitals, by name", people.delegate(name=people.ca.name.upper()),
           responder="name"),
        by("has the CA's name in capitals", people.delegate(name=people.ca.name.upper()))]


def _forms():
    def raw(name, change):
        return Case(name, lambda leaf, now: change(mint.build(Answer(), leaf, now)), raw=True)

    return [
        raw("trailing newline", lambda der: der + b"\n"),
        raw("truncated", lambda der: der[:len(der) // 2]),
        raw("junk", lambda der: b"this is no answer"),
        raw("one octet", lambda der: b"0"),
        raw("non-minimal length", lambda der: b"\x30\x83\x00" + der[2:]),
        _answer("trailing octet inside", Answer(inside=lambda basic: basic + b"\x00")),
        _answer("explicit version 1", Answer(version=mint.tlv(0xA0, mint.integer(0)))),
        _answer("version 2", Answer(version=mint.tlv(0xA0, mint.integer(1)))),
        _answer("unknown response type", Answer(response_type="unheard-of")),
        _answer("16,380 octets, TLS 1.2", Answer(size=16380), tls="1.2"),
        _answer("16,381 octets, TLS 1.2", Answer(size=16381), tls="1.2"),
        _answer("33,500 octets, TLS 1.2", Answer(size=33500), tls="1.2"),
        # The limit is TLS 1.2's.
        _answer("16,381 octets, TLS 1.3", Answer(size=16381), tls="1.3",
                beyond=(("curl", True),))]


def cases(people):
    """All of them, in the order of the table."""
    return (_plain(people) + _roots(people) + _times() + _identity() + _signatures(people)
            + _delegates(people) + _forms())
