# SPDX-License-Identifier: Apache-2.0
"""Rules 7 to 13: who signed, with what, and was it allowed."""

import hashlib
from dataclasses import replace

from . import cert, der, keys, world
from .answer import DAY_S, HOUR_S, NOW_S
from .vector import Group, clients, measured
from .world import ca, delegate, delegate_extensions, delegated, good, leaf

direct, responder, by, embedded, algorithm, signature, features = (
    Group(name) for name in ("direct", "responder-id", "delegate", "embedded", "algorithm",
                             "signature", "leaf"))


def mint_direct():
    direct.take("rsa", "Signed by an RSA-2048 CA, SHA-256.", good(leaf("rsa")), (8, 11, 13),
                leaf=leaf("rsa"), clients=measured("AAAAA", "AAA"))
    direct.take("p256", "Signed by a P-256 CA, SHA-256.", good(), (8, 11, 13),
                clients=measured("AAAAA", "AAA"))
    direct.take("p384", "Signed by a P-384 CA, SHA-384.", good(leaf("ec384"), digest="sha384"),
                (8, 11), leaf=leaf("ec384"))
    direct.refuse("sibling-ca", "Signed by another CA of the same name.",
                  good(signer=ca("sibling")), (8, 13), "signer-not-found")
    direct.refuse("sibling-ca-by-name", "Signed by another CA of the same name, byName.",
                  good(signer=ca("sibling"), by_name=True), (8, 13), "bad-signature")
    for name, changes in (("expired", {"not_after_s": NOW_S - DAY_S}),
                          ("not-yet-valid", {"not_before_s": NOW_S + DAY_S})):
        odd = replace(ca(), _der=None, **changes)
        direct.refuse(f"issuer-{name}", f"A good answer of an issuer whose certificate is {name}.",
                      good(), 8, "signer-expired", issuer=odd)
    no_ca = replace(ca(), _der=None, extensions=(cert.basic_constraints(False),))
    direct.refuse("issuer-is-no-ca", "A good answer of an issuer whose certificate is no CA's.",
                  good(), 8, "wrong-issuer", issuer=no_ca)
    direct.refuse("issuer-with-unknown-critical", "A good answer of an issuer whose certificate "
                  "has an unknown critical extension: OpenSSL takes nothing of it.",
                  good(leaf("critical")), 8, "unauthorized-signer", leaf=leaf("critical"),
                  clients=clients("fails", "openssl libressl s2n"))
    direct.refuse("issuer-curve-written-out", "A good answer of an issuer whose key has the "
                  "parameters of its curve written out.", good(leaf("written-out")), (8, 11),
                  "unsupported-algorithm", leaf=leaf("written-out"))
    direct.take("issuer-with-names", "A good answer of an issuer whose certificate has name "
                "constraints.", good(leaf("named")), 8, leaf=leaf("named"),
                clients=measured("AAAAA", "AAA"))
    direct.refuse("root", "Signed by the root above the CA.", good(signer=world.root()), 8,
                  "signer-not-found")
    direct.refuse("root-embedded", "Signed by the root above the CA, which is embedded.",
                  good(signer=world.root(), certs=(world.root().der,)), 8, "unauthorized-signer")


