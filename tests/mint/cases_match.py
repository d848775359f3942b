# SPDX-License-Identifier: Apache-2.0
"""Rules 14 to 18: is the answer about this certificate, and what does it say of it."""

import hashlib

from . import cert, der, world
from .answer import (CERTIFICATE_HOLD, DAY_S, EXTENDED_REVOKE, HOUR_S, KEY_COMPROMISE, NOW_S,
                     Answer, Single)
from .vector import Group, clients, measured
from .world import good

certid, singles, status = (Group(name) for name in ("certid", "singles", "cert-status"))
OTHER = 0x1234567890ABCDF0


def answer_of(*listed, signer=None, **changes):
    """The CA's answer with several SingleResponses."""
    signer = signer or world.ca()
    if signer is not world.ca():
        changes.setdefault("certs", (signer.der,))
    return Answer(tuple(listed), signer, **changes)


def other(number=0, **changes):
    """A single about another certificate of the same CA."""
    return Single(world.leaf(serial=OTHER + number), **changes)


def ours(**changes):
    return Single(world.leaf(), **changes)


def mint_certid():
    certid.take("sha1", "CertID with SHA-1.", good(), (14, 15), clients=measured("AAAAA", "AAA"))
    certid.take("sha1-no-null", "CertID with SHA-1, the algorithm without parameters.",
                good(hash_null=False), 14)
    certid.refuse("sha256-only", "CertID with SHA-256, none with SHA-1.", good(hash="sha256"), 14,
                  "no-matching-response", clients=measured("AARRR", "ARA"))
    for audience in ("rfc6960", "browsers"):
        certid.take(f"sha256-only-{audience}",
                    f"CertID with SHA-256, none with SHA-1, for the audience {audience}.",
                    good(hash="sha256"), 14, audience=audience)
    certid.refuse("sha256-only-java", "CertID with SHA-256, none with SHA-1, for Java.",
                  good(hash="sha256"), 14, "no-matching-response", audience="java",
                  clients=clients("fails", "java"))
    staple = world.leaf(features=(5,))
    certid.take("sha256-only-must-staple", "CertID with SHA-256, none with SHA-1, for a "
                "must-staple leaf: Firefox and GnuTLS accept it and would fail without a staple.",
                good(staple, hash="sha256"), 14, leaf=staple, clients=measured("AARRR", "ARA"))
    for name in ("sha384", "sha512"):
        certid.take(f"{name}-only-rfc6960", f"CertID with {name.upper()}, for rfc6960.",
                    good(hash=name), 14, audience="rfc6960")
    certid.refuse("md5-only", "CertID with MD5, which nobody looks for.", good(hash="md5"), 14,
                  "no-matching-response")
    certid.take("both-hashes", "Two singles, SHA-1 first, then SHA-256.",
                answer_of(ours(), ours(hash="sha256")), (14, 16), clients=measured("AAAAA", "AAA"))
    certid.take("both-hashes-sha256-first", "Two singles, SHA-256 first, then SHA-1.",
                answer_of(ours(hash="sha256"), ours()), (14, 16), clients=measured("AAAAA", "AAA"))
    by = world.delegate()
    certid.refuse("both-hashes-delegated", "Two singles, SHA-1 first, then SHA-256, by a delegate: "
                  "LibreSSL wants one issuer hash.",
                  answer_of(ours(), ours(hash="sha256"), signer=by), (14, 17),
                  "unauthorized-signer", clients=clients("fails", "libressl"))
    certid.refuse("wrong-serial", "Another serial number.", good(serial=der.integer(OTHER)), 15,
                  "wrong-serial", clients=measured("RRRRR", "ARA"))
    certid.refuse("serial-one-octet-more", "The serial number with another octet behind it.",
                  good(serial=der.integer(world.leaf().serial << 8)), 15, "wrong-serial")
    certid.refuse("serial-leading-zero", "The right serial number with a zero octet before it, "
                  "which DER forbids.",
                  good(serial=der.tlv(2, b"\0" + world.leaf().serial.to_bytes(8, "big"))), 1,
                  "malformed")
    wrong = hashlib.sha1(b"another").digest()
    certid.refuse("wrong-key-hash", "issuerKeyHash of another key.", good(key_hash=wrong), 15,
                  "wrong-issuer", clients=measured("RARRR", "ARA"))
    certid.refuse("wrong-name-hash", "issuerNameHash of another name.", good(name_hash=wrong), 15,
                  "wrong-issuer", clients=measured("RRRRR", "ARA"))
    certid.refuse("wrong-all", "Another certificate of another issuer.",
                  good(name_hash=wrong, key_hash=wrong, serial=der.integer(OTHER)), 15,
                  "no-matching-response")
    for name, kind in (("sibling-issuer", "sibling"), ("other-issuer", "rsa")):
        theirs = world.leaf(kind, world.leaf().serial)
        certid.refuse(name, "A good answer of another issuer about its certificate of the same "
                      f"serial number, judged with that issuer ({kind}).", good(theirs), (15, 31),
                      "wrong-issuer", issuer=world.ca(kind))
    certid.refuse("key-hash-of-spki", "issuerKeyHash over the whole SubjectPublicKeyInfo.",
                  good(key_hash=hashlib.sha1(world.ca().key.spki).digest()), 15, "wrong-issuer")
    certid.refuse("short-hash", "Hashes of 16 octets that call themselves SHA-1.",
                  good(key_hash=wrong[:16], name_hash=wrong[:16]), 15, "malformed")
    for name, serial in (("negative-serial", -5), ("high-bit-serial", 0xFEDCBA9876543210),
                         ("serial-20-octets", (0x7F << 152) + 1), ("serial-one", 1)):
        about = world.leaf(serial=serial)
        certid.take(name, f"A leaf whose serial number is {serial}.", good(about), 15, leaf=about)


