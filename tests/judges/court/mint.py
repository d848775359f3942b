# SPDX-License-Identifier: Apache-2.0
"""OCSP answers octet by octet, lawful or not: what asn1 libraries would refuse to write, too."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

HOUR, DAY = 3600, 86400
NULL = b"\x05\x00"
OIDS = {"md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1",
        "sha384": "2.16.840.1.101.3.4.2.2", "rsa-sha224": "1.2.840.113549.1.1.14",
        "basic": "1.3.6.1.5.5.7.48.1.1", "nonce": "1.3.6.1.5.5.7.48.1.2",
        "extended-revoke": "1.3.6.1.5.5.7.48.1.9", "sct-list": "1.3.6.1.4.1.11129.2.4.5",
        "unheard-of": "1.3.6.1.4.1.99999.1",
        "uuid": "2.25.329800735698586629295641978511506172918",
        "rsa-sha1": "1.2.840.113549.1.1.5", "rsa-sha256": "1.2.840.113549.1.1.11",
        "rsa-pss": "1.2.840.113549.1.1.10", "mgf1": "1.2.840.113549.1.1.8",
        "ecdsa-sha256": "1.2.840.10045.4.3.2", "ed25519": "1.3.101.112"}
ERRORS = {"malformedRequest": 1, "internalError": 2, "tryLater": 3, "sigRequired": 5,
          "unauthorized": 6, "status 4": 4, "status 7": 7}


def tlv(tag, *parts):
    content = b"".join(parts)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def seq(*parts):
    return tlv(0x30, *parts)


def octets(content):
    return tlv(0x04, content)


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(name):
    first, second, *rest = (int(part) for part in OIDS[name].split("."))
    out = bytearray((first * 40 + second,))
    for part in rest:
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.append(0x80 | part & 0x7F)
        out += bytes(reversed(groups))
    return tlv(0x06, bytes(out))


def moment(now, age_s, form="%Y%m%d%H%M%SZ"):
    """now - age_s as GeneralizedTime."""
    return tlv(0x18, (now - dt.timedelta(seconds=age_s)).strftime(form).encode())


def extension(name, value=b"\x05\x00", critical=False):
    return seq(oid(name), b"\x01\x01\xff" if critical else b"", octets(value))


def subject_of(certificate):
    return certificate.subject.public_bytes()


def key_bits(public_key):
    """What a key hash is made of: the BIT STRING's content without its unused-bits octet."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return public_key.public_bytes(serialization.Encoding.DER,
                                       serialization.PublicFormat.PKCS1)
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return public_key.public_bytes(serialization.Encoding.X962,
                                       serialization.PublicFormat.UncompressedPoint)
    return public_key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def der(certificate):
    if isinstance(certificate, bytes):
        return certificate      # or what stands in place of one
    return certificate.public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True)
class Single:
    """One SingleResponse. Ages are seconds before now; `life_s` None: no nextUpdate."""

    status: str = "good"
    age_s: float = HOUR
    life_s: float = 7 * DAY
    serial_off: int = 0             # added to the leaf's serial: another certificate
    hash_name: str = "sha1"
    wrong: str = ""                 # "name" or "key": that hash is of something else
    reason: int = 1                 # of revoked: keyCompromise
    revoked: bytes = None           # revocationTime as it stands there
    extensions: tuple = ()
    time_form: str = "%Y%m%d%H%M%SZ"


@dataclass(frozen=True)
class Answer:
    """A whole answer. `signer` is a Leaf or Authority; None: the leaf's issuer."""

    singles: tuple = (Single(),)
    signer: object = None
    produced_age_s: float = None    # None: as the first thisUpdate
    responder: str = "key"          # key, name, nobody
    embed: tuple = None             # certificates; None: the delegate, when there is one
    algorithm: str = ""             # "": SHA-256 with the signer's kind of key
    extensions: tuple = ()
    version: bytes = b""
    response_type: str = "basic"
    status: int = 0
    bad_signature: bool = False
    unused_bits: int = 0
    inside: object = field(default=lambda basic: basic)   # what becomes of the BasicOCSPResponse
    size: int = 0                   # padded to this many octets


def error(name):
    """Only a status: "tryLater" is 30 03 0a 01 03."""
    return seq(tlv(0x0A, bytes((ERRORS[name],))))


def _cert_id(single, leaf):
    issuer = leaf.issuer.cert
    name, key = subject_of(issuer), key_bits(issuer.public_key())
    name_hash = hashlib.new(single.hash_name, name + b"x" * (single.wrong == "name")).digest()
    key_hash = hashlib.new(single.hash_name, key + b"x" * (single.wrong == "key")).digest()
    return seq(seq(oid(single.hash_name), NULL), octets(name_hash), octets(key_hash),
               integer(leaf.serial + single.serial_off))