def mint_root():
    """Leaves that the root itself issued: the server need not send it."""
    about, root = leaf("root"), world.root()
    seen = {"clients": {**measured("AAARA", "AAA"), "libressl": "accept"}}
    sent = {"sent": (root,), "clients": {**measured("AAAAA", "AAA"), "libressl": "accept"}}
    direct.take("by-root", "A leaf of the root, which is not sent with it: it is embedded.",
                good(about), (8, 10, 28), leaf=about, repaired=True, **seen)
    direct.take("by-root-by-name", "The same byName.", good(about, by_name=True), (8, 10, 28),
                leaf=about, repaired=True, **seen)
    direct.take("by-root-embedded", "The same, the root embedded already.",
                good(about, certs=(root.der,)), (8, 10, 28), leaf=about, repaired=False, **seen)
    direct.take("by-root-sent", "A leaf of the root, which is sent with it.", good(about),
                (8, 10, 28), leaf=about, repaired=False, **sent)
    direct.take("by-root-sent-and-embedded", "The same, the root embedded, too.",
                good(about, certs=(root.der,)), (8, 10, 28), leaf=about, repaired=True, **sent)
    direct.take("by-delegate-of-root", "A leaf of the root, which is not sent with it; a delegate "
                "of the root signed.", delegated(delegate("root"), about), (8, 9, 28), leaf=about,
                repaired=False, **seen)
    direct.refuse("by-root-revoked", "A leaf of the root, which is not sent with it, revoked.",
                  good(about, status="revoked"), (18, 28), "revoked", leaf=about)


def mint_responder():
    responder.take("by-key", "byKey.", good(), 7)
    responder.take("by-name", "byName.", good(by_name=True), 7)
    responder.take("delegate-by-name", "A delegate, byName.", delegated(delegate(), by_name=True),
                   7)
    nobody = der.explicit(1, cert.name("nobody"))
    responder.refuse("nobody", "byName of nobody, signed by the CA.",
                     good(responder_id=nobody), 7, "signer-not-found",
                     clients=measured("RARRR", "ARA"))
    responder.refuse("nobody-by-key", "byKey of nobody, signed by the CA.",
                     good(responder_id=key_id(hashlib.sha1(b"nobody").digest())), 7,
                     "signer-not-found")
    printable = der.explicit(1, cert.name(world.CA_NAMES["ec"], der.printable))
    responder.refuse("other-string-type", "The CA's name as PrintableString where its certificate "
                     "has UTF8String.", good(responder_id=printable), 7, "signer-not-found")
    responder.refuse("key-hash-sha256", "byKey with a SHA-256 hash.",
                     good(responder_id=key_id(ca().key.key_hash("sha256"))), 7, "malformed")
    responder.refuse("key-hash-short", "byKey of 19 octets.",
                     good(responder_id=key_id(ca().key.key_hash()[:19])), 7, "malformed")
    named_like_ca = delegate(subject=ca().subject)
    responder.refuse("delegate-with-name-of-ca", "A delegate that has its CA's name, byName.",
                     delegated(named_like_ca, by_name=True), (7, 9), "bad-signature")
    told_apart = delegate(subject=ca().subject, extensions=plain(
        more=(cert.subject_key_id(keys.key("p256:delegate")),)))
    responder.refuse("delegate-with-name-of-ca-by-key", "A delegate that has its CA's name, byKey. "
                     "Nothing in its certificate tells OpenSSL that it did not sign itself.",
                     delegated(named_like_ca), (7, 9), "unauthorized-signer")
    responder.take("delegate-with-name-of-ca-told-apart", "The same with a subjectKeyIdentifier.",
                   delegated(told_apart), (7, 9))
    capitals = cert.name(world.CA_NAMES["ec"].upper())
    responder.refuse("delegate-with-name-of-ca-in-capitals", "A delegate that has its CA's name in "
                     "capitals, byName: OpenSSL takes it for the CA.",
                     delegated(replace(told_apart, _der=None, subject=capitals), by_name=True),
                     (7, 9), "bad-signature", clients=measured("AAARA", "AAA"))
    responder.take("delegate-with-name-of-ca-in-capitals-by-key", "The same byKey.",
                   delegated(replace(told_apart, _der=None, subject=capitals)), (7, 9),
                   clients=measured("AAAAA", "AAA"))
    responder.refuse("delegate-says-ca", "Signed by a delegate, byKey of the CA.",
                     delegated(delegate(), responder_id=key_id(ca().key.key_hash())), 7,
                     "bad-signature")


def key_id(content):
    return der.explicit(2, der.octets(content))


