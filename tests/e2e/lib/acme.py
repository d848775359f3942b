# SPDX-License-Identifier: Apache-2.0
"""As much of an ACME server (RFC 8555) as a client needs to get a certificate: it believes
everything, and every order is ready at once."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509



def _bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def _reply(self, body, code=200, content_type="application/json", location=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(code)
        self.send_header("Replay-Nonce", "bm9uY2U")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", self.server.owner.url + location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):  # noqa: N802
        url = self.server.owner.url
        self._reply({"newNonce": f"{url}/nonce", "newAccount": f"{url}/account",
                     "newOrder": f"{url}/order", "revokeCert": f"{url}/revoke",
                     "keyChange": f"{url}/key", "meta": {}})

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):  # noqa: N802
        signed = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        payload = json.loads(_bytes(signed["payload"]) or b"{}")
        getattr(self, "_" + self.path.strip("/").partition("/")[0])(payload)

    def _account(self, _payload):
        self._reply({"status": "valid", "orders": "", "contact": []}, 201, location="/account/1")

    def _order(self, payload):
        owner = self.server.owner
        owner.names = payload.get("identifiers", owner.names)
        order = {"status": "valid" if owner.leaf else "ready", "identifiers": owner.names,
                 "authorizations": [f"{owner.url}/authorization"],
                 "finalize": f"{owner.url}/finalize", "certificate": f"{owner.url}/certificate"}
        self._reply(order, 201, location="/order/1")

    def _authorization(self, _payload):
        owner = self.server.owner
        self._reply({"status": "valid", "identifier": owner.names[0], "challenges": [
            {"type": "http-01", "status": "valid", "url": f"{owner.url}/challenge",
             "token": "dG9rZW4"}]})

    def _finalize(self, payload):
        owner = self.server.owner
        request = x509.load_der_x509_csr(_bytes(payload["csr"]))
        owner.leaf = owner.authority.issue(owner.names[0]["value"],
                                           public_key=request.public_key(), **owner.how)
        self._order({})

    def _certificate(self, _payload):
        leaf, self.server.owner.leaf = self.server.owner.leaf, None
        self.server.owner.issued.append(leaf)
        self._reply(leaf.pem(), content_type="application/pem-certificate-chain")


class Acme:
    """Issues for `authority` (pki.Authority), with what is in `how` (options of issue())."""

    def __init__(self, authority, **how):
        self.authority = authority
        self.how = how
        self.names = []
        self.leaf = None    # on its way
        self.issued = []    # pki.Leaf
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
