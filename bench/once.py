#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `clinch once` costs, cold, next to a loop of `openssl ocsp` over the same certificates.

The responder is Debian's nginx with answers signed beforehand (GET: files; POST, which `openssl
ocsp` uses, goes on to a small process), so that it is no bottleneck and charged to nobody: CPU is
that of the command and its children alone. Medians; the runs of both take turns.
"""

import argparse
import base64
import contextlib
import json
import os
import shutil
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/e2e"))

from lib import answers, pki, servers, unpack  # noqa: E402
from lib.clinch import environment  # noqa: E402
from lib.process import end_all  # noqa: E402

TYPE = "application/ocsp-response"


class Post(BaseHTTPRequestHandler):
    """POST: the answer for the serial number, with which a request without extensions ends."""

    protocol_version = "HTTP/1.0"

    def do_POST(self):  # noqa: N802
        request = self.rfile.read(int(self.headers["Content-Length"]))
        body = self.server.bodies.get(request[-self.server.serial_size:], b"")
        self.wfile.write(b"HTTP/1.0 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                         % (200 if body else 404, TYPE.encode(), len(body), body))

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class PostServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


class Responder(servers.Nginx):
    """nginx that answers GET from files and hands POST on."""

    def __init__(self, programs, folder, post_port):
        self.post_port = post_port
        super().__init__(programs, folder)

    def configure(self):
        super().configure()
        root = self.folder / "root"
        block = (f"  merge_slashes off; default_type {TYPE}; keepalive_requests 100000;\n"
                 f"  server {{ listen 127.0.0.1:{self.port} backlog=1024; root {root};\n"
                 f"    location / {{ if ($request_method = POST) {{ "
                 f"proxy_pass http://127.0.0.1:{self.post_port}; }} }} }}\n}}\n")
        text = self.config.read_text(encoding="ascii")
        text = text.replace("worker_connections 256", "worker_connections 4096")
        self.config.write_text(text.rstrip().removesuffix("}") + block, encoding="ascii")


def serial_octets(leaf):
    """The INTEGER's content, as it ends a request."""
    return leaf.serial.to_bytes(leaf.serial.bit_length() // 8 + 1, "big")


def prepare(work, count, programs):
    """Certificates, their answers, and the responder that has them."""
    post = PostServer(("127.0.0.1", 0), Post)
    responder = Responder(programs, work / "nginx", post.server_address[1])
    responder.start()
    ca = pki.Authority("clinch bench CA")
    leaves = ca.issue_many(count, f"http://127.0.0.1:{responder.port}/", "rsa")
    ca.write(work / "ca.pem")
    post.bodies = {}
    post.serial_size = len(serial_octets(leaves[0]))
    threading.Thread(target=post.serve_forever, daemon=True).start()
    (work / "certs").mkdir()
    for leaf in leaves:
        leaf.write(work / "certs")
        cert_id = answers.certid(leaf)
        answer = answers.build(cert_id, ca)
        post.bodies[serial_octets(leaf)] = answer
        request = answers.ocsp.OCSPRequest({"tbs_request": {"request_list": [
            answers.ocsp.Request({"req_cert": cert_id})]}}).dump()
        path = work / "nginx/root" / base64.b64encode(request).decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer)
    assert len(post.bodies) == count, "serial numbers must be of one size"
    check(responder, request, answer)
    return responder


def check(responder, request, answer):
    """The responder itself, before anything is measured."""
    import urllib.request  # pylint: disable=import-outside-toplevel

    url = f"http://127.0.0.1:{responder.port}/"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    escaped = urllib.parse.quote(base64.b64encode(request).decode(), safe="")
    for asked in (url + escaped, urllib.request.Request(url, request)):
        with opener.open(asked, timeout=10) as reply:
            assert reply.read() == answer, "the bench's own responder is broken"


def measure(argv):
    done = subprocess.run([sys.executable, "-I", "-S", str(HERE / "measure.py"), *map(str, argv)],
                          capture_output=True, text=True, check=True, timeout=600,
                          env=environment())
    cost = json.loads(done.stdout)
    if cost["code"] != 0:
        sys.exit(f"bench: {argv[0]} ended with {cost['code']}:\n{done.stderr[-3000:]}")
    return cost


def run_clinch(binary, work, count):
    state = work / "state"
    shutil.rmtree(state, ignore_errors=True)
    cost = measure([binary, "once", work / "certs", "--state", state, "--allow-loopback",
                    "--strict"])
    rows = subprocess.run([binary, "status", "--json", "--state", state], capture_output=True,
                          check=True, timeout=60).stdout
    held = sum(row["state"] == "held" for row in json.loads(rows)["certs"])
    if held != count:
        sys.exit(f"bench: clinch holds {held} of {count} staples")
    return cost


OPENSSL_LOOP = """
for cert in "$1"/certs/*.pem; do
    openssl ocsp -issuer "$1/ca.pem" -CAfile "$1/ca.pem" -cert "$cert" -url "$2" -no_nonce \
        -respout "$1/out/${cert##*/}.der" >"$1/out/last" 2>&1 || exit 1
done
"""


def run_openssl(work, url, count):
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    cost = measure(["sh", "-c", OPENSSL_LOOP, "sh", work, url])
    got = len(list(out.glob("*.der")))
    if got != count:
        sys.exit(f"bench: openssl ocsp got {got} of {count} answers")
    return cost


def median(costs, field):
    return statistics.median(cost[field] for cost in costs)


def report(count, runs, ours, theirs, floor_kib):
    cpu = median(theirs, "cpu_s") / median(ours, "cpu_s")
    wall = median(theirs, "wall_s") / median(ours, "wall_s")
    print(f"clinch once: {cpu:.0f} times less CPU and {wall:.0f} times faster than a loop of "
          "openssl ocsp")
    print(f"({count} certificates, cold, medians of {runs}, {os.cpu_count()} cores)\n")
    print(f"{'':<20}{'wall s':>10}{'CPU s':>10}{'peak MiB':>10}   CPU s, min to max")
    for name, costs in (("clinch once", ours), ("openssl ocsp loop", theirs)):
        spread = [cost["cpu_s"] for cost in costs]
        print(f"{name:<20}{median(costs, 'wall_s'):>10.3f}{median(costs, 'cpu_s'):>10.3f}"
              f"{median(costs, 'peak_kib') / 1024:>10.1f}   {min(spread):.3f} to "
              f"{max(spread):.3f}")
    print(f"\nPeaks under {floor_kib / 1024:.1f} MiB cannot be told apart from the measuring.")
    return cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clinch", default=unpack.REPOSITORY / "build/clinch")
    parser.add_argument("--certs", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--need", type=float, default=10,
                        help="fail when the CPU ratio is below this (10)")
    arguments = parser.parse_args()
    binary = Path(arguments.clinch).resolve()
    if not binary.exists():
        sys.exit(f"bench: there is no {binary}: run `make build` first")
    work = Path(tempfile.mkdtemp(prefix="clinch-bench-"))
    try:
        responder = prepare(work, arguments.certs, unpack.get(say=print))
        url = f"http://127.0.0.1:{responder.port}/"
        ours, theirs = [], []
        for _ in range(arguments.runs):
            ours.append(run_clinch(binary, work, arguments.certs))
            theirs.append(run_openssl(work, url, arguments.certs))
        floor_kib = measure(["true"])["peak_kib"]
        ratio = report(arguments.certs, arguments.runs, ours, theirs, floor_kib)
    except unpack.Unavailable as fault:
        sys.exit(f"bench: {fault}")
    finally:
        end_all()
        shutil.rmtree(work, ignore_errors=True)
    if ratio < arguments.need:
        sys.exit(f"bench: {ratio:.1f} times cheaper in CPU, {arguments.need:g} times is asked for")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