def plain(**changes):
    """Extensions of a delegate of the P-256 CA."""
    return delegate_extensions(ca().key, **changes)


def mint_delegate():
    by.take("p256", "A P-256 delegate of a P-256 CA.", delegated(delegate()), (8, 9, 12),
            clients=measured("AAAAA", "AAA"))
    by.take("rsa", "An RSA delegate of an RSA CA.",
            delegated(delegate("rsa", "rsa:delegate"), leaf("rsa")), (8, 9, 12), leaf=leaf("rsa"),
            clients=measured("AAAAA", "AAA"))
    by.take("p384", "A P-384 delegate of a P-256 CA, SHA-384.",
            delegated(delegate(key="p384:delegate"), digest="sha384"), (9, 11))
    by.take("without-nocheck", "No id-pkix-ocsp-nocheck.",
            delegated(delegate(extensions=plain(with_nocheck=False))), 9,
            clients=measured("AAAAA", "AAA"))
    by.take("critical-known", "A critical EKU.",
            delegated(delegate(extensions=(
                cert.basic_constraints(False), cert.key_usage(0),
                cert.eku(cert.OCSP_SIGNING, critical=True), cert.nocheck()))), 9)
    by.take("two-purposes", "EKU with serverAuth and OCSPSigning.",
            delegated(delegate(extensions=plain(
                purposes=(cert.SERVER_AUTH, cert.OCSP_SIGNING)))), 9)
    by.take("unknown-extension", "An unknown extension that is not critical.",
            delegated(delegate(extensions=plain(
                more=(cert.extension(cert.UNKNOWN, der.NULL),)))), 9)
    by.take("bare", "Nothing but the EKU.",
            delegated(delegate(extensions=(cert.eku(cert.OCSP_SIGNING),))), 9)
    by.take("last-second", "notAfter in a second.", delegated(delegate(not_after_s=NOW_S + 1)), 9)
    by.refuse("not-after-now", "notAfter is this very second: OpenSSL counts it as over.",
              delegated(delegate(not_after_s=NOW_S)), 9, "signer-expired")
    by.take("not-before-now", "notBefore is this very second.",
            delegated(delegate(not_before_s=NOW_S)), 9)
    by.refuse("expired", "Expired an hour ago.", delegated(delegate(not_after_s=NOW_S - HOUR_S)), 9,
              "signer-expired", clients=measured("RRRRA", "ARA"))
    by.refuse("expired-one-second", "Expired a second ago.",
              delegated(delegate(not_after_s=NOW_S - 1)), 9, "signer-expired")
    by.refuse("expired-rfc6960", "Expired an hour ago, for rfc6960.",
              delegated(delegate(not_after_s=NOW_S - HOUR_S)), 9, "signer-expired",
              audience="rfc6960")
    by.refuse("not-yet-valid", "notBefore in an hour.",
              delegated(delegate(not_before_s=NOW_S + HOUR_S)), 9, "signer-expired")
    by.refuse("ca-true", "basicConstraints with cA.",
              delegated(delegate(extensions=plain(is_ca=True))), 9, "unauthorized-signer",
              clients=measured("RAAAA", "AAA"))
    by.refuse("no-eku", "No EKU.", delegated(delegate(extensions=plain(purposes=()))), 9,
              "unauthorized-signer", clients=measured("RRRRR", "ARA"))
    by.refuse("any-eku", "EKU with anyExtendedKeyUsage only.",
              delegated(delegate(extensions=plain(purposes=(cert.ANY_EKU,)))), 9,
              "unauthorized-signer", clients=measured("RRRRR", "ARA"))
    by.refuse("server-auth", "EKU with serverAuth only.",
              delegated(delegate(extensions=plain(purposes=(cert.SERVER_AUTH,)))), 9,
              "unauthorized-signer")
    by.refuse("unknown-critical", "An unknown critical extension.",
              delegated(delegate(extensions=plain(
                  more=(cert.extension(cert.UNKNOWN, der.NULL, True),)))), 9,
              "unauthorized-signer", clients=measured("RRARR", "AAA"))
    by.refuse("version-1", "A certificate of version 1, which can have no EKU.",
              delegated(delegate(version=1, extensions=())), 9, "unauthorized-signer")
    by.refuse("of-another-ca", "A delegate of another CA.",
              delegated(delegate("rsa")), 8, "unauthorized-signer")
    by.refuse("of-sibling-ca", "A delegate of another CA of the same name.",
              delegated(delegate("sibling")), 8, "unauthorized-signer")
    by.refuse("of-sibling-ca-without-key-id", "The same without an authorityKeyIdentifier, so that "
              "only the signature tells.",
              delegated(delegate("sibling", extensions=(cert.eku(cert.OCSP_SIGNING),))), 8,
              "unauthorized-signer")
    by.refuse("self-issued", "A self-signed delegate.", delegated(delegate(issuer=None)), 8,
              "unauthorized-signer")
    by.refuse("forged", "A delegate that says it is the CA's, its own signature spoiled.",
              delegated(delegate(bad_signature=True)), (8, 12), "unauthorized-signer")
    second = delegate(issuer=delegate(), key="p256:second", serial=0x3001,
                      subject=cert.name("clinch test OCSP signer 2"))
    by.refuse("of-delegate", "A delegate issued by a delegate.",
              delegated(second, certs=(second.der, delegate().der)), 8, "unauthorized-signer")
    by.refuse("of-root", "A delegate issued by the root above the CA.",
              delegated(delegate(issuer=world.root())), 8, "unauthorized-signer")
    exchanged = replace(delegate(), key=keys.key("p256:second"), bad_signature=True)
    by.refuse("forged-not-its-key", "A certificate that says it is the CA's for another key, and "
              "an answer that neither signed.",
              delegated(delegate(), certs=(exchanged.der,), by_name=True), (8, 12, 13),
              "bad-signature")
    ended = delegate(serial=0x3002, not_before_s=NOW_S - 90 * DAY_S, not_after_s=NOW_S - DAY_S)
    early = delegate(serial=0x3003, not_before_s=NOW_S + DAY_S, not_after_s=NOW_S + 90 * DAY_S)
    for name, twin in (("predecessor", ended), ("successor", early)):
        by.take(f"with-{name}", f"A delegate behind the certificate of its {name}, which has the "
                "same key and is not valid.", delegated(delegate(), certs=(twin.der,
                                                                           delegate().der)),
                (9, 10), repaired=True)
    own = leaf()
    by.refuse("leaf-itself", "Signed by the leaf, which is embedded.",
              good(signer=own, certs=(own.der,)), 8, "unauthorized-signer")
    fit = leaf(purposes=(cert.SERVER_AUTH, cert.OCSP_SIGNING))
    by.refuse("leaf-itself-with-eku", "Signed by the leaf, whose EKU has OCSPSigning.",
              good(fit, fit, certs=(fit.der,)), 8, "unauthorized-signer", leaf=fit)


