# SPDX-License-Identifier: Apache-2.0
"""Certificates that no library would write: some are changed and signed anew."""

import base64
import textwrap

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from mint.keys import WrittenOutKey

from . import mint

# Extensions: OID, value, critical.
UNKNOWN_CRITICAL = ("1.3.6.1.4.1.99999.2", mint.NULL, True)
UNKNOWN = (mint.OIDS["unheard-of"], mint.NULL, False)
PROXY = ("1.3.6.1.5.5.7.1.14", bytes.fromhex("300c300a06082b06010505071501"), False)
ADDRESSES = ("1.3.6.1.5.5.7.1.7", bytes.fromhex("300c300a0402000130040302000a"), False)
ISSUER_ALT_NAME = ("2.5.29.18", mint.NULL, False)
POLICIES = ("2.5.29.32", bytes.fromhex("3007300506032a0304"), True)
KEY_ENCIPHERMENT = ("2.5.29.15", bytes.fromhex("03020520"), True)
USAGE_PADDED = ("2.5.29.15", bytes.fromhex("030207ff"), True)
NO_DNS_NAME = ("2.5.29.17", bytes.fromhex("30028200"), False)
OUTSIDE = ("2.5.29.17", mint.seq(mint.tlv(0x82, b"ocsp.example")), False)


class Changed:
    """A certificate that is @cert but for its octets."""

    def __init__(self, cert, der):
        self._cert, self._der = cert, der

    def __getattr__(self, name):
        return getattr(self._cert, name)

    def public_bytes(self, encoding):
        if encoding == serialization.Encoding.DER:
            return self._der
        text = "\n".join(textwrap.wrap(base64.b64encode(self._der).decode(), 64))
        return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n".encode()


def _parts(element):
    """What is in a constructed element, each whole."""
    found, at = [], _header(element)
    while at < len(element):
        end = at + _header(element[at:]) + _size(element[at:])
        found.append(element[at:end])
        at = end
    return found


def _header(element):
    return 2 + (element[1] & 0x7F if element[1] & 0x80 else 0)


def _size(element):
    if not element[1] & 0x80:
        return element[1]
    return int.from_bytes(element[2:_header(element)], "big")


def changed(cert, issuer_key, change):
    """@change is given the parts of tbsCertificate: version, serial, algorithm, issuer, dates,
    subject, key, extensions."""
    parts = _parts(cert.tbs_certificate_bytes)
    change(cert, parts)
    tbs = mint.seq(*parts)
    signature = issuer_key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    algorithm = mint.seq(mint.oid("rsa-sha256"), mint.NULL)
    return Changed(cert, mint.seq(tbs, algorithm, mint.tlv(0x03, b"\0", signature)))


def as_version_2(_cert, parts):
    parts[0] = mint.tlv(0xA0, mint.integer(1))


def without_name(_cert, parts):
    parts[5] = mint.seq()


def born_1969(_cert, parts):
    (_, end) = _parts(parts[4])
    parts[4] = mint.seq(mint.tlv(0x17, b"691231235959Z"), end)


def extension_twice(_cert, parts):
    """UNKNOWN, which is there, once more."""
    (listed,) = _parts(parts[-1])
    found = _parts(listed)
    again = [one for one in found if mint.oid("unheard-of") in one]
    parts[-1] = mint.tlv(0xA3, mint.seq(*found, *again))


def curve_written_out(cert, parts):
    point = mint.key_bits(cert.public_key())
    (algorithm, _) = _parts(WrittenOutKey(1).spki)
    parts[6] = mint.seq(algorithm, mint.tlv(0x03, b"\0", point))


def _key_of(bits):
    """Puts another BIT STRING into the SubjectPublicKeyInfo; @bits makes it of the one there."""
    def change(cert, parts):
        algorithm = _parts(parts[6])[0]
        was = mint.key_bits(cert.public_key())
        parts[6] = mint.seq(algorithm, mint.tlv(0x03, b"\0", bits(was)))
    return change


def _modulus(change):
    """RSAPublicKey with the content of its modulus as @change makes it."""
    def bits(key):
        modulus, exponent = _parts(key)
        return mint.seq(mint.tlv(0x02, change(modulus[_header(modulus):])), exponent)
    return _key_of(bits)


POINT_COMPRESSED = _key_of(lambda point: bytes((2 | point[-1] & 1,)) + point[1:33])
POINT_HYBRID = _key_of(lambda point: bytes((6 | point[-1] & 1,)) + point[1:])
MODULUS_NEGATIVE = _modulus(lambda octets: octets[1:])
MODULUS_LONG = _modulus(lambda octets: b"\0" + octets)


def twin(leaf, authority):
    """A certificate of the same name and key that may not sign answers."""
    cert = leaf.cert
    builder = (x509.CertificateBuilder().subject_name(cert.subject).issuer_name(cert.issuer)
               .public_key(cert.public_key()).serial_number(cert.serial_number + 1000)
               .not_valid_before(cert.not_valid_before).not_valid_after(cert.not_valid_after))
    return builder.sign(authority.key, hashes.SHA256())


def constrained(authority, name):
    """The same CA; its certificate allows nothing but that DNS name."""
    cert = authority.cert
    issuer = authority.issuer
    builder = (x509.CertificateBuilder().subject_name(cert.subject).issuer_name(cert.issuer)
               .public_key(cert.public_key()).serial_number(cert.serial_number)
               .not_valid_before(cert.not_valid_before).not_valid_after(cert.not_valid_after))
    for one in cert.extensions:
        builder = builder.add_extension(one.value, one.critical)
    constraints = x509.NameConstraints([x509.DNSName(name)], None)
    authority.cert = builder.add_extension(constraints, True).sign(issuer.key, hashes.SHA256())
    return authority
