#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job shown end to end, on real servers, in under a minute.

A small PKI, a real `openssl ocsp` for each authority, a real nginx and a real HAProxy; clinch keeps
their staples; then the responders die, clinch is killed with -9, both servers are restarted, and
the staples are still there. Needs Python's standard library and openssl, nothing else, and
listens on loopback only. Exit code 0 when every step did what it says.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import clients, servers, unpack  # noqa: E402
from lib.clinch import Clinch  # noqa: E402
from lib.openssl import OpensslResponder  # noqa: E402
from lib.process import end_all, wait_for  # noqa: E402

MARKER = ".clinch-demo"
LONGEST_WORK = 70  # sockets lie below it, and their paths are limited to 107 octets
COLUMNS, INDENT = 80, 3
STAPLED = ("shop.test", "api.test", "bank.test")
BARE = ("gone.test", "plain.test")
WHAT = {"shop.test": "RSA", "api.test": "ECDSA", "bank.test": "RSA, must-staple",
        "gone.test": "RSA, revoked", "plain.test": "RSA, without OCSP URL"}


class Failed(Exception):
    """A step did not do what it says."""


class Teller:
    """Plain lines, numbered steps; bold only on a terminal."""

    def __init__(self):
        self.step = 0
        self.last = ""
        self.checks = 0
        self.bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def title(self, text):
        self.step += 1
        line = f"{self.step}. {text}"
        self.gap()
        self.put(f"\x1b[1m{line}\x1b[0m" if self.bold else line)

    def say(self, text):
        self.put((" " * INDENT + text).rstrip())

    def gap(self):
        """An empty line, never two."""
        if self.last:
            self.put("")

    def put(self, line):
        self.last = line
        print(line, flush=True)

    def check(self, holds, text):
        if not holds:
            raise Failed(text)
        self.checks += 1
        self.say(f"ok  {text}")


def openssl(*args, **how):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True,
                          check=False, timeout=30, stdin=subprocess.DEVNULL, **how)
    if done.returncode != 0:
        raise Failed(f"openssl {args[0]}: {done.stderr.strip()}")
    return done.stdout


class Authority:
    """A CA made with the openssl command."""

    def __init__(self, folder, name, new_key):
        self.folder = folder
        self.name = name
        self.new_key = new_key
        self.key = folder / f"{name}.key"
        self.cert = folder / f"{name}.pem"
        self.serial = 0x1000
        openssl("req", "-x509", "-new", *new_key, "-nodes", "-keyout", self.key, "-out",
                self.cert, "-days", 3650, "-subj", f"/CN=clinch demo {name}", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")

    def issue(self, name, url=None, must_staple=False):
        """NAME's certificate, issuer and private key in one file, as HAProxy takes it."""
        self.serial += 1
        base = self.folder / name
        access = f"authorityInfoAccess=OCSP;URI:{url}\n" if url else ""
        feature = "1.3.6.1.5.5.7.1.24=DER:30:03:02:01:05\n" if must_staple else ""
        base.with_suffix(".ext").write_text(
            f"subjectAltName=DNS:{name}\nbasicConstraints=critical,CA:false\n"
            "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n" + access + feature,
            encoding="ascii")
        openssl("req", "-new", *self.new_key, "-nodes", "-subj", f"/CN={name}", "-keyout",
                base.with_suffix(".key"), "-out", base.with_suffix(".csr"))
        openssl("x509", "-req", "-in", base.with_suffix(".csr"), "-CA", self.cert, "-CAkey",
                self.key, "-set_serial", self.serial, "-days", 90, "-extfile",
                base.with_suffix(".ext"), "-out", base.with_suffix(".crt"))
        parts = (base.with_suffix(".crt"), self.cert, base.with_suffix(".key"))
        return name, self.serial, b"".join(part.read_bytes() for part in parts)

    # What OpensslResponder asks of an authority.

    def write(self, path):
        return Path(shutil.copy(self.cert, path))

    def write_key(self, path):
        return Path(shutil.copy(self.key, path))

    def write_index(self, path, known, revoked=()):
        end = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 80 * 86400))
        hour_ago = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 3600))
        lines = [f"V\t{end}\t\t{serial:X}\tunknown\t/CN={name}\n" for name, serial, _ in known]
        lines += [f"R\t{end}\t{hour_ago}\t{serial:X}\tunknown\t/CN={name}\n"
                  for name, serial, _ in revoked]
        Path(path).write_text("".join(lines), encoding="ascii")
        Path(f"{path}.attr").write_text("unique_subject = no\n", encoding="ascii")
        return Path(path)