def mint_odd_delegate():
    """What one or another client does not take, although the right to sign is there."""
    def odd(*more, kind="ec", **changes):
        extensions = delegate_extensions(ca(kind).key, more=more)
        return delegated(delegate(kind, extensions=extensions, **changes), leaf(kind))

    for suffix, audience in (("", None), ("-rfc6960", "rfc6960")):
        by.refuse(f"curve-written-out{suffix}", "A delegate whose key has the parameters of P-256 "
                  "written out.", odd(key="written-out:delegate"), (9, 11),
                  "unsupported-algorithm", audience=audience, clients=measured("RRRRR", "RRA"))
        by.refuse(f"proxy{suffix}", "A delegate with proxyCertInfo (RFC 3820), not critical.",
                  odd(cert.proxy()), 9, "unauthorized-signer", audience=audience,
                  clients=measured("AAARA", "AAA"))
        by.refuse(f"alt-name-outside{suffix}", "subjectAltName ocsp.example, where its CA's name "
                  "constraints allow names below test.", odd(
                      cert.alt_name("ocsp.example"), kind="named"), 9, "unauthorized-signer",
                  leaf=leaf("named"), audience=audience, clients=measured("ARARR", "AAA"))
    by.refuse("common-name-outside", "The same with the common name ocsp.example.",
              odd(kind="named", subject=cert.name("ocsp.example")), 9, "unauthorized-signer",
              leaf=leaf("named"), clients=measured("AAARA", "AAA"))
    by.take("alt-name-inside", "The same with subjectAltName and common name of the right sort.",
            odd(cert.alt_name("ocsp.test"), kind="named", subject=cert.name("www.test")), 9,
            leaf=leaf("named"))
    by.refuse("addresses", "Addresses (RFC 3779) that its CA has not.", odd(cert.addresses()), 9,
              "unauthorized-signer", clients=measured("AAARA", "AAA"))
    by.refuse("of-ca-with-unknown-critical", "A delegate of a CA whose certificate has an unknown "
              "critical extension.", odd(kind="critical"), 8, "unauthorized-signer",
              leaf=leaf("critical"), clients=clients("fails", "openssl libressl s2n"))
    by.refuse("of-ca-with-curve-written-out", "A delegate of a CA whose key has the parameters of "
              "its curve written out.", odd(kind="written-out"), (8, 11), "unsupported-algorithm",
              leaf=leaf("written-out"))
    unknown = cert.extension(cert.UNKNOWN, der.NULL)
    by.refuse("extension-twice", "An unknown extension twice.", odd(unknown, unknown), 9,
              "unauthorized-signer", clients=measured("ARRAA", "RRA"))
    by.refuse("version-2", "Extensions in a certificate of version 2.", odd(version=2), 9,
              "unauthorized-signer", clients=measured("ARRAA", "RRA"))
    by.refuse("issuer-alt-name-unreadable", "NULL for issuerAltName.",
              odd(cert.extension(cert.ISSUER_ALT_NAME, der.NULL)), 9, "unauthorized-signer",
              clients=measured("ARAAA", "AAA"))
    by.take("critical-policies", "Critical certificatePolicies: NSS refuses them, and fails as "
            "well without a staple.", odd(cert.policies("1.2.3.4", critical=True)), 9, warns="NSS",
            clients=measured("AAAAR", "AAA"))
    usage = (cert.basic_constraints(False), cert.key_usage(2), cert.eku(cert.OCSP_SIGNING))
    by.take("key-encipherment", "keyUsage is keyEncipherment: NSS refuses it, and fails as well "
            "without a staple.", delegated(delegate(extensions=usage)), 9, warns="keyUsage",
            clients=measured("AAAAR", "AAA"))