def _status(single, now):
    if single.status == "good":
        return b"\x80\x00"
    if single.status == "unknown":
        return b"\x82\x00"
    when = tlv(0x18, single.revoked) if single.revoked else moment(now, single.age_s + HOUR)
    return tlv(0xA1, when, tlv(0xA0, tlv(0x0A, bytes((single.reason,)))))


def _single(single, leaf, now):
    after = b"" if single.life_s is None else tlv(0xA0, moment(
        now, single.age_s - single.life_s, single.time_form))
    more = tlv(0xA1, seq(*single.extensions)) if single.extensions else b""
    return seq(_cert_id(single, leaf), _status(single, now),
               moment(now, single.age_s, single.time_form), after, more)


def _responder_id(answer, certificate):
    if answer.responder == "nobody":
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody at all")])
        return tlv(0xA1, name.public_bytes())
    if answer.responder == "name":
        return tlv(0xA1, subject_of(certificate))
    return tlv(0xA2, octets(hashlib.sha1(key_bits(certificate.public_key())).digest()))


PSS = {"rsa-pss": ("sha256", hashes.SHA256(), 32),
       "rsa-pss, salt 20": ("sha256", hashes.SHA256(), 20),
       "rsa-pss, trailer": ("sha256", hashes.SHA256(), 32),
       "rsa-pss, sha384": ("sha384", hashes.SHA384(), 48)}


def _sign_pss(private_key, name, tbs):
    digest_name, digest, salt_size = PSS[name]
    inside = seq(oid(digest_name), NULL)
    parameters = seq(tlv(0xA0, inside), tlv(0xA1, seq(oid("mgf1"), inside)),
                     tlv(0xA2, integer(salt_size)),
                     tlv(0xA3, integer(1)) if name.endswith("trailer") else b"")
    return (seq(oid("rsa-pss"), parameters),
            private_key.sign(tbs, padding.PSS(padding.MGF1(digest), salt_size), digest))


def _sign(private_key, algorithm, tbs):
    """(AlgorithmIdentifier, signature)"""
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        return seq(oid("ed25519")), private_key.sign(tbs)
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        null = NULL if algorithm == "ecdsa with NULL" else b""
        return seq(oid("ecdsa-sha256"), null), private_key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    if algorithm in PSS:
        return _sign_pss(private_key, algorithm, tbs)
    digest = {"rsa-sha1": hashes.SHA1(), "rsa-sha224": hashes.SHA224()}.get(algorithm,
                                                                            hashes.SHA256())
    return (seq(oid(algorithm or "rsa-sha256"), NULL),
            private_key.sign(tbs, padding.PKCS1v15(), digest))


def _tbs(answer, leaf, certificate, now):
    produced = answer.produced_age_s
    if produced is None:
        produced = answer.singles[0].age_s if answer.singles else HOUR
    more = tlv(0xA1, seq(*answer.extensions)) if answer.extensions else b""
    return seq(answer.version, _responder_id(answer, certificate), moment(now, produced),
               seq(*(_single(single, leaf, now) for single in answer.singles)), more)


def _once(answer, leaf, now):
    signer = answer.signer or leaf.issuer
    tbs = _tbs(answer, leaf, signer.cert, now)
    algorithm, signature = _sign(signer.key, answer.algorithm, tbs)
    if answer.bad_signature:
        signature = signature[:-1] + bytes((signature[-1] ^ 1,))
    embed = answer.embed
    if embed is None:
        embed = (signer.cert,) if answer.signer else ()
    certs = tlv(0xA0, seq(*(der(one) for one in embed))) if embed else b""
    basic = seq(tbs, algorithm, tlv(0x03, bytes((answer.unused_bits,)), signature), certs)
    return seq(tlv(0x0A, bytes((answer.status,))),
               tlv(0xA0, seq(oid(answer.response_type), octets(answer.inside(basic)))))


def build(answer, leaf, now):
    """The DER of this answer about `leaf`, as seen from `now` (aware or naive UTC)."""
    if not answer.size:
        return _once(answer, leaf, now)
    room = answer.size - len(_once(answer, leaf, now))
    while room > 0:
        padded = answer.extensions + (extension("unheard-of", bytes(room)),)
        whole = _once(replace(answer, extensions=padded), leaf, now)
        if len(whole) == answer.size:
            return whole
        room -= len(whole) - answer.size
    raise ValueError(f"no way to {answer.size} octets")