class Demo:
    def __init__(self, binary, work, teller):
        self.work = work
        self.tell = teller
        self.clinch = Clinch(work, binary)
        self.certs = work / "certs"
        self.snippets = work / "snippets"
        self.responders = []
        self.nginx = self.haproxy = self.daemon = None

    def make_pki(self):
        self.tell.title("A small PKI, made with openssl")
        folder = self.work / "pki"
        for path in (folder, self.certs, self.snippets):
            path.mkdir()
        rsa = Authority(folder, "rsa-ca", ["-newkey", "rsa:2048"])
        ecdsa = Authority(folder, "ecdsa-ca", ["-newkey", "ec", "-pkeyopt",
                                               "ec_paramgen_curve:prime256v1"])
        self.responders = [OpensslResponder(self.work / f"ocsp-{authority.name}", authority)
                           for authority in (rsa, ecdsa)]
        for responder in self.responders:
            responder.start()
        rsa_url, ecdsa_url = (responder.url for responder in self.responders)
        good = [rsa.issue("shop.test", rsa_url),
                rsa.issue("bank.test", rsa_url, must_staple=True)]
        gone, plain = rsa.issue("gone.test", rsa_url), rsa.issue("plain.test")
        api = ecdsa.issue("api.test", ecdsa_url)
        self.responders[0].know(good, [gone])
        self.responders[1].know([api])
        for name, _, pem in (*good, api, gone, plain):
            (self.certs / name).with_suffix(".pem").write_bytes(pem)
        for name, what in WHAT.items():
            self.tell.say(f"{name:<12} {what}")

    def start_servers(self, programs):
        self.tell.title("A real nginx and a real HAProxy, without any staple")
        files = {name: (self.certs / name).with_suffix(".pem") for name in WHAT}
        sites = [servers.Site(name, path, path, f"{self.snippets}/{path.stem}*.conf")
                 for name, path in files.items()]
        self.nginx = servers.Nginx(programs, self.work / "nginx", sites).start()
        self.haproxy = servers.HAProxy(programs, self.work / "haproxy", files.values()).start()
        for server in (self.nginx, self.haproxy):
            version = subprocess.run([server.argv()[0], "-v"], env=programs.environment(),
                                     capture_output=True, text=True, check=False, timeout=10)
            words = (version.stdout + version.stderr).splitlines()[0].partition(" - ")[0]
            self.tell.say(f"127.0.0.1:{server.port:<5}  {words}")
        self.tell.check(not any(self.look(server, name).stapled for server in self.both()
                                for name in WHAT), "neither of them staples anything")

    def both(self):
        return self.nginx, self.haproxy

    def look(self, server, name):
        sight = clients.look(server.port, name)
        if not sight.connected:
            raise Failed(f"{server.kind} did not finish a handshake for {name}:\n{sight.text}")
        return sight

    def config(self):
        return self.clinch.config(
            [self.certs], [{"nginx": self.snippets, "reload": self.nginx.command()},
                           {"haproxy": self.haproxy.socket, "ocsp": "{dir}/{file}.ocsp"}])

    def run_clinch(self):
        self.daemon = self.clinch.run_config(self.config())
        self.tell.say(f"clinch run -c {self.work.name}/clinch.yaml    (process {self.daemon.pid})")

    def table(self):
        """`clinch status`, as a terminal shows it."""
        colour = {} if self.tell.bold else {"NO_COLOR": "1"}
        code, text = self.clinch.on_terminal("status", "--state", self.clinch.state,
                                             columns=COLUMNS - INDENT, env=colour)
        if code != 0:
            raise Failed(f"clinch status: {text}")
        self.tell.gap()
        for line in text.splitlines():
            self.tell.say(line)
        self.tell.gap()

    def states(self):
        done = self.clinch.command("status", "--json")
        return {row["name"]: row["state"] for row in json.loads(done.out)["certs"]} if (
            done.code == 0) else {}

    def wait_states(self, wanted, limit_s, what):
        wait_for(lambda: wanted.items() <= self.states().items(), limit_s, what,
                 tell=self.clinch.logs)

    def fill(self):
        self.tell.title("clinch starts; the responders are not up yet")
        for responder in self.responders:
            responder.stop()
        self.run_clinch()
        self.wait_states({name: "missing" for name in STAPLED}, 10, "clinch to find them all")
        self.table()
        for responder in self.responders:
            responder.start()
            self.tell.say(f"openssl ocsp -port {responder.port}    (process "
                          f"{responder.child.pid})")
        self.wait_states({name: "held" for name in STAPLED}, 25, "all staples")
        self.wait_states({"gone.test": "revoked", "plain.test": "no-url"}, 15, "the others")
        self.table()

    def prove(self, text):
        """Every staple on both servers, as openssl s_client sees it."""
        self.tell.say("openssl s_client -status -connect 127.0.0.1:PORT -servername NAME")
        self.tell.gap()
        for server in self.both():
            for name in STAPLED:
                sight = clients.see_staple(server.port, name, 10, self.clinch.logs)
                self.tell.say(f"{server.kind:<8} {name:<11} {sight}")
            for name in BARE:
                sight = self.look(server, name)
                self.tell.say(f"{server.kind:<8} {name:<11} {sight}")
                if sight.stapled:
                    raise Failed(f"{server.kind} staples {name}, which must have none")
        self.tell.gap()
        self.tell.check(True, text)

    def first_staples(self):
        self.tell.title("The staples are on the wire")
        self.prove("three staples each, none for the revoked one and the one without URL")

    def outage(self):
        self.tell.title("The outage: responders dead, clinch killed with -9")
        for responder in self.responders:
            self.tell.say(f"kill -9 {responder.child.pid}    (openssl ocsp, port "
                          f"{responder.port})")
            responder.stop()
        self.tell.say(f"kill -9 {self.daemon.pid}    (clinch)")
        self.daemon.kill_9()
        self.restart_servers()
        self.prove("still stapled, with nobody but the servers alive")

    def restart_servers(self):
        for server in self.both():
            server.restart()
            self.tell.say(f"{server.kind} restarted    (process {server.child.pid})")

    def comeback(self):
        self.tell.title("clinch comes back in the middle of the outage")
        self.run_clinch()
        self.wait_states({name: "held" for name in STAPLED}, 10, "the staples out of the store")
        self.restart_servers()
        self.prove("restored from disk, judged again, still stapled")
        for name in STAPLED:
            done = self.clinch.staple(self.certs / f"{name.split('.')[0]}.pem")
            if done.code != 0 or not done.raw:
                raise Failed(f"clinch staple {name}: {done}")
        self.table()
        self.tell.check(self.daemon.terminate() == 0, "clinch ends cleanly at SIGTERM")

    def play(self, programs):
        self.make_pki()
        self.start_servers(programs)
        self.fill()
        self.first_staples()
        self.outage()
        self.comeback()