def mint_embedded():
    signer = delegate()
    noise = [world.noise(number).der for number in range(64)]
    embedded.take("none", "Signed by the CA, nothing embedded.", good(), 10, repaired=False)
    embedded.take("delegate", "Signed by a delegate, which alone is embedded.", delegated(signer),
                  10, repaired=False)
    embedded.take("ca-itself", "Signed by the CA, which embeds itself.", good(certs=(ca().der,)),
                  10, repaired=True, clients=measured("AAAAA", "AAA"))
    embedded.take("ca-and-root", "Signed by the CA, which embeds itself and its root.",
                  good(certs=(ca().der, world.root().der)), 10, repaired=True)
    embedded.take("empty-list", "Signed by the CA, an empty list of certificates.",
                  good(certs=()), 10, repaired=True)
    embedded.take("delegate-second", "The delegate behind a certificate of somebody else.",
                  delegated(signer, certs=(noise[0], signer.der)), 10, repaired=True,
                  clients=measured("AAAAA", "AAA"))
    embedded.take("delegate-and-ca", "The delegate, then its CA.",
                  delegated(signer, certs=(signer.der, ca().der)), 10, repaired=True)
    embedded.take("ca-and-delegate", "The CA, then the delegate.",
                  delegated(signer, certs=(ca().der, signer.der)), 10, repaired=True)
    embedded.take("delegate-twice", "The delegate twice.",
                  delegated(signer, certs=(signer.der, signer.der)), 10, repaired=True)
    embedded.take("unreadable-first", "A SEQUENCE that is no certificate before the delegate.",
                  delegated(signer, certs=(der.sequence(der.NULL), signer.der)), 10,
                  repaired=True)
    for count in (8, 9, 40):
        embedded.take(f"{count}", f"{count} certificates, the delegate first.",
                      delegated(signer, certs=(signer.der, *noise[:count - 1])), 10,
                      repaired=True, **({"clients": measured("AAAAA")} if count == 8 else {}))
        embedded.take(f"{count}-delegate-last", f"{count} certificates, the delegate last.",
                      delegated(signer, certs=(*noise[:count - 1], signer.der)), 10,
                      repaired=True)
    embedded.take("9-by-ca", "Signed by the CA, nine certificates of others.",
                  good(certs=tuple(noise[:9])), 10, repaired=True)
    large = tuple(world.noise(number, 6000).der for number in range(3))
    embedded.take("18-kilobytes", "Signed by the CA; three certificates of others make it larger "
                  "than 16,380 octets, and without them it is small.", good(certs=large), (4, 10),
                  repaired=True)
    embedded.take("65", "65 certificates, the delegate first.",
                  delegated(signer, certs=(signer.der, *noise)), 10, repaired=True)
    embedded.take("65-by-ca", "Signed by the CA, 65 certificates.",
                  good(certs=(signer.der, *noise)), 10, repaired=True)
    embedded.refuse("delegate-missing", "Signed by a delegate, nothing embedded.",
                    good(signer=signer), (8, 10), "signer-not-found")
    embedded.refuse("delegate-missing-others-there", "Signed by a delegate, only others embedded.",
                    good(signer=signer, certs=(noise[0], ca().der)), (8, 10), "signer-not-found")
    embedded.refuse("not-a-sequence", "An INTEGER among the certificates.",
                    delegated(signer, certs=(signer.der, der.integer(1))), (1, 10), "malformed")


