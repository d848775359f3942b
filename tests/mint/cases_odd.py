# SPDX-License-Identifier: Apache-2.0
"""Rules 1, 9, 11 and 12: what OpenSSL reads all the same, and some stricter client does not."""

from . import cert, der, keys
from .vector import Group, clients, measured
from .world import ca, delegate, delegate_extensions, delegated, good, leaf

odd = Group("odd")
# RSASSA-PSS with SHA-256; a UUID as an OID (X.667), whose arc is of 128 bits.
SHA256, MGF1 = keys.DIGEST_OIDS["sha256"], keys.MGF1_OID
UUID = "2.25.329800735698586629295641978511506172918"


class OddKey(keys.Key):
    """@key, its SubjectPublicKeyInfo written in another way."""

    def __init__(self, key, algorithm, bits):
        super().__init__(key.private)
        self.spki, self.bits = der.sequence(algorithm, der.bits(bits)), bits
        self.sign = key.sign


EC = der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7"))
RSA_OID = der.oid("1.2.840.113549.1.1.1")
RSA = der.sequence(RSA_OID, der.NULL)


def of_point(change):
    key = keys.key("p256:delegate")
    return OddKey(key, EC, change(key.bits))


def of_rsa(algorithm=RSA, modulus=None, exponent=b"\x01\0\x01", tail=b""):
    """@modulus makes the content of that INTEGER of the one due."""
    key = keys.key("rsa:delegate")
    number = key.private.public_key().public_numbers().n
    octets = b"\0" + number.to_bytes(number.bit_length() // 8, "big")
    inside = der.sequence(der.tlv(0x02, modulus(octets) if modulus else octets),
                          der.tlv(0x02, exponent))
    return OddKey(key, algorithm, inside + tail)


def pss_parameters(null=der.NULL, trailer=b""):
    digest = der.sequence(der.oid(SHA256), null)
    return der.sequence(der.explicit(0, digest),
                        der.explicit(1, der.sequence(der.oid(MGF1), digest)),
                        der.explicit(2, der.integer(32)), trailer)


def pss(**how):
    return der.sequence(der.oid(keys.PSS_OID), pss_parameters(**how))


def mint_keys():
    """Keys of delegates."""
    def refuse(name, note, key, seen, kind="ec", **more):
        about = leaf(kind)
        odd.refuse(name, note, delegated(delegate(kind, key), about, **more), (9, 11),
                   "unsupported-algorithm", leaf=about, clients=seen)

    points = {"compressed": lambda point: bytes([2 | point[-1] & 1]) + point[1:33],
              "hybrid": lambda point: bytes([6 | point[-1] & 1]) + point[1:]}
    for name, change in points.items():
        refuse(f"point-{name}", f"A delegate whose point is written {name}.", of_point(change),
               measured("RRRAR", "RRA"))
    compressed = delegated(delegate(key=of_point(points["compressed"])))
    odd.take("point-compressed-rfc6960", "The same for rfc6960.", compressed, (9, 11),
             audience="rfc6960")
    odd.take("point-compressed-openssl", "The same for OpenSSL alone.", compressed, (9, 11),
             audience="openssl")
    refuse("modulus-negative", "A delegate whose modulus lacks its leading zero octet.",
           of_rsa(modulus=lambda octets: octets[1:]), measured("RAAAA", "AAA"), "rsa")
    refuse("modulus-long", "A delegate whose modulus has two leading zero octets.",
           of_rsa(modulus=lambda octets: b"\0" + octets), measured("RAAAR", "AAA"), "rsa")
    refuse("exponent-long", "A delegate whose exponent has a leading zero octet.",
           of_rsa(exponent=b"\0\x01\0\x01"), measured("RAAAR", "AAA"), "rsa")
    refuse("exponent-of-65-bits", "A delegate whose exponent is of 65 bits.",
           keys.RsaKey(keys.rsa_private("delegate", 2**64 + 13)), measured("RAAAR", "AAA"), "rsa")
    odd.take("exponent-3", "A delegate whose exponent is 3.", delegated(delegate(
        "rsa", keys.RsaKey(keys.rsa_private("delegate", 3))), leaf("rsa")), (9, 11),
             leaf=leaf("rsa"), clients=measured("AAAAA", "AAA"))
    about = leaf("rsa")
    odd.refuse("rsa-512", "A delegate of 512 bits.", delegated(delegate("rsa", "rsa:tiny"), about),
               (9, 11), "weak-algorithm", leaf=about, clients=measured("RRRAR", "ARA"))
    refuse("key-trailing", "A NULL behind the RSAPublicKey of a delegate.",
           of_rsa(tail=der.NULL), measured("RRRAR", "RRA"), "rsa")
    refuse("key-without-null", "A delegate's rsaEncryption without NULL for parameters.",
           of_rsa(der.sequence(RSA_OID)), measured("RAAAA", "AAA"), "rsa")
    refuse("key-of-pss", "A delegate whose key is one for RSASSA-PSS alone.",
           of_rsa(pss()), measured("RAAAA", "AAA"), "rsa", pss=True)
    refuse("key-of-pss-bare", "The same, without parameters.",
           of_rsa(der.sequence(der.oid(keys.PSS_OID))), measured("RAAAA", "AAA"), "rsa", pss=True)


def mint_pss():
    """RSASSA-PSS-params of SHA-256 as RFC 4055 allows them and RFC 8017 does not ask for."""
    about = leaf("rsa")
    for name, note, algorithm in (
            ("trailer", "RSA-PSS, the default of trailerField written out.",
             pss(trailer=der.explicit(3, der.integer(1)))),
            ("without-null", "RSA-PSS, its digests without NULL for parameters.", pss(null=b""))):
        made = good(about, pss=True, algorithm=algorithm)
        odd.refuse(f"pss-{name}", note, made, 11, "unsupported-algorithm", leaf=about,
                   clients=measured("RAAAA", "AAA"))
        odd.take(f"pss-{name}-rfc6960", "The same for rfc6960.", made, 11, leaf=about,
                 audience="rfc6960")
        signed = delegate("rsa", "rsa:delegate", pss=True, algorithm=algorithm)
        odd.refuse(f"delegate-pss-{name}", f"A delegate whose certificate is signed so: {note}",
                   delegated(signed, about), 12, "unsupported-algorithm", leaf=about,
                   clients=measured("RAAAA", "AAA"))


def usage(octet, unused):
    return cert.extension(cert.KEY_USAGE, der.bits(bytes([octet]), unused), True)


def mint_certificates():
    """Other things of a delegate's certificate."""
    def of(*extensions, **changes):
        if extensions:
            usual = (cert.basic_constraints(False), cert.eku(cert.OCSP_SIGNING))
            changes["extensions"] = usual + extensions
        return delegated(delegate(**changes))

    def refuse(name, note, made, seen):
        odd.refuse(name, note, made, 9, "unauthorized-signer", clients=seen)
        odd.take(f"{name}-rfc6960", "The same for rfc6960.", made, 9, audience="rfc6960")

    java, gnutls, firefox = (measured(*letters) for letters in (
        ("AARAA", "RRA"), ("ARAAA", "AAA"), ("RAAAA", "AAA")))
    refuse("without-name", "A delegate without a name.", of(subject=der.sequence()), java)
    names = der.sequence(der.primitive(2, der.ia5("ocsp.test")))
    refuse("without-name-alt-name", "The same with a subjectAltName that is not critical.",
           of(cert.extension(cert.ALT_NAME, names), subject=der.sequence()), java)
    odd.take("without-name-critical-alt-name", "The same with a critical one.",
             of(cert.extension(cert.ALT_NAME, names, True), subject=der.sequence()), 9,
             clients=measured("AAAAA", "AAA"))
    cn, org = (der.sequence(der.oid(oid), der.utf8("clinch"))
               for oid in ("2.5.4.3", "2.5.4.10"))
    refuse("name-out-of-order", "A delegate with two attributes in one part of its name, not in "
           "DER's order.", of(subject=der.sequence(der.tlv(0x31, org, cn))), gnutls)
    odd.take("name-in-order", "The same in order.",
             of(subject=der.sequence(der.tlv(0x31, cn, org))), 9, clients=measured("AAAAA", "AAA"))
    refuse("name-of-uuid", "A delegate with a UUID for a type in its name.", of(
        subject=der.sequence(der.set_of(der.sequence(der.oid(UUID), der.utf8("clinch"))))), gnutls)
    refuse("extension-of-uuid", "A delegate with an extension whose OID is a UUID.",
           of(cert.extension(UUID, der.NULL)), gnutls)
    refuse("purpose-of-uuid", "A delegate with a second purpose, whose OID is a UUID.",
           of(extensions=(cert.basic_constraints(False), cert.eku(cert.OCSP_SIGNING, UUID))),
           gnutls)
    odd.take("extension-of-long-arc", "An extension whose OID has an arc of 32 bits.",
             of(cert.extension("1.2.4294967295", der.NULL)), 9, clients=measured("AAAAA", "AAA"))
    for name, what, value in (
            ("empty", "an empty dNSName", der.primitive(2)),
            ("x400", "an x400Address", der.explicit(3, der.sequence(der.sequence()))),
            ("edi", "an ediPartyName", der.explicit(5, der.explicit(1, der.utf8("x")))),
            ("uuid", "a registeredID that is a UUID", der.primitive(8, der.oid(UUID)[2:]))):
        refuse(f"alt-name-{name}", f"subjectAltName with {what}.",
               of(cert.extension(cert.ALT_NAME, der.sequence(value))), gnutls)
    refuse("issuer-alt-name-empty", "issuerAltName with an empty dNSName.",
           of(cert.extension(cert.ISSUER_ALT_NAME, der.sequence(der.primitive(2)))), gnutls)
    refuse("usage-padded", "keyUsage whose unused bits are not zero.", of(usage(0xFF, 7)), firefox)
    odd.take("usage-long", "keyUsage digitalSignature in eight bits, none of them unused.",
             of(usage(0x80, 0)), 9, clients=measured("AAAAA", "AAA"))
    refuse("born-1969", "A delegate valid from 1969 on.", of(not_before_s=-86400 * 300), firefox)
    odd.take("serial-negative", "A delegate with a negative serial number.", of(serial=-9), 9,
             clients=measured("AAAAA", "AAA"))


def mint_answers():
    extension = (cert.extension(UUID, der.NULL),)
    for name, made in (("response", good(extensions=extension)),
                       ("single", good(single_extensions=extension))):
        odd.refuse(f"{name}-extension-of-uuid", f"A {name} extension whose OID is a UUID.", made,
                   (1, 26 if name == "response" else 27), "malformed",
                   clients={**measured("ARAAA", "AAA"), **clients("fails", "rhel")})
        odd.take(f"{name}-extension-of-uuid-rfc6960", "The same for rfc6960.", made,
                 26 if name == "response" else 27, audience="rfc6960")


mint_keys()
mint_pss()
mint_certificates()
mint_answers()
