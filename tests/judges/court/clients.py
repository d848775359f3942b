# SPDX-License-Identifier: Apache-2.0
"""The clients that are quick: curl (OpenSSL), gnutls-cli, NSS's tstclnt. Java and Firefox have
files of their own. Each verdict is (accepted, what the client said)."""

import re
import shutil
import subprocess
from pathlib import Path

from .people import HOST

LIMIT_S = 20
TRIES = 3
REQUEST = f"GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n"


class Missing(Exception):
    """A client that is not installed; the text says what to do."""


def need(program):
    path = shutil.which(program)
    if path is None:
        raise Missing(f"{program} is not installed: run tools/deps judges")
    return path


def run(argv, limit_s=LIMIT_S, **more):
    """(exit code, output); a client that hangs is ended and counts as exit code -1."""
    try:
        done = subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=limit_s, check=False, **more)
    except subprocess.TimeoutExpired:
        return -1, f"no end within {limit_s} s"
    return done.returncode, done.stdout


def _last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


class Curl:
    """`--cert-status`: OpenSSL's OCSP_basic_verify and OCSP_check_validity."""

    key, title = "curl", "curl"

    def __init__(self, scene):
        self.argv = [need("curl"), "-sS", "-q", "-o", "/dev/null", "--noproxy", "*",
                     "--max-time", "15", "--cert-status", "--cacert", scene.root]

    @staticmethod
    def version():
        match = re.match(r"curl (\S+) .*?(OpenSSL/\S+)", run(["curl", "--version"])[1])
        return f"{match.group(1)} with {match.group(2)}" if match else "?"

    def judge(self, trial):
        code, said = run([*self.argv, "--resolve", f"{HOST}:{trial.port}:127.0.0.1",
                          f"https://{HOST}:{trial.port}/"])
        return code == 0, _last_line(said)


class Gnutls:
    """gnutls-cli without `--ocsp`, which would ask the responder itself."""

    key, title = "gnutls", "GnuTLS"

    def __init__(self, scene):
        self.argv = [need("gnutls-cli"),
            f"--x509cafile={scene.root}", f"--sni-hostname={HOST}", f"--verify-hostname={HOST}"]

    @staticmethod
    def version():
        return run(["gnutls-cli", "--version"])[1].splitlines()[0].split()[-1]

    def judge(self, trial):
        code, said = run([*self.argv, "-p", trial.port, "127.0.0.1"])
        status = re.search(r"- Status: (.*)", said)
        trusted = bool(status) and status.group(1).startswith("The certificate is trusted")
        if trusted != (code == 0):
            return False, f"exit {code}, but {status.group(1) if status else 'no status'}"
        return trusted, status.group(1) if status else _last_line(said)


class Rhel(Gnutls):
    """The same under a policy like that of RHEL 9."""

    key = "rhel"
    POLICY = Path(__file__).with_name("rhel.conf")

    def __init__(self, scene):
        super().__init__(scene)
        self.argv = ["env", f"GNUTLS_SYSTEM_PRIORITY_FILE={self.POLICY}", *self.argv]


class Nss:
    """`tstclnt -T -O -F -A FILE`; without -F it judges nothing, with -q it ends too early."""

    key, title = "nss", "NSS"
    # Other exit codes are trouble of another kind (a connection that broke): asked again.
    SAID = {0: "accepted", 2: "no fresh revocation information", 3: "verification failed"}

    def __init__(self, scene):
        self.program = need("tstclnt")
        self.database = make_database(scene.folder / "nss", scene.root)
        self.request = scene.folder / "request.txt"
        self.request.write_text(REQUEST, encoding="ascii", newline="")

    @staticmethod
    def version():
        code, said = run(["dpkg-query", "-W", "-f", "${Version}", "libnss3"])
        return re.sub(r"^\d+:", "", said) if code == 0 else "?"

    def judge(self, trial):
        for _ in range(TRIES):
            code, said = run([self.program, "-h", "127.0.0.1", "-a", HOST, "-p", trial.port,
                              "-d", f"sql:{self.database}", "-T", "-O", "-F", "-A", self.request])
            if code in self.SAID:
                break
        return code == 0, self.SAID.get(code, _last_line(said))


def make_database(folder, root):
    """An NSS database that trusts `root` for servers."""
    folder.mkdir()
    for argv in (["-N", "--empty-password"], ["-A", "-n", "ca", "-t", "C,,", "-i", root]):
        code, said = run([need("certutil"), argv[0], "-d", f"sql:{folder}", *argv[1:]])
        if code != 0:
            raise AssertionError(f"certutil {argv[0]}: {said}")
    return folder
