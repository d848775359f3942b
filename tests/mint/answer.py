# SPDX-License-Identifier: Apache-2.0
"""OCSP answers (RFC 6960 4.2.1), right and wrong in every field."""

import hashlib
from dataclasses import dataclass

from . import der
from .cert import Cert
from .keys import digest_algorithm

BASIC, NONCE, EXTENDED_REVOKE = (f"1.3.6.1.5.5.7.48.1{end}" for end in (".1", ".2", ".9"))
ARCHIVE_CUTOFF, SCT_LIST = "1.3.6.1.5.5.7.48.1.6", "1.3.6.1.4.1.11129.2.4.5"
HOUR_S, DAY_S = 3600, 86400
NOW_S = 1790000000  # 2026-09-21T14:13:20Z: the time at which most vectors are judged
SUCCESSFUL, MALFORMED_REQUEST, INTERNAL_ERROR, TRY_LATER, SIG_REQUIRED, UNAUTHORIZED = (
    0, 1, 2, 3, 5, 6)
KEY_COMPROMISE, CERTIFICATE_HOLD = 1, 6


@dataclass
class Single:
    """SingleResponse. Times are seconds, or the characters to write."""

    leaf: Cert
    status: str = "good"
    hash: str = "sha1"
    hash_null: bool = True         # NULL parameters, or none
    serial: bytes = None           # the INTEGER, instead of the leaf's
    name_hash: bytes = None
    key_hash: bytes = None
    this_s: object = NOW_S - HOUR_S
    next_s: object = NOW_S + 4 * DAY_S  # None: absent
    revoked_s: object = NOW_S - DAY_S
    reason: int = None
    extensions: tuple = None       # (): an empty list

    def cert_id(self):
        issuer = self.leaf.issuer
        return der.sequence(
            digest_algorithm(self.hash, self.hash_null),
            der.octets(self.name_hash or hashlib.new(self.hash, issuer.subject).digest()),
            der.octets(self.key_hash or issuer.key.key_hash(self.hash)),
            self.serial or der.integer(self.leaf.serial))

    def cert_status(self):
        if self.status == "revoked":
            reason = b"" if self.reason is None else der.explicit(0, der.enumerated(self.reason))
            return der.explicit(1, der.generalized_time(self.revoked_s), reason)
        return der.primitive(0 if self.status == "good" else 2)

    def der(self):
        next_update = b"" if self.next_s is None else der.explicit(
            0, der.generalized_time(self.next_s))
        return der.sequence(self.cert_id(), self.cert_status(), der.generalized_time(self.this_s),
                            next_update, extensions(self.extensions))


@dataclass
class Answer:
    """OCSPResponse."""

    singles: tuple
    signer: Cert                   # the issuer, or a delegate
    certs: tuple = None            # DER of each; None: the field is absent
    by_name: bool = False
    responder_id: bytes = None     # ResponderID, instead of the signer's
    produced_s: object = NOW_S - HOUR_S
    extensions: tuple = None
    version: bytes = b""
    digest: str = "sha256"
    pss: bool = False
    with_null: bool = False        # NULL in the algorithm of an ECDSA signature
    algorithm: bytes = None        # AlgorithmIdentifier, instead of the true one
    signature: bytes = None
    tampered: bool = False         # producedAt changes after signing
    unused_bits: int = 0
    response_type: str = BASIC
    status: int = SUCCESSFUL
    data_tail: bytes = b""         # behind the last field of ResponseData
    basic_tail: bytes = b""        # of BasicOCSPResponse
    bytes_tail: bytes = b""        # of ResponseBytes
    response_tail: bytes = b""     # of OCSPResponse

    def data(self):
        responder_id = self.responder_id or (
            der.explicit(1, self.signer.subject) if self.by_name
            else der.explicit(2, der.octets(self.signer.key.key_hash())))
        return der.sequence(self.version, responder_id, der.generalized_time(self.produced_s),
                            der.sequence(*(single.der() for single in self.singles)),
                            extensions(self.extensions), self.data_tail)

    def basic(self):
        data = self.data()
        options = {name: True for name in ("pss", "with_null") if getattr(self, name)}
        algorithm, signature = self.signer.key.sign(data, self.digest, **options)
        if self.tampered:
            self.produced_s += 1
            data = self.data()
        certs = b"" if self.certs is None else der.explicit(0, der.sequence(*self.certs))
        signature = signature if self.signature is None else self.signature
        return der.sequence(data, self.algorithm or algorithm,
                            der.bits(signature, self.unused_bits), certs, self.basic_tail)

    def der(self):
        response_bytes = der.explicit(0, der.sequence(
            der.oid(self.response_type), der.octets(self.basic()), self.bytes_tail))
        return der.sequence(der.enumerated(self.status), response_bytes, self.response_tail)


def extensions(listed):
    """[1] EXPLICIT Extensions, of the whole answer and of a single one."""
    return b"" if listed is None else der.explicit(1, der.sequence(*listed))


def error(status):
    """An answer that is only a status."""
    return der.sequence(der.enumerated(status))
