# SPDX-License-Identifier: Apache-2.0
"""What real TLS clients see of a server's staple."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone

from .process import Late, wait_for

RSA = "RSA-PSS+SHA256:RSA+SHA256"
ECDSA = "ECDSA+SHA256"


@dataclass(frozen=True)
class Sight:
    """One handshake as `openssl s_client -status` saw it."""

    connected: bool
    stapled: bool
    status: str       # "good", "revoked", "unknown", or "" without a staple
    serial: str       # of the answer, lower case hex without leading zeros
    this_update: str  # as openssl prints it
    next_update: str
    leaf_serial: str  # of the certificate that the server showed
    signature: str    # of the answer, in hex, which tells it from all others
    text: str

    def __str__(self):
        if not self.connected:
            return "no TLS connection"
        if not self.stapled:
            return "no staple"
        return f"{self.status} until {self.next_update}"


def _field(pattern, text):
    match = re.search(pattern, text)
    return match.group(1).strip() if match else ""


def _hex(text):
    return text.lower().lstrip("0")


def _leaf_serial(text):
    # A staple may hold certificates, too, and comes before.
    pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----",
                    text.partition("\nServer certificate\n")[2], re.S)
    if not pem:
        return ""
    # By openssl: the demo has none but the standard library.
    done = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem.group(0),
                          capture_output=True, text=True, check=True)
    return f"{int(done.stdout.strip().partition('=')[2], 16):x}"


def _signature(text):
    match = re.search(r"\n\s+Signature Algorithm: .*\n(?:\s+Signature Value:.*\n)?"
                      r"((?:\s+[0-9a-f:]+\n)+)", text)
    return re.sub(r"[\s:]", "", match.group(1)) if match else ""


def look(port, name, sigalgs=None, *more):
    """A handshake with 127.0.0.1:port for server name `name`."""
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name,
            "-status", *(["-sigalgs", sigalgs] if sigalgs else []), *more]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return Sight(False, False, "", "", "", "", "", "", "openssl s_client: no answer in 10 s")
    text = done.stdout + done.stderr
    staple = text.partition("OCSP Response Data:")[2]
    stapled = bool(staple)
    return Sight("BEGIN CERTIFICATE" in text, stapled, _field(r"Cert Status: (\w+)", text),
                 _hex(_field(r"\n\s+Serial Number: ([0-9A-Fa-f]+)", text)),
                 _field(r"This Update: (.*)", text), _field(r"Next Update: (.*)", text),
                 _leaf_serial(text), _signature(staple), text)


def seconds(printed):
    """openssl's "Nov 22 15:04:20 2026 GMT" as seconds since 1970."""
    moment = datetime.strptime(printed, "%b %d %H:%M:%S %Y GMT")
    return int(moment.replace(tzinfo=timezone.utc).timestamp())


def see_staple(port, name, limit_s=10, tell=None, sigalgs=None, more=()):
    """Waits for a good staple on the wire whose serial is that of the certificate shown; `more`
    for s_client."""
    last = [None]

    def seen():
        last[0] = look(port, name, sigalgs, *more)
        sight = last[0]
        return sight.status == "good" and sight.serial == sight.leaf_serial

    try:
        wait_for(seen, limit_s, f"a staple of {name} on port {port}", 0.1, tell)
    except Late as late:
        raise Late(f"{late}\nseen last: {last[0]}") from None
    return last[0]


def see_none(port, name, limit_s=10, tell=None, **how):
    """Waits until a handshake succeeds and shows no staple."""
    def gone():
        sight = look(port, name, **how)
        return sight if sight.connected and not sight.stapled else None

    return wait_for(gone, limit_s, f"no staple of {name} on port {port}", 0.1, tell)


def gnutls(port, name, authority):
    """gnutls-cli, which fails on a bad staple: (exit code, output); None when not installed."""
    program = shutil.which("gnutls-cli")
    if program is None:
        return None
    done = subprocess.run([program, "--x509cafile", str(authority), "--sni-hostname", name,
                           "--verify-hostname", name, "-p", str(port), "--ocsp", "127.0.0.1"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr
