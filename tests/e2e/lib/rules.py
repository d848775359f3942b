# SPDX-License-Identifier: Apache-2.0
"""What a scripted responder can do with a request: RULES, by name, each with a sentence.

A rule is called with the request (Asked) and its options. Those that answer take the fields of
answers.Answer: `age_s`, `life_s`, `status`, `signer`...
"""

import email.utils
import time

from . import answers

OCSP_TYPE = "application/ocsp-response"
HTML = b"<!doctype html><title>Welcome</title><p>Please log in to the network.</p>"
DAY = 86400
ENDLESS_CAP = 256 * 1024 * 1024
STALL_S = 60


class Asked:
    """A request on its way to a rule."""

    def __init__(self, handler, cert_id, body):
        self.handler = handler
        self.owner = handler.owner
        self.cert_id = cert_id
        self.body = body
        self.rule = ""  # the name of the one that answers
        self.issuer = self.owner.issuer_of(cert_id) if cert_id else None

    def answer(self, **fields):
        if self.issuer is None:
            return answers.error("unauthorized")
        made = answers.build(self.cert_id, self.issuer, answers.Answer(**fields))
        self.owner.sent[self.cert_id["serial_number"].native] = made
        self.owner.made.append((self.rule, made))
        return made

    def reply(self, body, code=200, headers=()):
        self.handler.reply(code, body, headers=dict(headers))

    def pause(self, seconds):
        """True when the responder is being ended meanwhile."""
        return self.owner.stopping.wait(seconds)


def _http_date(ahead_s=0):
    return email.utils.formatdate(time.time() + ahead_s, usegmt=True)


# Good answers, and what HTTP says beside them.


def _good(asked, etag=None, headers=(), **fields):
    """`etag` names the answer: who asks with that name gets 304. `headers` go with either."""
    headers = {**dict(headers), **({"ETag": etag} if etag else {})}
    if etag and asked.handler.headers.get("If-None-Match") == etag:
        asked.reply(b"", 304, headers)
    else:
        asked.reply(asked.answer(**fields), 200, headers)


def _preset(run, **preset):
    """`run` with other options than its own where none are given."""
    return lambda asked, **options: run(asked, **{**preset, **options})


def _late(asked, seconds=1, **fields):
    asked.pause(seconds)
    asked.reply(asked.answer(**fields))


def _max_age(asked, seconds=3600, age=0, **fields):
    headers = {"Cache-Control": f"public, max-age={seconds}", **({"Age": str(age)} if age else {})}
    asked.reply(asked.answer(**fields), 200, headers)


def _expires(asked, seconds=3600, **fields):
    asked.reply(asked.answer(**fields), 200, {"Expires": _http_date(seconds)})


def _wrong_date(asked, seconds=-DAY, **fields):
    asked.reply(asked.answer(**fields), 200, {"Date": _http_date(seconds)})


def _cached(asked, **fields):
    if "no-cache" in (asked.handler.headers.get("Cache-Control") or ""):
        asked.reply(asked.answer(**fields))
    else:
        stale = asked.answer(age_s=10 * DAY, life_s=9 * DAY)
        asked.reply(stale, 200, {"Age": str(2 * DAY)})


def _other(asked, serial=None, **fields):
    serial = serial or asked.cert_id["serial_number"].native + 1
    names = {name: asked.cert_id[name] for name in asked.cert_id}
    names["serial_number"] = serial
    asked.cert_id = answers.ocsp.CertId(names)
    asked.reply(asked.answer(**fields))


# Errors.


def _error(status):
    return lambda asked, code=200: asked.reply(answers.error(status), code)


def _http(asked, code=500, body=b"", error=None, headers=()):
    asked.reply(answers.error(error) if error else body, code, headers)


def _retry_after(asked, seconds=30, code=503, date=False):
    asked.reply(b"", code, {"Retry-After": _http_date(seconds) if date else str(seconds)})


def _body(asked, body=b"", content_type=OCSP_TYPE):
    asked.handler.reply(200, body.encode() if isinstance(body, str) else body, content_type)


def _redirect(asked, to=None, code=302, along=False):
    path = asked.handler.path
    place = path if to is None else to.rstrip("/") + path if along else to
    asked.reply(b"", code, {"Location": place})


# Connections that do not end well.


def _hang(asked, seconds=STALL_S):
    asked.pause(seconds)
    asked.handler.close_connection = True


def _drop(asked):
    asked.handler.close_connection = True


def _slow(asked, every_s=0.5, **fields):
    body = asked.answer(**fields)
    asked.handler.head(200, len(body))
    for octet in body:
        asked.handler.wfile.write(bytes([octet]))
        if asked.pause(every_s):
            break
    asked.handler.close_connection = True


def _truncated(asked, keep=0.5, **fields):
    body = asked.answer(**fields)
    asked.handler.head(200, len(body))
    asked.handler.wfile.write(body[:int(len(body) * keep)])
    asked.handler.close_connection = True


def _cut(asked, keep=0.5, **fields):
    body = asked.answer(**fields)
    asked.reply(body[:int(len(body) * keep)])


def _chunk(data):
    return b"%x\r\n" % len(data) + data + b"\r\n"


