# SPDX-License-Identifier: Apache-2.0
"""Child processes that end with us, ports that are free, and waiting with a deadline."""

import atexit
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_children = set()


class Late(AssertionError):
    """Something that was waited for did not come in time."""


def wait_for(predicate, limit_s=10.0, what="the condition", every_s=0.05, tell=None):
    """Calls `predicate` until it returns something true, and returns that.

    Raises Late with `what` and the text of `tell()` (a log, say) after `limit_s` seconds.
    """
    deadline = time.monotonic() + limit_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            more = "\n" + tell() if tell else ""
            raise Late(f"waited {limit_s:g} s for {what}, in vain{more}")
        time.sleep(every_s)


def holds_for(predicate, span_s, what="the condition", every_s=0.1, tell=None):
    """The opposite of wait_for: `predicate` must be true all through `span_s` seconds."""
    deadline = time.monotonic() + span_s
    while time.monotonic() < deadline:
        if not predicate():
            more = "\n" + tell() if tell else ""
            raise AssertionError(f"{what} did not last{more}")
        time.sleep(every_s)


def free_port():
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens_at(*hosts):
    """True when this machine has all these addresses: ::1 is not everywhere."""
    with contextlib.suppress(OSError):
        for host in hosts:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.bind((host, 0))
        return True
    return False


def accepts(port, host="127.0.0.1"):
    """True when somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def children(pid):
    """The processes that this one has started and that are not waited for yet."""
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process in a group of its own whose output goes to a file. Ended by its pid, always."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.argv = [str(arg) for arg in argv]
        self.log_path = Path(log)
        with open(self.log_path, "ab") as output:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=env, cwd=cwd, start_new_session=True, preexec_fn=_die_with_parent)
        self.pid = self.process.pid
        _children.add(self)

    def log(self):
        """Everything it has said so far."""
        return self.log_path.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, limit_s=10.0):
        """Its exit code (negative: the signal it died of)."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Late(f"{self.argv[0]} did not end within {limit_s:g} s\n{self.log()}") from None

    def stop(self, number=signal.SIGTERM, limit_s=10.0):
        """Asks it to end, and ends what is left of its group. Its exit code."""
        if self.alive():
            self.send(number)
        try:
            return self.wait(limit_s)
        finally:
            self.kill()

    def kill(self):
        """kill -9 for the whole group; no complaint when nothing is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        _children.discard(self)


@atexit.register
def end_all():
    """The net below the net: whatever still runs at our end is ended."""
    for child in list(_children):
        child.kill()