def prepare_work(path):
    """An empty folder that is ours to remove."""
    work = Path(path).resolve()
    if len(str(work)) > LONGEST_WORK:
        work = Path(tempfile.mkdtemp(prefix="clinch-demo-"))
    if work.exists() and any(work.iterdir()) and not (work / MARKER).exists():
        raise Failed(f"{work} is not empty and not from an earlier demo: name another --work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / MARKER).touch()
    return work


def end_on_signal(*_):
    raise Failed("ended by a signal")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clinch", default=unpack.REPOSITORY / "build/clinch")
    parser.add_argument("--work", default=unpack.REPOSITORY / "build/demo")
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look around")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, end_on_signal)
    start = time.monotonic()
    work = None
    teller = Teller()
    try:
        if shutil.which("openssl") is None:
            raise Failed("there is no openssl command: apt-get install openssl")
        binary = Path(arguments.clinch).resolve()
        if not binary.exists():
            raise Failed(f"there is no {binary}: run `make build` first")
        programs = unpack.get(say=print)
        work = prepare_work(arguments.work)
        teller.put("clinch demo: a staple that is bent over does not come out.")
        Demo(binary, work, teller).play(programs)
    except (Failed, AssertionError, unpack.Unavailable, OSError, subprocess.SubprocessError,
            KeyboardInterrupt) as fault:
        end_all()
        print(f"\ndemo: FAILED: {fault or type(fault).__name__}", file=sys.stderr)
        if work:
            print(f"demo: logs and files are left in {work}", file=sys.stderr)
        return 1
    end_all()
    if not arguments.keep:
        shutil.rmtree(work)
    print(f"\ndemo: done in {time.monotonic() - start:.0f} s; every process ended"
          f"{'' if arguments.keep else ', ' + 'all files removed'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