def mint_algorithm():
    rsa = leaf("rsa")
    for digest in ("sha384", "sha512"):
        algorithm.take(f"rsa-{digest}", f"RSA with {digest.upper()}.", good(rsa, digest=digest), 11,
                       leaf=rsa)
    algorithm.take("ecdsa-sha512", "P-256 with SHA-512.", good(digest="sha512"), 11)
    algorithm.refuse("rsa-sha1", "RSA with SHA-1.", good(rsa, digest="sha1"), 11, "weak-algorithm",
                     leaf=rsa, clients=measured("AAAAA", "AAA"))
    algorithm.take("rsa-sha1-rfc6960", "RSA with SHA-1, for rfc6960.", good(rsa, digest="sha1"), 11,
                   leaf=rsa, audience="rfc6960")
    algorithm.take("rsa-sha1-browsers", "RSA with SHA-1, for browsers.", good(rsa, digest="sha1"),
                   11, leaf=rsa, audience="browsers")
    null = {"warns": "NULL", "clients": {**measured("AAAAA", "AAA"), "chromium": "ignores"}}
    algorithm.take("ecdsa-null", "P-256 with SHA-256, the algorithm with NULL for parameters.",
                   good(with_null=True), 11, **null)
    algorithm.take("delegate-signed-ecdsa-null", "A delegate whose certificate has NULL for "
                   "parameters of its ECDSA signature.", delegated(delegate(with_null=True)), 12,
                   **null)
    algorithm.refuse("ecdsa-parameters", "P-256 with SHA-256, the algorithm with an INTEGER for "
                     "parameters.", good(algorithm=der.sequence(
                         der.oid(keys.ECDSA_OIDS["sha256"]), der.integer(5))), 11,
                     "unsupported-algorithm")
    algorithm.refuse("ecdsa-sha1", "P-256 with SHA-1.", good(digest="sha1"), 11, "weak-algorithm")
    algorithm.refuse("rsa-md5", "RSA with MD5.", good(rsa, digest="md5"), 11,
                     "unsupported-algorithm", leaf=rsa)
    algorithm.take("rsa-pss", "RSA-PSS with SHA-256 and a salt of 32 octets.", good(rsa, pss=True),
                   11, leaf=rsa, warns="RSA-PSS", clients=measured("AAAAA", "AAA"))
    for digest in ("sha384", "sha512"):
        algorithm.refuse(f"rsa-pss-{digest}", f"RSA-PSS with {digest.upper()}: GnuTLS does not "
                         "take it.", good(rsa, pss=True, digest=digest), 11,
                         "unsupported-algorithm", leaf=rsa, clients=measured("ARAAA", "AAA"))
    algorithm.take("rsa-pss-sha384-browsers", "RSA-PSS with SHA-384, for browsers.",
                   good(rsa, pss=True, digest="sha384"), 11, leaf=rsa, audience="browsers")
    small = leaf("weak")
    answers = {"rsa-1024-ca": ("the CA's", good(small), small, 11),
               "delegate-rsa-1024": ("a delegate's", delegated(delegate("rsa", "rsa:small"), rsa),
                                     rsa, (9, 11))}
    for name, (whose, made, about, rules) in answers.items():
        algorithm.refuse(name, f"An RSA key of 1024 bits, {whose}: too short for RHEL's policy.",
                         made, rules, "weak-algorithm", leaf=about,
                         clients={**clients("fails", "rhel"),
                                  **(measured("AAAAA", "AAA") if about is rsa else {})})
        algorithm.take(f"{name}-without-rhel", "The same for the clients that were seen to take "
                       "it.", made, rules, leaf=about, audience="firefox,gnutls,java,openssl,nss",
                       warns="2048")
    weak = delegate("rsa", "rsa:delegate", digest="sha1")
    algorithm.refuse("delegate-signed-sha1", "A delegate whose certificate is signed with SHA-1.",
                     delegated(weak, rsa), 12, "weak-algorithm", leaf=rsa,
                     clients=measured("RRAAA", "AAA"))
    algorithm.take("delegate-signed-sha1-rfc6960",
                   "A delegate whose certificate is signed with SHA-1, for rfc6960.",
                   delegated(weak, rsa), 12, leaf=rsa, audience="rfc6960")
    algorithm.take("delegate-signed-sha384", "A delegate whose certificate is signed with SHA-384.",
                   delegated(delegate("rsa", "rsa:delegate", digest="sha384"), rsa), 12, leaf=rsa)
    edwards = delegate(key="ed25519:delegate")
    algorithm.refuse("delegate-ed25519", "An Ed25519 delegate.", delegated(edwards), 11,
                     "unsupported-algorithm", clients=measured("RAAAR", "AAA"))
    algorithm.take("delegate-ed25519-rfc6960", "An Ed25519 delegate, for rfc6960.",
                   delegated(edwards), 11, audience="rfc6960")
    algorithm.refuse("unknown", "An algorithm that nobody knows.",
                     good(algorithm=der.sequence(der.oid("1.2.3.4.5"))), 11,
                     "unsupported-algorithm")
    algorithm.refuse("mismatched", "Signed with SHA-256, said to be with SHA-384.",
                     good(algorithm=der.sequence(der.oid(keys.ECDSA_OIDS["sha384"]))), (11, 13),
                     "bad-signature")
    algorithm.refuse("rsa-said-of-ec", "Signed with ECDSA, said to be RSA.",
                     good(algorithm=der.sequence(der.oid(keys.RSA_OIDS["sha256"]), der.NULL)),
                     (11, 13), "bad-signature")


