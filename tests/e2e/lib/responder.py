#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A responder that does what it is told.

ScriptedResponder answers every request by a rule. Rules are set by name, for all certificates or
for one, for all methods or for one, for ever or for a number of requests:

    responder.set("good")                              # what it does anyway
    responder.set("http", code=503, leaf=shop, times=2)
    responder.set("http", code=405, method="GET")

It also serves issuers (serve()), and works as HTTP proxy for itself: a request for
http://ocsp.example/... is answered as one for /... would be. RULES lists all names; as a program
it takes the same words on standard input.
"""

import argparse
import base64
import contextlib
import socketserver
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "lib"  # pylint: disable=redefined-builtin

from . import answers  # noqa: E402

OCSP_TYPE = "application/ocsp-response"
HTML = b"<!doctype html><title>Welcome</title><p>Please log in to the network.</p>"
DAY = 86400
ENDLESS_CAP = 256 * 1024 * 1024
STALL_S = 60


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    at: float       # time.monotonic()
    method: str
    path: str       # as sent, still escaped
    serial: int     # of the certificate asked about, None when it was no OCSP request
    rule: str       # the name of the rule that answered
    headers: dict
    der: bytes      # the request itself


@dataclass
class Rule:
    name: str
    options: dict
    times: int = None  # requests it still answers; None: for ever


class _Asked:
    """A request on its way to a rule."""

    def __init__(self, handler, cert_id, body):
        self.handler = handler
        self.cert_id = cert_id
        self.body = body
        self.issuer = handler.server.owner.issuer_of(cert_id) if cert_id else None

    def answer(self, **fields):
        if self.issuer is None:
            return answers.error("unauthorized")
        made = answers.build(self.cert_id, self.issuer, answers.Answer(**fields))
        self.handler.owner.sent[self.cert_id["serial_number"].native] = made
        return made


def _answer_rule(**preset):
    def run(asked, **options):
        asked.handler.reply(200, asked.answer(**{**preset, **options}))
    return run


def _error_rule(status):
    def run(asked, code=200):
        asked.handler.reply(code, answers.error(status))
    return run


def _http(asked, code=500, body=b"", error=None, headers=()):
    """An HTTP status, with `error` the body is an OCSP error of that name."""
    asked.handler.reply(code, answers.error(error) if error else body, headers=dict(headers))


def _hang(asked, seconds=STALL_S):
    asked.handler.owner.stopping.wait(seconds)
    asked.handler.close_connection = True


def _slow(asked, every_s=0.5):
    """Slow loris: the header at once, then one octet of a good answer now and then."""
    body = asked.answer()
    asked.handler.head(200, len(body))
    for octet in body:
        asked.handler.wfile.write(bytes([octet]))
        if asked.handler.owner.stopping.wait(every_s):
            break
    asked.handler.close_connection = True


def _truncated(asked, keep=0.5):
    """The header promises the whole body, the connection ends before."""
    body = asked.answer()
    asked.handler.head(200, len(body))
    asked.handler.wfile.write(body[:int(len(body) * keep)])
    asked.handler.close_connection = True


def _cut(asked, keep=0.5):
    """Half an answer in a complete HTTP response, as a broken cache would send it."""
    body = asked.answer()
    asked.handler.reply(200, body[:int(len(body) * keep)])


def _endless(asked):
    """A body without end, chunked."""
    handler = asked.handler
    handler.head(200, None, {"Transfer-Encoding": "chunked"})
    sent = 0
    while sent < ENDLESS_CAP and not handler.owner.stopping.is_set():
        handler.wfile.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        sent += 0x4000
    handler.close_connection = True


def _redirect(asked, to=None, code=302, along=False):
    """To `to` (`along`: with the request's own path); without it, to itself for ever."""
    path = asked.handler.path
    place = path if to is None else to.rstrip("/") + path if along else to
    asked.handler.reply(code, b"", headers={"Location": place})


def _other(asked, serial=None):
    """A good answer about another certificate."""
    serial = serial or asked.cert_id["serial_number"].native + 1
    fields = {name: asked.cert_id[name] for name in asked.cert_id}
    fields["serial_number"] = serial
    asked.cert_id = answers.ocsp.CertId(fields)
    asked.handler.reply(200, asked.answer())


def _body(asked, body=b"", content_type=OCSP_TYPE):
    asked.handler.reply(200, body, content_type)


RULES = {
    "good": _answer_rule(),
    "older": _answer_rule(age_s=3 * DAY),
    "expired": _answer_rule(age_s=10 * DAY, life_s=9 * DAY),
    "now": _answer_rule(age_s=0),
    "future": _answer_rule(age_s=-3600),
    "no-next-update": _answer_rule(life_s=None),
    "revoked": _answer_rule(status="revoked"),
    "unknown": _answer_rule(status="unknown"),
    "bad-signature": _answer_rule(bad_signature=True),
    "tryLater": _error_rule("tryLater"),
    "unauthorized": _error_rule("unauthorized"),
    "internalError": _error_rule("internalError"),
    "malformedRequest": _error_rule("malformedRequest"),
    "http": _http,
    "hang": _hang,
    "slow": _slow,
    "truncated": _truncated,
    "cut": _cut,
    "endless": _endless,
    "redirect": _redirect,
    "other": _other,
    "body": _body,
    "html": lambda asked: _body(asked, HTML, "text/html"),
    "empty": lambda asked: _body(asked, b""),
    "not-modified": lambda asked: asked.handler.reply(304, b""),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = STALL_S

    @property
    def owner(self):
        return self.server.owner

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def head(self, code, size, headers=None, content_type=OCSP_TYPE):
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        if size is not None:
            self.send_header("Content-Length", str(size))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()

    def reply(self, code, body, content_type=OCSP_TYPE, headers=None):
        self.head(code, len(body), headers, content_type)
        self.wfile.write(body)

    def _request_der(self, path):
        if self.command == "POST":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # The last segment alone: a client that does not escape "/" and "+" is not understood.
        encoded = urllib.parse.unquote(path.rpartition("/")[2])
        return base64.b64decode(encoded, validate=True)

    def _serve(self):
        path = urllib.parse.urlsplit(self.path).path if "://" in self.path[:8] else self.path
        with contextlib.suppress(OSError):  # the asker went away
            if self.command == "GET" and path in self.owner.files:
                self.owner.note(self, None, "file", b"")
                body, content_type = self.owner.files[path]
                self.reply(200, body, content_type)
                return
            try:
                body = self._request_der(path)
                cert_id = answers.read_request(body) if body else None
            except ValueError:
                body, cert_id = b"", None
            self.owner.answer(self, _Asked(self, cert_id, body))

    do_GET = do_POST = _serve  # noqa: N815


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass


class ScriptedResponder:
    """A responder for the certificates of `authorities` (pki.Authority) that obeys set()."""

    def __init__(self, *authorities, port=0):
        self.port = port
        self.authorities = list(authorities)
        self.files = {}
        self.requests = []
        self.sent = {}  # serial -> the answer made last
        self.stopping = threading.Event()
        self._rules = {}
        self._lock = threading.Lock()
        self._server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        """Starts listening; again on the same port after stop()."""
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.owner = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Dead from here on: connections are refused."""
        if self._server:
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        return self if self._server else self.start()

    def __exit__(self, *_):
        self.stop()

    def set(self, name, leaf=None, method=None, times=None, **options):
        """From now on this rule answers (for `leaf`, for `method`, for `times` requests)."""
        if name not in RULES:
            raise ValueError(f"no rule is called {name}; there are {', '.join(RULES)}")
        with self._lock:
            serial = leaf.serial if leaf else None
            self._rules[serial, method] = Rule(name, options, times)

    def clear(self):
        """Good answers for everyone again."""
        with self._lock:
            self._rules.clear()

    def serve(self, path, body, content_type="application/pkix-cert"):
        """A file, for caIssuers. Its URL."""
        self.files[path] = (body, content_type)
        return self.url.rstrip("/") + path

    def count(self, leaf=None, method=None, rule=None):
        """Requests so far (about `leaf`, with `method`, answered by `rule`)."""
        return len(self.asked(leaf, method, rule))

    def asked(self, leaf=None, method=None, rule=None):
        with self._lock:
            return [request for request in self.requests
                    if (leaf is None or request.serial == leaf.serial)
                    and method in (None, request.method) and rule in (None, request.rule)]

    # What the handlers call.

    def issuer_of(self, cert_id):
        wanted = cert_id["issuer_key_hash"].native, cert_id["hash_algorithm"]["algorithm"].native
        for authority in self.authorities:
            known = answers.certid(_Zero, authority, wanted[1])
            if known["issuer_key_hash"].native == wanted[0]:
                return authority
        return None

    def note(self, handler, serial, rule, der):
        with self._lock:
            self.requests.append(Request(time.monotonic(), handler.command, handler.path, serial,
                                         rule, dict(handler.headers.items()), der))

    def _rule_for(self, serial, method):
        with self._lock:
            for place in ((serial, method), (serial, None), (None, method), (None, None)):
                rule = self._rules.get(place)
                if rule is None:
                    continue
                if rule.times is not None:
                    rule.times -= 1
                    if rule.times <= 0:
                        del self._rules[place]
                return rule
        return Rule("good", {})

    def answer(self, handler, asked):
        serial = asked.cert_id["serial_number"].native if asked.cert_id else None
        rule = self._rule_for(serial, handler.command)
        self.note(handler, serial, rule.name, asked.body)
        if asked.cert_id is None and rule.name in ("good", "revoked", "unknown"):
            handler.reply(400, answers.error("malformedRequest"))
        else:
            RULES[rule.name](asked, **rule.options)


class _Zero:
    """Stands for any certificate where only the issuer's hashes matter."""

    serial = 0
    issuer = None


@dataclass
class _Signer:
    cert: object
    key: object


def _load(certificate, private_key):
    from cryptography import x509  # pylint: disable=import-outside-toplevel
    from cryptography.hazmat.primitives import serialization

    return _Signer(x509.load_pem_x509_certificate(Path(certificate).read_bytes()),
                   serialization.load_pem_private_key(Path(private_key).read_bytes(), None))


def _value(text):
    with contextlib.suppress(ValueError):
        return int(text)
    return text


def _obey(responder, line):
    """One line of standard input: "set NAME [OPTION=VALUE...]", "clear" or "count"."""
    word, *rest = line.split()
    if word == "set":
        name, *pairs = rest
        responder.set(name, **{key: _value(value) for key, _, value in
                               (pair.partition("=") for pair in pairs)})
    elif word == "clear":
        responder.clear()
    elif word == "count":
        print(responder.count(), flush=True)
    else:
        print(f"responder: no command is called {word}: set, clear, count", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description="An OCSP responder on 127.0.0.1 that does what it is told.",
        epilog="Standard input: set RULE [OPTION=VALUE...] | clear | count. Rules: "
               + ", ".join(RULES))
    parser.add_argument("--ca", required=True, help="the issuer's certificate, PEM")
    parser.add_argument("--key", required=True, help="its private key, PEM")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rule", default="good", choices=RULES, help="to start with")
    arguments = parser.parse_args()
    with ScriptedResponder(_load(arguments.ca, arguments.key), port=arguments.port) as responder:
        responder.set(arguments.rule)
        print(responder.url, flush=True)
        for line in sys.stdin:
            if line.strip():
                try:
                    _obey(responder, line)
                except (TypeError, ValueError) as fault:
                    print(f"responder: {fault}", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
