# SPDX-License-Identifier: Apache-2.0
"""Rules 1 to 6, 26 and 27: the form of the bytes, before anybody asks what they say."""

from dataclasses import replace

from . import answer, cert, der, world
from .answer import (ARCHIVE_CUTOFF, EXTENDED_REVOKE, INTERNAL_ERROR, MALFORMED_REQUEST, NONCE,
                     NOW_S, SCT_LIST, SIG_REQUIRED, TRY_LATER, UNAUTHORIZED, Single)
from .vector import Group, clients, measured
from .world import good

form, status, size, times, extensions = (
    Group(name) for name in ("form", "status", "size", "time-syntax", "extensions"))
MUST_STAPLE = (5,)


def rewrapped(length):
    """A good answer whose outer length is written as @length of its size."""
    whole = good().der()
    body = whole[1 + len(der.length(size_of(whole))):]
    return b"\x30" + length(len(body)) + body


def size_of(whole):
    """The content size of the outermost TLV."""
    first = whole[1]
    return first if first < 0x80 else int.from_bytes(whole[2:2 + (first & 0x7F)], "big")


def indefinite():
    whole = good().der()
    body = whole[1 + len(der.length(size_of(whole))):]
    return b"\x30\x80" + body + b"\x00\x00"


def nested(depth):
    inside = der.NULL
    for _ in range(depth):
        inside = der.sequence(inside)
    return inside


def padded(target):
    """A good answer of exactly @target octets, by an extension nobody knows. By RSA, whose
    signatures are all of one size."""
    pad = target - len(good(world.leaf("rsa")).der())
    for _ in range(4):
        made = good(world.leaf("rsa"), extensions=(cert.extension(cert.UNKNOWN, bytes(pad)),)).der()
        if len(made) == target:
            return made
        pad -= len(made) - target
    raise ValueError(f"no answer has {target} octets")


