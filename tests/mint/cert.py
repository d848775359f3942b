# SPDX-License-Identifier: Apache-2.0
"""Certificates (RFC 5280)."""

import base64
import textwrap
from dataclasses import dataclass, field

from . import der
from .keys import Key

BASIC_CONSTRAINTS, KEY_USAGE, EXT_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
SUBJECT_KEY_ID, AUTHORITY_KEY_ID, ALT_NAME = "2.5.29.14", "2.5.29.35", "2.5.29.17"
AUTHORITY_ACCESS, TLS_FEATURE = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.24"
OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5"
NAME_CONSTRAINTS, ISSUER_ALT_NAME, POLICIES = "2.5.29.30", "2.5.29.18", "2.5.29.32"
PROXY, ADDRESSES = "1.3.6.1.5.5.7.1.14", "1.3.6.1.5.5.7.1.7"
OCSP_SIGNING, SERVER_AUTH, ANY_EKU = "1.3.6.1.5.5.7.3.9", "1.3.6.1.5.5.7.3.1", "2.5.29.37.0"
UNKNOWN = "1.2.3.4.5"  # an extension that nobody knows


def name(common_name, string=der.utf8):
    """Name with one common name; @string makes its DirectoryString."""
    return der.sequence(der.set_of(der.sequence(der.oid("2.5.4.3"), string(common_name))))


def extension(oid, value, critical=False):
    return der.sequence(der.oid(oid), der.boolean(True) if critical else b"", der.octets(value))


def basic_constraints(is_ca, critical=True):
    return extension(BASIC_CONSTRAINTS, der.sequence(der.boolean(True) if is_ca else b""), critical)


def key_usage(*numbers):
    value = sum(0x80 >> number for number in numbers)
    return extension(KEY_USAGE, der.bits(bytes([value]), 7 - max(numbers)), True)


def eku(*purposes, critical=False):
    return extension(EXT_KEY_USAGE, der.sequence(*(der.oid(one) for one in purposes)), critical)


def subject_key_id(key):
    return extension(SUBJECT_KEY_ID, der.octets(key.key_hash()))


def authority_key_id(key):
    return extension(AUTHORITY_KEY_ID, der.sequence(der.primitive(0, key.key_hash())))


def nocheck(critical=False):
    return extension(OCSP_NOCHECK, der.NULL, critical)


def ocsp_url(url):
    description = der.sequence(der.oid("1.3.6.1.5.5.7.48.1"), der.primitive(6, der.ia5(url)))
    return extension(AUTHORITY_ACCESS, der.sequence(description))


def alt_name(dns_name):
    return extension(ALT_NAME, der.sequence(der.primitive(2, der.ia5(dns_name))))


def only_names(*subtrees):
    """nameConstraints: the permitted GeneralNames."""
    return extension(NAME_CONSTRAINTS, der.sequence(
        der.explicit(0, *(der.sequence(one) for one in subtrees))), True)


def policies(*oids, critical=False):
    listed = (der.sequence(der.oid(one)) for one in oids)
    return extension(POLICIES, der.sequence(*listed), critical)


def proxy():
    """proxyCertInfo (RFC 3820) that lets anybody do anything."""
    return extension(PROXY, der.sequence(der.sequence(der.oid("1.3.6.1.5.5.7.21.1"))))


def addresses():
    """IPAddrBlocks (RFC 3779): 10.0.0.0/8."""
    return extension(ADDRESSES, der.sequence(der.sequence(
        der.octets(b"\0\1"), der.sequence(der.bits(b"\x0a")))))


def tls_feature(*values):
    return extension(TLS_FEATURE, der.sequence(*(der.integer(value) for value in values)))


@dataclass
class Cert:
    """A certificate and its key; `der` is made when first asked for."""

    subject: bytes
    key: Key
    issuer: "Cert" = None  # None: self-signed
    serial: int = 0x1000
    not_before_s: int = 0
    not_after_s: int = 0
    extensions: tuple = ()
    digest: str = "sha256"
    pss: bool = False
    algorithm: bytes = None    # AlgorithmIdentifier, instead of the true one
    with_null: bool = False    # NULL among the algorithm of its ECDSA signature
    version: int = 3
    issuer_name: bytes = None  # said to be, instead of the issuer's subject
    bad_signature: bool = False
    _der: bytes = field(default=None, repr=False)

    @property
    def der(self):
        if self._der is None:
            self._der = self._build()
        return self._der

    @property
    def pem(self):
        text = "\n".join(textwrap.wrap(base64.b64encode(self.der).decode(), 64))
        return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n".encode()

    def _build(self):
        signer = self.issuer.key if self.issuer else self.key
        options = {name: True for name in ("pss", "with_null") if getattr(self, name)}
        algorithm, _ = signer.sign(b"", self.digest, **options)
        algorithm = self.algorithm or algorithm
        issuer_name = self.issuer_name or (self.issuer.subject if self.issuer else self.subject)
        tbs = der.sequence(
            b"" if self.version == 1 else der.explicit(0, der.integer(self.version - 1)),
            der.integer(self.serial), algorithm, issuer_name,
            der.sequence(der.time(self.not_before_s), der.time(self.not_after_s)),
            self.subject, self.key.spki,
            der.explicit(3, der.sequence(*self.extensions)) if self.extensions else b"")
        _, signature = signer.sign(tbs, self.digest, **options)
        if self.bad_signature:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return der.sequence(tbs, algorithm, der.bits(signature))