def mint_signature():
    rsa = leaf("rsa")
    _, true = ca().key.sign(good().data())
    _, true_rsa = ca("rsa").key.sign(good(rsa).data())
    signature.take("right", "Signature and signed data fit.", good(rsa), 13, leaf=rsa)
    signature.refuse("last-bit", "The last bit of the RSA signature is another.",
                     good(rsa, signature=flipped(true_rsa)), 13, "bad-signature", leaf=rsa,
                     clients=measured("RRRRR", "ARA"))
    signature.refuse("last-bit-ecdsa", "The last bit of the ECDSA signature is another.",
                     good(signature=flipped(true)), 13, "bad-signature",
                     clients=measured("RRRRR", "ARA"))
    signature.refuse("data-changed", "producedAt changed behind the signer's back.",
                     good(tampered=True), 13, "bad-signature")
    signature.refuse("of-another-answer", "The signature of another answer of the same CA.",
                     good(signature=ca().key.sign(good(status="revoked").data())[1]), 13,
                     "bad-signature")
    signature.refuse("empty", "A signature of no octets.", good(signature=b""), 13,
                     "bad-signature")
    signature.refuse("short", "An RSA signature that lacks its last octet.",
                     good(rsa, signature=true_rsa[:-1]), 13, "bad-signature", leaf=rsa)
    signature.refuse("unused-bits", "The signature's BIT STRING leaves one bit unused.",
                     good(unused_bits=1, signature=true[:-1] + bytes([true[-1] & 0xFE])), 13,
                     "malformed")
    signature.refuse("ecdsa-trailing", "A zero octet behind the ECDSA signature, in its BIT "
                     "STRING.", good(signature=true + b"\0"), 13, "bad-signature")
    signature.refuse("delegate-last-bit", "A delegate's signature with another last bit.",
                     delegated(delegate(), signature=flipped(
                         delegate().key.sign(delegated(delegate()).data())[1])), 13,
                     "bad-signature")