def mint_form():
    whole = good().der()
    form.take("exact", "A good answer, no octet too many.", good(), 1,
              clients=measured("AAAAA", "AAA"))
    form.refuse("trailing-newline", "One newline behind a good answer.", whole + b"\n", 1,
                "trailing-data", clients=measured("RRRAR", "RRA"))
    form.refuse("trailing-nul", "One zero octet behind a good answer.", whole + b"\0", 1,
                "trailing-data")
    form.refuse("twice", "A good answer twice.", whole + whole, 1, "trailing-data")
    form.refuse("trailing-in-response", "A NULL behind responseBytes, inside OCSPResponse.",
                good(response_tail=der.NULL), 1, "trailing-data")
    form.refuse("trailing-in-bytes", "A NULL behind response, inside ResponseBytes.",
                good(bytes_tail=der.NULL), 1, "trailing-data")
    form.refuse("trailing-in-basic", "A NULL behind the signature, inside BasicOCSPResponse.",
                good(basic_tail=der.NULL), 1, "trailing-data")
    form.refuse("trailing-in-data", "A NULL behind responses, inside the signed ResponseData.",
                good(data_tail=der.NULL), 1, "trailing-data")
    tagged = der.explicit(2, der.NULL)
    for name, tail in (("data", "data_tail"), ("basic", "basic_tail")):
        form.refuse(f"field-in-{name}", f"A field [2], which does not exist, at the end of {name}.",
                    good(**{tail: tagged}), 1, "malformed")
    form.refuse("junk", "The text of an HTML error page.",
                b"<html><body><h1>502 Bad Gateway</h1></body></html>\n", 1, "malformed",
                clients=measured("RRRRR", "RRR"))
    form.refuse("digit-zero", "The single character 0.", b"0", 1, "malformed",
                clients=measured("RRRRR", "RRR"))
    form.refuse("empty", "No octet at all.", b"", 1, "malformed")
    form.refuse("truncated", "A good answer without its last octet.", whole[:-1], 1, "malformed",
                clients=measured("RRRRR", "RRR"))
    form.refuse("truncated-half", "The first half of a good answer.", whole[:len(whole) // 2], 1,
                "malformed", clients=measured("RRRRR", "RRR"))
    form.refuse("pem", "A good answer in PEM.", pem(whole), 1, "malformed")
    form.refuse("non-minimal-length", "The outer length in three octets where two are enough.",
                rewrapped(lambda n: b"\x83" + n.to_bytes(3, "big")), 1, "malformed",
                clients=measured("RAAAR", "AAA"))
    form.refuse("indefinite-length", "BER: the outer length is left open.", indefinite(), 1,
                "malformed")
    form.refuse("deep", "Five hundred SEQUENCEs in each other.", nested(500), 1, "malformed")
    form.refuse("certificate", "The leaf itself in place of an answer.", world.leaf().der, 1,
                "malformed")
    form.take("explicit-version", "version v1 written out although it is the default.",
              good(version=der.explicit(0, der.integer(0))), (1, 5))
    form.refuse("version-2", "version v2.", good(version=der.explicit(0, der.integer(1))), 5,
                "unsupported-version")
    form.refuse("version-negative", "version -1.",
                good(version=der.explicit(0, der.integer(-1))), 5, "malformed")
    form.take("empty-extensions", "responseExtensions present, with nothing in it.",
              good(extensions=()), (1, 26))
    form.refuse("bool-of-one", "critical is BOOLEAN 01, which DER knows not.",
                good(extensions=(der.sequence(der.oid(cert.UNKNOWN), b"\x01\x01\x01",
                                              der.octets(b"")),)), 1, "malformed")
    form.refuse("no-responses", "An empty list of SingleResponses.", good_of(()), (1, 16),
                "no-matching-response")


    next_update = der.explicit(0, der.generalized_time(NOW_S + answer.DAY_S))
    inner = {
        "single": lambda made: made + der.NULL,
        "next-update": lambda made: made.replace(next_update, der.explicit(
            0, next_update[2:], der.NULL)),
    }
    form.refuse("next-update-implicit", "nextUpdate as [0] IMPLICIT.", good_of((odd_single(
        lambda made: made.replace(next_update, der.primitive(0, next_update[4:]))),)), 1,
                "malformed")
    for name, change in inner.items():
        form.refuse(f"trailing-in-{name}", f"A NULL at the end of the {name}.",
                    good_of((odd_single(change),)), 1, "trailing-data")


def odd_single(change):
    """A single of ours, the inside of its SEQUENCE changed; it is signed like that."""
    class Odd(Single):
        def der(self):
            whole = super().der()
            return der.sequence(change(whole[1 + len(der.length(size_of(whole))):]))
    return Odd(world.leaf(), next_s=NOW_S + answer.DAY_S)


def good_of(singles, **changes):
    return replace(good(**changes), singles=tuple(singles))


def pem(whole):
    text = replace(world.leaf(), _der=whole).pem
    return text.replace(b"CERTIFICATE", b"OCSP RESPONSE")


def mint_status():
    staple = world.leaf(features=MUST_STAPLE)
    status.take("successful", "A good answer by the CA.", good(), (2, 3))
    for name, value, seen in (
            ("malformed-request", MALFORMED_REQUEST, {}), ("internal-error", INTERNAL_ERROR, {}),
            ("try-later", TRY_LATER, measured("RIIRR", "ARA")), ("sig-required", SIG_REQUIRED, {}),
            ("unauthorized", UNAUTHORIZED, measured("RIRRR", "ARA"))):
        status.refuse(name, f"Only the error status {value}.", answer.error(value), 2,
                      "error-status", clients=seen)
    status.refuse("try-later-must-staple", "Error status 3 for a must-staple leaf.",
                  answer.error(TRY_LATER), 2, "error-status", leaf=staple,
                  clients=measured("RR---"))
    status.refuse("four", "responseStatus 4, which is not used.", answer.error(4), 2,
                  "error-status", clients=measured("RIRRR", "ARA"))
    status.refuse("seven", "responseStatus 7, which does not exist.", answer.error(7), 2,
                  "error-status", clients=measured("RIRRR", "RRA"))
    status.refuse("four-with-bytes", "responseStatus 4 together with a whole good answer.",
                  replace(good(), status=4), 2, "error-status")
    status.refuse("negative", "responseStatus -1.", der.sequence(der.tlv(0x0A, b"\xff")), 2,
                  "malformed")
    status.refuse("successful-alone", "responseStatus successful and nothing behind it.",
                  answer.error(0), 2, "malformed")
    status.refuse("error-with-bytes", "Error status 3 together with a whole good answer.",
                  replace(good(), status=TRY_LATER), 2, "error-status",
                  clients=measured("RIIRR", "ARA"))
    status.refuse("other-type", "responseType is a private OID.",
                  good(response_type="1.2.3.4.5"), 3, "unsupported-response-type")


def mint_size():
    rsa = world.leaf("rsa")
    size.take("16380", "Filled up to 16,380 octets with an unknown extension: the most that a TLS "
              "1.2 client of OpenSSL takes.", padded(16380), 4, leaf=rsa, warns="4 KiB")
    size.take("4096", "Filled up to 4,096 octets.", padded(4096), 4, leaf=rsa)
    size.refuse("16381", "Filled up to 16,381 octets.", padded(16381), 4, "too-large", leaf=rsa,
                clients=clients("fails", "openssl openssl-default"))
    size.take("16381-rfc6960", "The same for the audience that has no clients.", padded(16381), 4,
              leaf=rsa, audience="rfc6960")
    size.refuse("33k-java", "Filled up to 33,000 octets, for Java, which ends the handshake over "
                "32 KiB.", padded(33000), 4, "too-large", leaf=rsa, audience="java",
                clients=clients("fails", "java java-default java-hard"))
    size.take("20k-java", "Filled up to 20,000 octets, for Java.", padded(20000), 4, leaf=rsa,
              audience="java", clients=clients("accept", "java java-default"))
    size.refuse("over-64k", "Filled up to 66,000 octets.", padded(66000), 4, "too-large", leaf=rsa)


def mint_times():
    times.take("leap-day", "nextUpdate on 29 February.",
               good(this_s="20280228000000Z", next_s="20280229120000Z",
                    produced_s="20280228000000Z", about=long_leaf()), 6, at=1835395200,
               leaf=long_leaf())
    odd = {
        "fraction": ("20260921131320.5Z", "half a second"),
        "fraction-zero": ("20260921131320.0Z", "a fraction of zero"),
        "offset": ("20260921151320+0200", "an offset from UTC"),
        "offset-zero": ("20260921131320+0000", "the offset +0000 in place of Z"),
        "local": ("20260921131320", "no zone"),
        "no-seconds": ("202609211313Z", "no seconds"),
        "lower-case": ("20260921131320z", "a small z"),
        "month-13": ("20261321131320Z", "a thirteenth month"),
        "february-30": ("20260230131320Z", "30 February"),
        "hour-24": ("20260920241320Z", "the hour 24"),
        "leap-second": ("20260920235960Z", "the second 60"),
        "year-1969": ("19690921131320Z", "the year 1969"),
    }
    for name, (text, what) in odd.items():
        times.refuse(f"this-update-{name}", f"thisUpdate with {what}.", good(this_s=text), 6,
                     "malformed")
    times.refuse("produced-at-fraction", "producedAt with half a second.",
                 good(produced_s="20260921131320.5Z"), 6, "malformed")
    times.refuse("next-update-fraction", "nextUpdate with half a second.",
                 good(next_s="20260924131320.5Z"), 6, "malformed")
    times.refuse("next-update-offset", "nextUpdate with an offset from UTC.",
                 good(next_s="20260924131320+0100"), 6, "malformed")
    times.refuse("utc-time", "thisUpdate as UTCTime.", utc_time(), 6, "malformed")


def utc_time():
    """A good answer whose single has UTCTime; it is signed like that."""
    class Odd(Single):
        def der(self):
            old = der.generalized_time(self.this_s)
            return reframed(super().der(), old, b"\x17\x0d" + old[4:])
    return good_of((Odd(world.leaf()),))


def reframed(whole, old, new):
    body = whole[1 + len(der.length(size_of(whole))):]
    assert body.count(old) == 1
    return der.sequence(body.replace(old, new))


def long_leaf():
    return world.leaf(end_s=NOW_S + 800 * answer.DAY_S)


def mint_extensions():
    nonce = cert.extension(NONCE, der.octets(bytes(range(32))))
    extensions.take("nonce", "A nonce, not critical.", good(extensions=(nonce,)), 26)
    extensions.take("explicit-false", "critical FALSE written out, which DER leaves away and no "
                    "client minds.", good(extensions=(der.sequence(
                        der.oid(NONCE), der.boolean(False), der.octets(der.octets(bytes(8)))),)),
                    (1, 26))
    extensions.take("unknown", "An unknown response extension, not critical.",
                    good(extensions=(cert.extension(cert.UNKNOWN, der.NULL),)), 26)
    extensions.refuse("critical", "An unknown critical response extension.",
                      good(extensions=(cert.extension(cert.UNKNOWN, der.NULL, True),)), 26,
                      "critical-extension", clients=measured("RARAA", "RRA"))
    extensions.refuse("critical-nonce", "A critical nonce that nobody asked for.",
                      good(extensions=(cert.extension(NONCE, der.octets(bytes(8)), True),)), 26,
                      "critical-extension")
    extensions.take("single-archive-cutoff", "archiveCutoff in the single, not critical.",
                    good(single_extensions=(cert.extension(
                        ARCHIVE_CUTOFF, der.generalized_time(NOW_S - 365 * answer.DAY_S)),)), 27)
    extensions.refuse("single-critical", "An unknown critical extension in the single.",
                      good(single_extensions=(cert.extension(cert.UNKNOWN, der.NULL, True),)), 27,
                      "critical-extension", clients=measured("RARAA", "RRA"))
    extensions.take("extended-revoke", "The extended-revoke extension beside a good status.",
                    good(extensions=(cert.extension(EXTENDED_REVOKE, der.NULL),)), 26)


def scts(value=der.octets(bytes([0, 6, 0, 4, 1, 2, 3, 4])), critical=False):
    """A list of signed certificate timestamps (RFC 6962 3.3), of one."""
    return cert.extension(SCT_LIST, value, critical)


def mint_timestamps():
    extensions.take("sct-list", "A list of signed certificate timestamps in the single.",
                    good(single_extensions=(scts(),)), 27, clients=measured("AAAAA", "AAA"))
    extensions.refuse("sct-no-value", "The extension for such a list, its value without octets.",
                      good(single_extensions=(scts(b""),)), 27, "malformed",
                      clients=measured("RAAAA", "AAA"))
    for name, value in (("no-octets", b""), ("length-zero", b"\0\0")):
        extensions.refuse(f"sct-{name}", "The same with a list of nothing, where RFC 6962 has at "
                          "least one; no client minds.",
                          good(single_extensions=(scts(der.octets(value)),)), 27, "malformed",
                          clients=measured("AAAAA", "AAA"))
    extensions.refuse("sct-twice", "Two such lists in the single.",
                      good(single_extensions=(scts(), scts())), 27, "malformed",
                      clients=measured("RAAAA", "AAA"))
    extensions.refuse("sct-in-both-hashes", "Two singles of ours, of two hashes, a list in each.",
                      good_of((Single(world.leaf(), extensions=(scts(),)),
                               Single(world.leaf(), hash="sha256", extensions=(scts(),)))),
                      (14, 27), "malformed", clients=measured("RAAAA", "AAA"))
    extensions.take("sct-in-both-hashes-gnutls", "The same for GnuTLS.",
                    good_of((Single(world.leaf(), extensions=(scts(),)),
                             Single(world.leaf(), hash="sha256", extensions=(scts(),)))),
                    (14, 27), audience="gnutls")
    extensions.refuse("sct-critical", "A critical list, which Java does not know.",
                      good(single_extensions=(scts(critical=True),)), 27, "critical-extension",
                      clients=measured("AARAA", "RRA"))
    extensions.take("sct-no-value-of-another", "Ours, then another certificate's single with a "
                    "list without octets.",
                    good_of((Single(world.leaf()), Single(world.leaf(serial=0x1234567890ABCDF0),
                                                          extensions=(scts(b""),)))),
                    (17, 27), clients=measured("AAAAA", "AAA"))


mint_form()
mint_status()
mint_size()
mint_times()
mint_extensions()
mint_timestamps()
