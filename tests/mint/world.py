# SPDX-License-Identifier: Apache-2.0
"""The certificates that the vectors are about: two issuing CAs, one of RSA and one of P-256, their
leaves and their delegates. All of one root, which is never handed out."""

import functools

from . import answer, cert, der, keys
from .answer import DAY_S, HOUR_S, NOW_S, Answer, Single
from .cert import Cert

START_S, END_S = NOW_S - 30 * DAY_S, NOW_S + 60 * DAY_S
CA_START_S, CA_END_S = NOW_S - 365 * DAY_S, NOW_S + 3650 * DAY_S
CA_KEYS = {"rsa": "rsa:ca", "ec": "p256:ca", "ec384": "p384:ca", "weak": "rsa:small",
           "sibling": "p256:sibling", "named": "p256:named", "critical": "p256:critical",
           "written-out": "written-out:ca"}
CA_NAMES = {"rsa": "clinch test CA R", "ec": "clinch test CA E", "ec384": "clinch test CA P",
            "weak": "clinch test CA W", "sibling": "clinch test CA E",
            "named": "clinch test CA N", "critical": "clinch test CA C",
            "written-out": "clinch test CA O"}
# What else stands in the certificate of one. "named" allows DNS names below test.
CA_MORE = {"named": (cert.only_names(der.primitive(2, der.ia5("test"))),),
           "critical": (cert.extension(cert.UNKNOWN, der.NULL, True),)}


@functools.lru_cache(maxsize=None)
def root():
    return Cert(cert.name("clinch test root"), keys.key("p256:root"), not_before_s=CA_START_S,
                not_after_s=CA_END_S, extensions=(cert.basic_constraints(True),))


@functools.lru_cache(maxsize=None)
def ca(kind="ec"):
    """An issuing CA. "sibling" has the name of "ec" and another key; "root" is above all."""
    if kind == "root":
        return root()
    key = keys.key(CA_KEYS[kind])
    return Cert(cert.name(CA_NAMES[kind]), key, root(), 0x2000 + len(kind), CA_START_S, CA_END_S,
                (cert.basic_constraints(True), cert.key_usage(0, 5, 6), cert.subject_key_id(key),
                 cert.authority_key_id(root().key), *CA_MORE.get(kind, ())))


@functools.lru_cache(maxsize=None)
def leaf(kind="ec", serial=0x1234567890ABCDEF, *, features=(), url="http://ocsp.test/",
         start_s=START_S, end_s=END_S, purposes=(cert.SERVER_AUTH,)):
    """A server's certificate; @features (5,) makes it must-staple."""
    key = keys.key("p256:leaf")
    extensions = [cert.basic_constraints(False), cert.eku(*purposes), cert.alt_name("www.test"),
                  cert.authority_key_id(ca(kind).key)]
    if url:
        extensions.append(cert.ocsp_url(url))
    if features:
        extensions.append(cert.tls_feature(*features))
    return Cert(cert.name("www.test"), key, ca(kind), serial, start_s, end_s, tuple(extensions))


def delegate(kind="ec", key="p256:delegate", **changes):
    """A certificate that may sign answers for a CA; @key is a Key or the name of one, @changes are
    fields of Cert."""
    issuer = ca(kind)
    key = keys.key(key) if isinstance(key, str) else key
    fields = {
        "subject": cert.name("clinch test OCSP signer"), "key": key, "issuer": issuer,
        "serial": 0x3000, "not_before_s": START_S, "not_after_s": END_S,
        "extensions": delegate_extensions(issuer.key)}
    return Cert(**{**fields, **changes})


def delegate_extensions(issuer_key, *, purposes=(cert.OCSP_SIGNING,), with_nocheck=True,
                        is_ca=False, more=()):
    found = [cert.basic_constraints(is_ca), cert.key_usage(0), cert.authority_key_id(issuer_key)]
    if purposes:
        found.append(cert.eku(*purposes))
    if with_nocheck:
        found.append(cert.nocheck())
    return tuple(found) + tuple(more)


def good(about=None, signer=None, **changes):
    """A good answer about a leaf. @changes are fields of Answer, or of its only Single."""
    about = about or leaf()
    single = {name: changes.pop(name) for name in list(changes)
              if name in Single.__dataclass_fields__ and name != "extensions"}
    if "single_extensions" in changes:
        single["extensions"] = changes.pop("single_extensions")
    fields = {"singles": (Single(about, **single),), "signer": signer or about.issuer}
    return Answer(**{**fields, **changes})


def delegated(by, about=None, **changes):
    """A good answer signed by the delegate @by, which is embedded."""
    return good(about, by, **{"certs": (by.der,), **changes})


def noise(number, size=0):
    """A certificate that has nothing to do with anything, at least @size octets long."""
    key = keys.key("p256:noise")
    more = (cert.extension(cert.UNKNOWN, bytes(size)),) if size else ()
    return Cert(cert.name(f"noise {number}"), key, None, 0x4000 + number, START_S, END_S, more)


__all__ = ["answer", "ca", "delegate", "delegate_extensions", "delegated", "good", "leaf", "noise",
           "root", "DAY_S", "HOUR_S", "NOW_S"]
