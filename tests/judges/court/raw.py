# SPDX-License-Identifier: Apache-2.0
"""A TLS server that staples any octets. nginx parses its file and writes it anew, so trailing
octets, lengths that are too long and junk never leave it."""

import contextlib
import socket
import threading

from OpenSSL import SSL

IDLE_S = 10


class RawServer:
    """One port for one trial; its logs say what nginx's would say."""

    def __init__(self, trial):
        self.trial = trial
        self._listener = None
        self._stopping = threading.Event()

    def _context(self):
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_chain_file(str(self.trial.folder / "chain.pem"))
        context.use_privatekey_file(str(self.trial.folder / "key.pem"))
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_ocsp_server_callback(lambda connection, data: self.trial.der)
        return context

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(0.2)
        self.trial.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._context(),), daemon=True).start()
        return self

    def stop(self):
        self._stopping.set()

    def _accept(self, context):
        with self._listener:
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = self._listener.accept()
                    threading.Thread(target=self._serve, args=(context, client),
                                     daemon=True).start()

    def _serve(self, context, client):
        # pyOpenSSL wants a socket that blocks; the kernel's own limit ends one that says nothing.
        client.settimeout(None)
        limit = IDLE_S.to_bytes(8, "little") + bytes(8)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connection = SSL.Connection(context, client)
        connection.set_accept_state()
        try:
            connection.do_handshake()
            asked = connection.recv(4096)
            self._note(self.trial.access_log, asked.split(b"\r\n")[0].decode(errors="replace"))
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
            connection.shutdown()
        except (SSL.Error, OSError) as fault:
            self._note(self.trial.error_log, f"SSL handshake failed: {fault}")
        finally:
            client.close()

    @staticmethod
    def _note(path, line):
        with open(path, "a", encoding="utf-8") as log:
            log.write(line + "\n")