def flipped(octets):
    return octets[:-1] + bytes([octets[-1] ^ 1])


def mint_leaf():
    staple = leaf(features=(5,))
    features.take("must-staple", "A must-staple leaf and a good answer.", good(staple), 30,
                  leaf=staple, clients=measured("AAAAA", "AAA"))
    features.take("feature-17", "A leaf whose TLS feature is status_request_v2: Firefox refuses it "
                  "with any staple.", good(leaf(features=(5, 17))), 30,
                  leaf=leaf(features=(5, 17)), warns="Firefox")
    features.take("without-url", "A leaf without an OCSP URL.", good(leaf(url=None)), 29,
                  leaf=leaf(url=None), audience="firefox,gnutls", warns="libtls")
    features.take("with-url", "A leaf with an OCSP URL.", good(), 29)
    features.refuse("of-renewed-leaf", "The answer of the leaf's predecessor: same name and key, "
                    "another serial number.", good(leaf(serial=0x1234567890ABCDEE)), 31,
                    "wrong-serial", leaf=leaf())
    features.take("of-this-leaf", "The answer of this very leaf.", good(), 31)
    week = NOW_S - 13 * DAY_S
    features.take("must-staple-13-days", "Thirteen days old, for a must-staple leaf: Firefox fails "
                  "with it and without it.",
                  good(staple, this_s=week, produced_s=week), (20, 30), leaf=staple,
                  clients={**clients("fails", "firefox"), **clients("accept", "gnutls")})
    features.refuse("must-staple-revoked", "Revoked, for a must-staple leaf.",
                    good(staple, status="revoked"), (18, 30), "revoked", leaf=staple)


mint_direct()
mint_root()
mint_responder()
mint_delegate()
mint_odd_delegate()
mint_embedded()
mint_algorithm()
mint_signature()
mint_leaf()