def _endless(asked, chunked=True):
    handler, zeros = asked.handler, bytes(0x4000)
    handler.head(200, None, {"Transfer-Encoding": "chunked"} if chunked else {})
    sent = 0
    while sent < ENDLESS_CAP and not asked.owner.stopping.is_set():
        handler.wfile.write(_chunk(zeros) if chunked else zeros)
        sent += len(zeros)
    handler.close_connection = True


def _unfinished(asked, seconds=STALL_S, **fields):
    asked.handler.head(200, None, {"Transfer-Encoding": "chunked"})
    asked.handler.wfile.write(_chunk(asked.answer(**fields)))
    asked.pause(seconds)
    asked.handler.close_connection = True


def _status(code, error=None):
    return _preset(_http, code=code, error=error)


RULES = {
    "good": (_good, "a good answer (age_s, life_s: of thisUpdate, to nextUpdate; etag)"),
    # Good, with something odd about it.
    "nonce": (_preset(_good, nonce=b"\x04\x08clinch!!"), "a good answer with a nonce nobody sent"),
    "zero-margin": (_preset(_good, age_s=0), "a good answer whose thisUpdate is this second"),
    "late": (_late, "a good answer after `seconds`; every other rule takes `delay`"),
    "max-age": (_max_age, "good, Cache-Control: max-age=`seconds` (`age`: with Age)"),
    "age": (_preset(_max_age, age=1800), "the same, half an hour in some cache"),
    "expires": (_expires, "good, Expires in `seconds`"),
    "wrong-date": (_wrong_date, "good, but Date is `seconds` off (a day behind)"),
    "etag": (_preset(_good, etag='"1"'), "good with the ETag `etag`; 304 for who has that one"),
    "cached": (_cached, "an expired answer out of a cache; fresh for who will have no cache"),
    # Answers that are not to be taken.
    "older": (_preset(_good, age_s=3 * DAY), "a good answer of three days ago"),
    "expired": (_preset(_good, age_s=10 * DAY, life_s=9 * DAY), "an answer that has ended"),
    "future": (_preset(_good, age_s=-3600), "thisUpdate is an hour ahead"),
    "no-next-update": (_preset(_good, life_s=None), "an answer without nextUpdate"),
    "revoked": (_preset(_good, status="revoked"), "revoked"),
    "unknown": (_preset(_good, status="unknown"), "unknown"),
    "bad-signature": (_preset(_good, bad_signature=True), "a signature that is wrong in one bit"),
    "other": (_other, "a good answer about another certificate"),
    # OCSP errors, and HTTP errors with and without them.
    "tryLater": (_error("tryLater"), "OCSP error tryLater"),
    "unauthorized": (_error("unauthorized"), "OCSP error unauthorized"),
    "internalError": (_error("internalError"), "OCSP error internalError"),
    "malformedRequest": (_error("malformedRequest"), "OCSP error malformedRequest"),
    "http": (_http, "HTTP status `code`, with OCSP error `error` as its body"),
    "http-400": (_status(400), "HTTP 400"),
    "http-404": (_status(404), "HTTP 404"),
    "http-429": (_status(429), "HTTP 429, too many requests"),
    "http-500": (_status(500), "HTTP 500"),
    "http-503": (_status(503), "HTTP 503"),
    "http-533": (_status(533), "HTTP 533"),
    "http-400-malformedRequest": (_status(400, "malformedRequest"), "HTTP 400 with that error"),
    "http-401-unauthorized": (_status(401, "unauthorized"), "HTTP 401 with that error"),
    "http-500-internalError": (_status(500, "internalError"), "HTTP 500 with that error"),
    "http-533-unauthorized": (_status(533, "unauthorized"), "HTTP 533 with that error"),
    "retry-after": (_retry_after, "HTTP 503 (`code`), Retry-After: `seconds`"),
    "retry-after-date": (_preset(_retry_after, date=True), "the same, as a date"),
    "not-modified": (_preset(_http, code=304), "HTTP 304 whatever was asked"),
    # HTTP without OCSP in it.
    "body": (_body, "`body` as it is"),
    "html": (_preset(_body, body=HTML, content_type="text/html"), "a page to log in, with 200"),
    "empty": (_body, "nothing, with 200"),
    "zero": (_preset(_body, body=b"0"), "the single octet 0, with 200"),
    "redirect": (_redirect, "a redirect to `to`, or to itself for ever (`along`: same path)"),
    "redirect-to-file": (_preset(_redirect, to="file:///etc/passwd"), "a redirect to a file"),
    # Transport.
    "hang": (_hang, "the request is read, and nothing comes"),
    "drop": (_drop, "the request is read, and the connection closed"),
    "slow": (_slow, "slow loris: a good answer, an octet every half second"),
    "truncated": (_truncated, "the connection ends in the middle of a good answer"),
    "cut": (_cut, "half a good answer as if it were whole, as a broken cache has it"),
    "endless": (_endless, "a body without end, in chunks"),
    "endless-plain": (_preset(_endless, chunked=False), "a body without end or length"),
    "unfinished": (_unfinished, "a good answer in a chunk that is never the last"),
}


def words():
    """All rules, a line each."""
    return "".join(f"  {name:26}{about}\n" for name, (_, about) in RULES.items())
