# SPDX-License-Identifier: Apache-2.0
"""A responder that does what it is told.

ScriptedResponder answers every request by a rule (lib/rules.py has them all). Rules are set by
name, for all certificates or for one, for all methods or for one, for ever or for a number of
requests:

    responder.set("good")                              # what it does anyway
    responder.set("http", code=503, leaf=shop, times=2)
    responder.set("http", code=405, method="GET")
    responder.set("http-503", delay=1)                 # every rule can be late

It also serves issuers (serve()), and works as HTTP proxy for itself: a request for
http://ocsp.example/... is answered as one for /... would be. It may have several addresses of one
name (LOCALHOST), each of which can die (stop()) or fall silent (mute()) by itself.
"""

import base64
import contextlib
import socket
import socketserver
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from . import answers
from .rules import OCSP_TYPE, RULES, STALL_S, Asked

LOCALHOST = ("127.0.0.1", "::1")  # what curl takes "localhost" for, in this order
PORT_TRIES = 20


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
    beside: int     # others that were being answered at that moment


@dataclass
class Rule:
    name: str
    options: dict
    times: int = None  # requests it still answers; None: for ever
    delay: float = 0   # seconds before it does anything


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
        self.send_response_only(code)
        if "Date" not in (headers or {}):
            self.send_header("Date", self.date_time_string())
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
            self.owner.answer(self, Asked(self, cert_id, body))

    do_GET = do_POST = _serve  # noqa: N815


class _Server(socketserver.ThreadingTCPServer):
    """One address. When it ends, so do the connections that are kept open."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, owner, host, port):
        self.owner = owner
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._connections = set()
        super().__init__((host, port), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def process_request(self, request, client_address):
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self._connections.discard(request)
        super().shutdown_request(request)

    def end(self):
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # the asker went away, or we end
            super().handle_error(request, client_address)


class _Silent:
    """An address where connections are never made: its queue is full, so that the kernel drops
    whoever knocks."""

    def __init__(self, host, port):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sockets = [socket.socket(family)]
        self.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sockets[0].bind((host, port))
        self.sockets[0].listen(0)
        for _ in range(3):
            caller = socket.socket(family)
            caller.setblocking(False)
            caller.connect_ex((host, port))
            self.sockets.append(caller)

    def end(self):
        for one in self.sockets:
            one.close()


class ScriptedResponder:
    """A responder for the certificates of `authorities` (pki.Authority) that obeys set().

    With several `hosts` (LOCALHOST) its URL has the name localhost, which stands for them.
    """

    def __init__(self, *authorities, port=0, hosts=("127.0.0.1",)):
        self.port = port
        self.hosts = tuple(hosts)
        self.authorities = list(authorities)
        self.files = {}
        self.requests = []
        self.sent = {}  # serial -> the answer made last
        self.made = []  # (rule, answer): all of them
        self.stopping = threading.Event()
        self._rules = {}
        self._open = 0
        self._lock = threading.Lock()
        self._servers = {}  # host -> _Server or _Silent

    @property
    def url(self):
        host = self.hosts[0] if len(self.hosts) == 1 else "localhost"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def start(self):
        """Starts listening; again on the same port after stop()."""
        self.stopping = threading.Event()
        for _ in range(1 if self.port else PORT_TRIES):
            try:
                self._listen()
                return self
            except OSError:  # the port is free on one address and not on the other
                self._end(self.hosts)
        raise OSError(f"there is no port to listen at on {' and '.join(self.hosts)}")

    def _listen(self):
        port = self.port
        for host in self.hosts:
            if isinstance(self._servers.get(host), _Silent):
                self._end((host,))
            if host not in self._servers:
                self._servers[host] = _Server(self, host, port)
                port = self._servers[host].server_address[1]
        self.port = port

    def _end(self, hosts):
        for host in hosts:
            server = self._servers.pop(host, None)
            if server:
                server.end()

    def stop(self, *hosts):
        """Dead from here on (at these hosts): connections are refused, those that are open end."""
        if not hosts or set(hosts) >= set(self._servers):
            self.stopping.set()
        self._end(hosts or self.hosts)

    def mute(self, *hosts):
        """From here on nobody gets a connection (at these hosts), nor a refusal."""
        self.stop(*hosts)
        for host in hosts or self.hosts:
            self._servers[host] = _Silent(host, self.port)

    def __enter__(self):
        return self if self._servers else self.start()

    def __exit__(self, *_):
        self.stop()

    def set(self, name, leaf=None, method=None, times=None, delay=0, **options):
        """From now on this rule answers (for `leaf`, for `method`, for `times` requests)."""
        if name not in RULES:
            raise ValueError(f"no rule is called {name}; there are {', '.join(RULES)}")
        with self._lock:
            serial = leaf.serial if leaf else None
            self._rules[serial, method] = Rule(name, options, times, delay)

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
                                         rule, dict(handler.headers.items()), der, self._open))

    @contextlib.contextmanager
    def _busy(self):
        with self._lock:
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1

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
        with self._busy():
            if rule.delay:
                self.stopping.wait(rule.delay)
            asked.rule = rule.name
            if asked.cert_id is None and rule.name in ("good", "revoked", "unknown"):
                handler.reply(400, answers.error("malformedRequest"))
            else:
                RULES[rule.name][0](asked, **rule.options)


class _Zero:
    """Stands for any certificate where only the issuer's hashes matter."""

    serial = 0
    issuer = None
