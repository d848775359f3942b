# SPDX-License-Identifier: Apache-2.0
"""clinch itself: its commands, its daemon with the log at hand, its configuration."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from .process import Child, wait_for

REPOSITORY = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("CLINCH", REPOSITORY / "build/clinch"))
QUIET_STATES = ("no-url", "not-leaf", "cert-expired")


@dataclass(frozen=True, repr=False)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str
    raw: bytes      # standard output as it is
    seconds: float

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"

    __repr__ = __str__

    def lines_about(self, text):
        return lines_about(self.err, text)


def lines_about(text, word):
    """Lines that speak of `word`."""
    return [line for line in text.splitlines() if str(word) in line]


def environment(**more):
    """Ours, without what would change the run: proxies, colours, a service manager."""
    unwanted = ("PROXY", "NOTIFY_SOCKET", "JOURNAL_STREAM", "COLOR")
    env = {name: value for name, value in os.environ.items()
           if not any(word in name.upper() for word in unwanted)}
    return {**env, **more}


def yaml(settings, indent=0):
    """The few shapes that clinch.yaml has, as YAML."""
    lines = []
    pad = " " * indent
    for name, value in settings.items():
        if isinstance(value, list):
            lines.append(f"{pad}{name}:")
            for item in value:
                text = (yaml(item, indent + 4).lstrip() if isinstance(item, dict)
                        else json.dumps(str(item)) + "\n")
                lines.append(f"{pad}  - {text.rstrip()}")
        elif isinstance(value, bool):
            lines.append(f"{pad}{name}: {'true' if value else 'false'}")
        else:
            lines.append(f"{pad}{name}: {json.dumps(str(value))}")
    return "\n".join(lines) + "\n"


class Daemon(Child):
    """`clinch run` in the background."""

    def terminate(self, limit_s=10):
        """SIGTERM, as a service manager does it. The exit code."""
        return self.stop(signal.SIGTERM, limit_s)

    def kill_9(self):
        """No chance to tidy up. Only its own process: its commands may go on."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()
        self.kill()

    def reload(self):
        self.send(signal.SIGHUP)

    def lines_about(self, word):
        return lines_about(self.log(), word)

    def says(self, pattern, limit_s=10):
        """Waits until the log holds `pattern` (a regular expression). The match."""
        return wait_for(lambda: re.search(pattern, self.log()), limit_s,
                        f"the log to say /{pattern}/", tell=self.log)


class Clinch:
    """The binary with a state directory of its own. Everything started here ends with end()."""

    def __init__(self, folder, binary=BINARY):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binary = Path(binary)
        self.state = self.folder / "state"
        self.daemons = []

    # Commands.

    def bare(self, *args, limit_s=30, env=None, prefix=()):
        """A run with exactly these arguments; `prefix` is a command that starts it."""
        start = time.monotonic()
        done = subprocess.run([*prefix, str(self.binary), *map(str, args)], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s,
                              env=environment(**(env or {})))
        return Done(done.returncode, done.stdout.decode(errors="replace"),
                    done.stderr.decode(errors="replace"), done.stdout, time.monotonic() - start)

    def command(self, name, *args, **how):
        """`clinch NAME ... --state OURS`."""
        return self.bare(name, *args, "--state", self.state, **how)

    def once(self, *args, **how):
        return self.command("once", *args, "--allow-loopback", **how)

    def staple(self, path, *args, **how):
        return self.command("staple", path, *args, **how)

    def status(self, *args, **how):
        """The rows of `status --json`."""
        done = self.command("status", *args, "--json", **how)
        assert done.code == 0, done
        return json.loads(done.out)["certs"]

    def row(self, leaf):
        """The status row of one certificate; None when it is not known."""
        rows = [row for row in self.status() if row["leaf_sha256"] == leaf.sha256]
        assert len(rows) <= 1, rows
        return rows[0] if rows else None

    def state_of(self, leaf):
        row = self.row(leaf)
        return row["state"] if row else None

    def on_terminal(self, *args, columns=80, env=None, limit_s=20):
        """What a command writes to a terminal of that width: (exit code, text)."""
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(self.binary, [str(self.binary), *map(str, args)],
                      environment(TERM="xterm", **(env or {})))
        return _read_terminal(pid, terminal, limit_s)

    def forget_plans(self):
        """Takes out of the store when each certificate is to be asked about, and leaves the
        answers: the next run makes plans of its own, which are soon for an old answer."""
        with contextlib.closing(sqlite3.connect(self.state / "store.db")) as database, database:
            database.execute("DELETE FROM certs")

    # The daemon.

    def run(self, *args, env=None, ready=True):
        """Starts `clinch run` on `args` with our state directory."""
        return self._start(["run", *args, "--state", self.state, "--allow-loopback"], env, ready)

    def run_config(self, config, *args, env=None, ready=True):
        """Starts `clinch run -c FILE`."""
        return self._start(["run", "-c", config, *args], env, ready)

    def _start(self, args, env, ready):
        log = self.folder / f"run-{len(self.daemons)}.log"
        daemon = Daemon([self.binary, *args], log, env=environment(**(env or {})))
        self.daemons.append(daemon)
        if ready:
            wait_for(lambda: self.listens() or not daemon.alive(), 10,
                     "clinch run to open its control socket", tell=daemon.log)
            assert daemon.alive(), f"clinch run has ended:\n{daemon.log()}"
        return daemon

    def listens(self):
        """True when a daemon accepts on the control socket: a file left behind is not enough."""
        with socket.socket(socket.AF_UNIX) as asker, contextlib.suppress(OSError):
            asker.settimeout(2)
            asker.connect(str(self.state / "control.sock"))
            return True
        return False

    def config(self, certificates, publish=(), **settings):
        """Writes clinch.yaml with our state directory. Its path."""
        settings = {"state": self.state, "certificates": certificates, "allow_loopback": True,
                    **settings}
        if publish:
            settings["publish"] = list(publish)
        path = self.folder / "clinch.yaml"
        path.write_text(yaml(settings), encoding="utf-8")
        return path

    def wait_state(self, leaf, state, limit_s=10):
        """Waits until `status` says that state of the certificate. Its row."""
        def reached():
            row = self.row(leaf)
            return row if row and row["state"] == state else None

        return wait_for(reached, limit_s, f"{leaf.name} to be {state}", tell=self.logs)

    def logs(self):
        return "".join(f"--- {daemon.log_path}\n{daemon.log()}" for daemon in self.daemons)

    def end(self):
        for daemon in self.daemons:
            daemon.kill()


def _read_terminal(pid, terminal, limit_s):
    text = b""
    deadline = time.monotonic() + limit_s
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            chunk = os.read(terminal, 65536)
            if not chunk:
                break
            text += chunk
        else:
            os.kill(pid, signal.SIGKILL)
    except OSError:  # Linux says EIO at the end
        pass
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), text.decode(errors="replace").replace("\r\n", "\n")
