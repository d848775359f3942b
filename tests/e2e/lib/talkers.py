# SPDX-License-Identifier: Apache-2.0
"""Servers for `clinch probe`: one that staples whatever lies in a file, one that speaks another
protocol before TLS, and hostile ones. Standard library and openssl, nothing else."""

import contextlib
import select
import socket
import threading
import time

from .process import Child, accepts, free_port, wait_for

LDAP_YES = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
XMPP_OFFER = (b"<?xml version='1.0'?><stream:stream id='1' version='1.0'><stream:features>"
              b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>")

# What a server says: first, and then to each thing that it hears.
SCRIPTS = {
    "smtp": (b"220-mx.test\r\n220 ready\r\n", b"250-mx.test\r\n250-STARTTLS\r\n250 HELP\r\n",
             b"220 go on\r\n"),
    "imap": (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", b"* 0 EXISTS\r\na1 OK begin\r\n"),
    "pop3": (b"+OK ready <1@mx.test>\r\n", b"+OK begin\r\n"),
    "ldap": (b"", LDAP_YES),
    "xmpp": (b"", XMPP_OFFER, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    "postgres": (b"", b"S"),
    "ftp": (b"220-ftp.test\r\n be welcome\r\n220 ready\r\n", b"234 go on\r\n"),
}


class Stapler:
    """`openssl s_server` with one certificate and, where it is given, the staple of a file."""

    def __init__(self, folder, leaf, staple=None, args=(), chain=True):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-quiet",
                "-cert", leaf.write(folder / "leaf.pem", chain=False),
                "-key", leaf.write_key(folder / "leaf.key")]
        if chain:
            authority = folder / "chain.pem"
            authority.write_bytes(leaf.pem().removeprefix(leaf.pem(chain=False)))
            argv += ["-cert_chain", authority]
        if staple is not None:
            (folder / "staple.der").write_bytes(staple)
            argv += ["-status_file", folder / "staple.der"]
        self.child = Child([*argv, *args], folder / "s_server.log")
        wait_for(lambda: not self.child.alive() or accepts(self.port), 10, "openssl s_server",
                 tell=self.child.log)
        assert self.child.alive(), self.child.log()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()


class Talker:
    """Accepts, talks as `talk(connection)` does, and relays to `backend` where that returns True.

    Ends with the `with` block, and every connection of it.
    """

    def __init__(self, talk, backend=None, host="127.0.0.1"):
        self.talk = talk
        self.backend = backend
        self.accepted = 0
        self.over = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.listener.settimeout(0.1)
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]

    def _accept(self):
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = self.listener.accept()
                self.accepted += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(1)
            if self.talk(self, connection):
                self._relay(connection)

    def _relay(self, connection):
        with socket.create_connection(("127.0.0.1", self.backend), timeout=5) as behind:
            ends = {connection: behind, behind: connection}
            while not self.over.is_set():
                for ready in select.select(list(ends), [], [], 0.1)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    ends[ready].sendall(data)

    def hear(self, connection):
        """Something, or nothing when it is all over."""
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                return connection.recv(65536)
        return b""

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in list(self.threads):
            thread.join(10)
        self.listener.close()


def speaks(script, behind=b""):
    """A talk by script; `behind` follows the last line at once."""
    def talk(talker, connection):
        first, *answers = script
        connection.sendall(first)
        for number, answer in enumerate(answers, 1):
            if not talker.hear(connection):
                return False
            connection.sendall(answer + (behind if number == len(answers) else b""))
        return True

    return talk


def hangs(talker, connection):
    """Takes everything and says nothing."""
    while talker.hear(connection):
        pass


def floods(block):
    """Says it again and again, as fast as it is taken."""
    def talk(talker, connection):
        while not talker.over.is_set():
            connection.sendall(block)

    return talk


def drips(block, every_s=0.3):
    """One octet now and then, for ever."""
    def talk(talker, connection):
        while not talker.over.is_set():
            for octet in block:
                connection.sendall(bytes((octet,)))
                time.sleep(every_s)

    return talk


def answers_with(block):
    """Hears something, says that, and ends."""
    def talk(talker, connection):
        talker.hear(connection)
        connection.sendall(block)

    return talk