def mint_singles():
    twenty = [other(number) for number in range(19)]
    stale = {"this_s": NOW_S - 8 * DAY_S, "next_s": NOW_S - DAY_S}
    singles.take("one", "One single, ours.", good(), (16, 17))
    singles.take("twenty-ours-first", "Twenty singles, ours first.", answer_of(ours(), *twenty),
                 (16, 17), clients=measured("AAAAA", "AAA"))
    singles.refuse("twenty-ours-last", "Twenty singles, ours last: GnuTLS looks at the first only.",
                   answer_of(*twenty, ours()), 16, "no-matching-response",
                   clients=measured("ARAAA", "AAA"))
    singles.take("twenty-ours-last-browsers", "Twenty singles, ours last, for browsers.",
                 answer_of(*twenty, ours()), 16, audience="browsers")
    singles.take("twenty-ours-last-rfc6960", "Twenty singles, ours last, for rfc6960.",
                 answer_of(*twenty, ours()), 16, audience="rfc6960")
    singles.take("ours-then-other", "Ours first, then a good one of another certificate.",
                 answer_of(ours(), other()), (16, 17), clients=measured("AAAAA", "AAA"))
    singles.refuse("other-expired-first", "Another certificate's expired single first, then ours.",
                   answer_of(other(**stale), ours()), (16, 17), "no-matching-response",
                   also=("expired",), clients=measured("ARRAA", "ARA"))
    singles.refuse("other-expired-second", "Ours first, then another certificate's expired single: "
                   "Java and s2n want all in date.", answer_of(ours(), other(**stale)), 17,
                   "expired", clients=clients("fails", "java"))
    singles.take("other-expired-second-rfc6960",
                 "Ours first, then another certificate's expired single, for rfc6960.",
                 answer_of(ours(), other(**stale)), 17, audience="rfc6960")
    singles.refuse("other-revoked-second", "Ours first, then another certificate that is revoked: "
                   "s2n wants all good.", answer_of(ours(), other(status="revoked")), 17,
                   "conflicting-responses", clients=clients("fails", "s2n"))
    critical = (cert.extension(cert.UNKNOWN, der.NULL, True),)
    singles.refuse("other-critical-second", "Ours first, then another certificate's single with a "
                   "critical extension.", answer_of(ours(), other(extensions=critical)), (17, 27),
                   "critical-extension")
    singles.refuse("other-malformed-second", "Ours first, then one whose hashes are too short.",
                   answer_of(ours(), other(key_hash=b"short")), 17, "malformed")
    foreign = Single(world.leaf("rsa", OTHER))
    singles.refuse("other-issuer-second", "Ours first, then a certificate of another issuer: "
                   "OpenSSL and s2n want one issuer.", answer_of(ours(), foreign), 17,
                   "unauthorized-signer", clients=clients("fails", "openssl s2n"))
    singles.refuse("other-issuer-second-rfc6960", "The same for rfc6960: one signer may not speak "
                   "for two issuers.", answer_of(ours(), foreign), 17, "unauthorized-signer",
                   audience="rfc6960")
    rare = {"clients": {**measured("AAAAA", "AAA"), "chromium": "ignores"}}
    for digest in ("md5", "sha224"):
        title = "MD5" if digest == "md5" else "SHA-224"
        singles.take(f"other-{digest}-second", f"Ours first, then another certificate of the same "
                     f"issuer with {title}.", answer_of(ours(), other(hash=digest)), (14, 17),
                     warns="hash", **rare)
        singles.refuse(f"other-issuer-{digest}-second", "Ours first, then a certificate of another "
                       f"issuer with {title}.",
                       answer_of(ours(), Single(world.leaf("rsa", OTHER), hash=digest)), 17,
                       "unauthorized-signer", clients=clients("fails", "openssl s2n"))
    singles.take("ours-md5-second", "Ours with SHA-1, then with MD5.",
                 answer_of(ours(), ours(hash="md5")), (14, 17), warns="hash", **rare)
    singles.refuse("other-ahead-second", "Ours first, then a single that begins in two days.",
                   answer_of(ours(), other(this_s=NOW_S + 2 * DAY_S)), (17, 19), "not-yet-valid",
                   clients=clients("fails", "java s2n"))
    singles.refuse("other-bare-second", "Ours first, then a single without nextUpdate.",
                   answer_of(ours(), other(next_s=None)), (17, 21), "no-next-update",
                   clients=clients("fails", "s2n"))
    singles.take("ours-twice", "The same single twice.", answer_of(ours(), ours()), (16, 18))
    for name, odd, reason in (
            ("expired", {"this_s": NOW_S - 8 * DAY_S, "next_s": NOW_S - 2 * DAY_S}, "expired"),
            ("ahead", {"this_s": NOW_S + 2 * DAY_S}, "not-yet-valid")):
        for digest in ("sha1", "sha256"):
            singles.refuse(f"ours-then-{name}-{digest}", f"Ours, then another about it, {name} "
                           f"({digest.upper()}): Firefox wants all in date.",
                           answer_of(ours(), ours(hash=digest, **odd)), 16, reason,
                           audience="firefox", clients=measured("RARAA", "ARA"))
    over = {"this_s": NOW_S - 8 * DAY_S, "next_s": NOW_S - 2 * DAY_S}
    singles.refuse("expired-sha256-then-ours", "Ours with SHA-256, expired, then with SHA-1: "
                   "GnuTLS looks at the first.", answer_of(ours(hash="sha256", **over), ours()), 16,
                   "expired", audience="gnutls", clients=measured("RRRAR", "ARA"))
    singles.refuse("only-others", "Three singles, none of them ours.",
                   answer_of(*twenty[:3]), (15, 16), "wrong-serial")
    hundred = [other(number) for number in range(149)]
    singles.take("150-ours-first", "150 singles, ours first.", answer_of(ours(), *hundred),
                 (16, 17), warns="4 KiB", clients=measured("AAAAA", "AAA"))
    singles.refuse("250", "250 singles, ours first: larger than TLS 1.2 clients of OpenSSL take.",
                   answer_of(ours(), *(other(number) for number in range(249))), (4, 16),
                   "too-large")


