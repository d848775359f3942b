# SPDX-License-Identifier: Apache-2.0
"""The real responder: `openssl ocsp -port`."""

import os
import re
import socket
import time
from pathlib import Path

from .process import Child, wait_for


class OpensslResponder:
    """For one authority: anything with write(), write_key() and write_index() of pki.Authority.

    It picks its port at the first start and keeps it.
    """

    def __init__(self, folder, authority, leaves=(), revoked=(), days=4):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        self.days = days
        self.port = 0
        self.child = None
        self._changes = 0
        self.certificate = authority.write(self.folder / "ca.pem")
        self.key = authority.write_key(self.folder / "ca.key")
        self.index = authority.write_index(self.folder / "index.txt", leaves, revoked)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def know(self, leaves, revoked=()):
        """A new index, which answers from now on."""
        self._changes += 1
        self.authority.write_index(self.index, leaves, revoked)
        # It compares whole seconds: two changes within one would look like none.
        moment = time.time() + 2 * self._changes
        os.utime(self.index, (moment, moment))
        self._nudge()

    def _nudge(self):
        """It looks at its index before it waits for a request, not before it answers one."""
        if self.child:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as asker:
                asker.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while asker.recv(4096):
                    pass

    def start(self):
        log = self.folder / f"openssl-{time.monotonic_ns()}.log"
        self.child = Child(["openssl", "ocsp", "-port", self.port, "-index", self.index,
                            "-CA", self.certificate, "-rsigner", self.certificate,
                            "-rkey", self.key, "-ndays", self.days, "-ignore_err"], log,
                           cwd=self.folder)
        listening = wait_for(lambda: re.search(r"ACCEPT .*:(\d+)", self.child.log()), 10,
                             "openssl ocsp to listen", tell=self.child.log)
        self.port = int(listening.group(1))
        return self

    def stop(self):
        """Dead from here on: connections are refused."""
        if self.child:
            self.child.kill()
            self.child = None

    def __enter__(self):
        return self if self.child else self.start()

    def __exit__(self, *_):
        self.stop()
