# SPDX-License-Identifier: Apache-2.0
"""OCSP answers of every sort, good and bad: built field by field and signed here."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from asn1crypto import algos, core, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from . import pki

UTC = dt.timezone.utc
DEFAULT_LIFETIME_S = 7 * 86400
ERROR_STATUSES = {"malformedRequest": 1, "internalError": 2, "tryLater": 3, "sigRequired": 5,
                  "unauthorized": 6}
REASONS = {"key_compromise", "superseded", "cessation_of_operation", "certificate_hold"}


@dataclass
class Answer:
    """What to say. Seconds are relative to now; `life_s` None leaves nextUpdate out."""

    status: str = "good"             # good, revoked, unknown
    age_s: float = 3600              # now - thisUpdate; negative: in the future
    life_s: float = DEFAULT_LIFETIME_S  # nextUpdate - thisUpdate
    produced_age_s: float = None     # now - producedAt; None: as thisUpdate
    signer: object = None            # a delegate (pki.Leaf); None: the issuer itself
    by_key: bool = True              # ResponderID
    embed: bool = True               # the delegate's certificate goes into the answer
    embed_issuer: bool = False
    bad_signature: bool = False
    reason: str = "key_compromise"   # of revoked
    revoked_age_s: float = 7200
    singles_before: tuple = ()       # other serials put before ours
    nonce: bytes = None              # the value of a nonce extension


def error(status):
    """The answer that is only a status: "tryLater" is 30 03 0a 01 03."""
    return bytes((0x30, 0x03, 0x0A, 0x01, ERROR_STATUSES[status]))


def certid(leaf, issuer=None, hash_name="sha1"):
    """The CertID of a certificate, as its clients ask for it."""
    issuer = issuer or leaf.issuer
    certificate = asn1_x509.Certificate.load(pki.der(issuer.cert))
    public_key = bytes(certificate.public_key["public_key"])
    return ocsp.CertId({
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": hash_name,
                                                 "parameters": core.Null()}),
        "issuer_name_hash": hashlib.new(hash_name, certificate.subject.dump()).digest(),
        "issuer_key_hash": hashlib.new(hash_name, public_key).digest(),
        "serial_number": leaf.serial})


def read_request(der):
    """The first CertID of a request. ValueError when it is no request."""
    request = ocsp.OCSPRequest.load(der, strict=True)
    return request["tbs_request"]["request_list"][0]["req_cert"]


def _status(answer, now):
    if answer.status == "revoked":
        when = now - dt.timedelta(seconds=answer.revoked_age_s)
        return ocsp.CertStatus("revoked", ocsp.RevokedInfo({
            "revocation_time": when.replace(microsecond=0),
            "revocation_reason": answer.reason}))
    return ocsp.CertStatus(answer.status, core.Null())


def _single(cert_id, answer, now):
    this_update = (now - dt.timedelta(seconds=answer.age_s)).replace(microsecond=0)
    single = {"cert_id": cert_id, "cert_status": _status(answer, now), "this_update": this_update}
    if answer.life_s is not None:
        single["next_update"] = this_update + dt.timedelta(seconds=answer.life_s)
    return ocsp.SingleResponse(single)


def _other_id(cert_id, serial):
    fields = {name: cert_id[name].copy() for name in
              ("hash_algorithm", "issuer_name_hash", "issuer_key_hash")}
    return ocsp.CertId({**fields, "serial_number": serial})


def _responder_id(certificate, by_key):
    if not by_key:
        return ocsp.ResponderId("by_name", certificate.subject)
    digest = hashlib.sha1(bytes(certificate.public_key["public_key"])).digest()
    return ocsp.ResponderId("by_key", core.OctetString(digest))


def _sign(private_key, tbs):
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        return "sha256_ecdsa", private_key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return "sha256_rsa", private_key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())


def build(cert_id, issuer, answer=None, now=None):
    """The DER of an answer about `cert_id` in the name of `issuer` (a pki.Authority)."""
    answer = answer or Answer()
    now = now or dt.datetime.now(UTC)
    signer = answer.signer or issuer
    certificate = asn1_x509.Certificate.load(pki.der(signer.cert))
    produced = answer.age_s if answer.produced_age_s is None else answer.produced_age_s
    tbs = ocsp.ResponseData({
        "responder_id": _responder_id(certificate, answer.by_key),
        "produced_at": (now - dt.timedelta(seconds=produced)).replace(microsecond=0),
        "responses": [_single(_other_id(cert_id, serial), answer, now)
                      for serial in answer.singles_before] + [_single(cert_id, answer, now)]})
    if answer.nonce:
        tbs["response_extensions"] = [{"extn_id": "nonce", "extn_value": answer.nonce}]
    algorithm, signature = _sign(signer.key, tbs.dump())
    if answer.bad_signature:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    embedded = [certificate] if answer.signer and answer.embed else []
    if answer.embed_issuer:
        embedded.append(asn1_x509.Certificate.load(pki.der(issuer.cert)))
    basic = {"tbs_response_data": tbs,
             "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
             "signature": signature}
    if embedded:
        basic["certs"] = embedded
    return ocsp.OCSPResponse({
        "response_status": "successful",
        "response_bytes": {"response_type": "basic_ocsp_response",
                           "response": ocsp.BasicOCSPResponse(basic)}}).dump()


@dataclass(frozen=True)
class Facts:
    """What a DER answer says, for assertions."""

    status: str
    serial: int
    this_update: int
    next_update: int
    tbs: bytes  # what was signed: embedded certificates may change, this may not
    signature: str  # in hex, which names the answer


def read(der):
    """The facts of a DER answer's first single."""
    response = ocsp.OCSPResponse.load(der, strict=True)
    basic = response["response_bytes"]["response"].parsed
    single = basic["tbs_response_data"]["responses"][0]
    next_update = single["next_update"].native
    return Facts(single["cert_status"].name, single["cert_id"]["serial_number"].native,
                 int(single["this_update"].native.timestamp()),
                 int(next_update.timestamp()) if next_update else 0,
                 basic["tbs_response_data"].dump(), bytes(basic["signature"].native).hex())