def mint_status():
    gone = {"status": "revoked", "revoked_s": NOW_S - DAY_S}
    hold = {"status": "revoked", "revoked_s": 0, "reason": CERTIFICATE_HOLD}
    revoke = (cert.extension(EXTENDED_REVOKE, der.NULL),)
    status.take("good", "Status good.", good(), 18, clients=measured("AAAAA", "AAA"))
    status.refuse("revoked", "Status revoked, no reason.", good(**gone), 18, "revoked",
                  clients={**measured("RRRRR", "ARA"), "chromium": "fails"})
    status.refuse("revoked-key-compromise", "Status revoked, keyCompromise.",
                  good(reason=KEY_COMPROMISE, **gone), 18, "revoked")
    status.refuse("revoked-hold", "Status revoked, certificateHold since yesterday.",
                  good(reason=CERTIFICATE_HOLD, **gone), 18, "revoked")
    status.refuse("revoked-expired", "Status revoked in an answer that ended an hour ago.",
                  good(next_s=NOW_S - HOUR_S, this_s=NOW_S - DAY_S, **gone), (18, 22), "expired",
                  also=("revoked",))
    status.refuse("hold-1970", "certificateHold since 1970-01-01, without the extended-revoke "
                  "extension.", good(**hold), 18, "revoked")
    status.refuse("never-issued", "certificateHold since 1970-01-01 with extended-revoke (RFC 6960 "
                  "2.2): the CA never issued it.", good(extensions=revoke, **hold), 18, "unknown")
    status.refuse("compromise-1970", "keyCompromise since 1970-01-01 with extended-revoke.",
                  good(extensions=revoke, **{**hold, "reason": KEY_COMPROMISE}), 18, "revoked")
    status.refuse("hold-1971", "certificateHold since 1971-01-01 with extended-revoke.",
                  good(extensions=revoke, **{**hold, "revoked_s": 365 * DAY_S}), 18, "revoked")
    status.refuse("reason-7", "Status revoked with the CRLReason 7, which is not used.",
                  good(reason=7, **gone), 18, "revoked", clients=measured("RRRRR", "ARA"))
    status.refuse("reason-11", "Status revoked with the CRLReason 11, which does not exist.",
                  good(reason=11, **gone), 18, "revoked", clients=measured("RRRRR", "ARA"))
    status.refuse("unknown", "Status unknown.", good(status="unknown"), 18, "unknown",
                  clients=measured("RAARR", "ARA"))
    status.refuse("good-then-revoked", "Two singles of ours: good, then revoked.",
                  answer_of(ours(), ours(**gone)), 18, "conflicting-responses",
                  clients=measured("RARAA", "ARA"))
    status.refuse("revoked-then-good", "Two singles of ours: revoked, then good.",
                  answer_of(ours(**gone), ours()), 18, "conflicting-responses",
                  clients=measured("RRARR", "AAA"))
    status.refuse("good-then-unknown", "Two singles of ours: good, then unknown.",
                  answer_of(ours(), ours(status="unknown")), 18, "conflicting-responses")
    status.refuse("conflict-between-hashes", "Good under SHA-1, revoked under SHA-256.",
                  answer_of(ours(), ours(hash="sha256", **gone)), 18, "conflicting-responses")


mint_certid()
mint_singles()
mint_status()
