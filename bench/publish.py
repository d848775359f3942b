#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What publishing 1,000 staples at once costs, on Debian's nginx and HAProxy.

    bench/publish.py --program build/bench/bench-publish [--certs N] [--runs N] [--folder DIR]
        [--check]

HAProxy: pushes over the runtime socket, each read back, next to a script that writes the same
lines to the same socket in the same run. nginx: how often it is reloaded when all change at once,
and what a file costs next to bare writes and renames of the same files in the same folder. Ratios
are medians over runs that take turns. --check: exit code 1 where a limit is missed.
"""

import argparse
import base64
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/e2e"))

from lib import answers, pki, servers, unpack  # noqa: E402
from lib.process import end_all, wait_for  # noqa: E402

LINE_MAX = 15360      # what HAProxy surely reads as one line
SHOWS = 64            # of one line
PUSH_SHARE_LEAST = 0.5  # of the script's pushes per second
ACTS = ("first", "renewed", "withdrawn")
FILES = {"first": 2, "renewed": 1, "withdrawn": 2}  # that change for each certificate


def prepare(work, count):
    """Certificates with two answers each, and the list of them for the program."""
    ca = pki.Authority("clinch bench CA")
    leaves = ca.issue_many(count, "http://127.0.0.1:1/")
    (work / "certs").mkdir()
    (work / "answers").mkdir()
    lines = []
    for leaf in leaves:
        cert_id = answers.certid(leaf)
        leaf.file = leaf.write(work / "certs", key=True)
        leaf.certid = cert_id.dump()
        leaf.answers = [answers.build(cert_id, ca, answers.Answer(age_s=age)) for age in (7200, 60)]
        paths = [work / f"answers/{leaf.name}.{number}" for number in range(2)]
        for path, answer in zip(paths, leaf.answers):
            path.write_bytes(answer)
        lines.append(" ".join(map(str, (leaf.file, *paths))))
    (work / "list").write_text("\n".join(lines) + "\n", encoding="ascii")
    return leaves


def measure(program, what, work, target, command=""):
    """Milliseconds of each act: until the files were there, and until all had ended."""
    state = work / "state"
    shutil.rmtree(state, ignore_errors=True)
    done = subprocess.run([program, what, state, target, command, work / "list"], check=True,
                          capture_output=True, text=True, timeout=600)
    if done.stderr:
        sys.exit(f"bench: {done.stderr}")
    return {name: (float(written), float(ended)) for name, written, ended
            in (line.split() for line in done.stdout.splitlines())}


# HAProxy.


def lines_of(leaves):
    """What clinch writes for them, too: as many pushes as a line takes, and as many questions."""
    pushes = [b"set ssl ocsp-response " + base64.b64encode(leaf.answers[0]) for leaf in leaves]
    shows = [b"show ssl ocsp-response " + leaf.certid.hex().encode() for leaf in leaves]
    lines, line = [], b""
    for push in pushes:
        if line and len(line) + 1 + len(push) >= LINE_MAX:
            lines.append(line)
            line = b""
        line += (b";" if line else b"") + push
    lines.append(line)
    lines += [b";".join(shows[at:at + SHOWS]) for at in range(0, len(shows), SHOWS)]
    return [line + b"\n" for line in lines]


def push_plainly(path, lines, count):
    """Milliseconds. Every answer is read to its end."""
    start = time.perf_counter()
    updated = shown = 0
    for line in lines:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(10)
            admin.connect(str(path))
            admin.sendall(line)
            reply = bytearray()
            while chunk := admin.recv(65536):
                reply += chunk
        updated += reply.count(b"OCSP Response updated!")
        shown += reply.count(b"OCSP Response Data:")
    elapsed_ms = (time.perf_counter() - start) * 1000
    if (updated, shown) != (count, count):
        sys.exit(f"bench: the script has updated {updated} and read {shown} of {count}")
    return elapsed_ms


def bench_haproxy(args, work, programs, leaves):
    """Pushes per second, ours and the script's, a pair for each run."""
    for leaf in leaves:  # an empty one makes HAProxy have an entry
        Path(f"{leaf.file}.ocsp").touch()
    pairs = []
    lines = lines_of(leaves)
    for run in range(args.runs):
        with servers.HAProxy(programs, work / f"haproxy{run}", [work / "certs"]) as haproxy:
            plain_ms = push_plainly(haproxy.socket, lines, len(leaves))
            ours_ms = measure(args.program, "haproxy", work, haproxy.socket)["first"][1]
            pairs.append((len(leaves) / ours_ms * 1000, len(leaves) / plain_ms * 1000))
    return pairs


# nginx.


def bench_nginx(args, work, programs, leaves):
    """For each run and act: reloads of nginx, microseconds for a file, those of a bare one, and
    seconds until nginx had been told."""
    rows = []
    for run in range(args.runs):
        folder = work / f"snippets{run}"
        folder.mkdir()
        sites = [servers.Site(leaf.name, leaf.file, leaf.file, f"{folder}/{leaf.file.stem}[.]conf")
                 for leaf in leaves]
        with servers.Nginx(programs, work / f"nginx{run}", sites) as nginx:
            marks = work / f"reloads{run}"
            # What nginx was told, and not what its log has by now.
            command = f"echo told >> {marks}; {nginx.command()}"
            bare = measure(args.program, "bare", work, folder)
            ours = measure(args.program, "files", work, folder, command)
            told = len(marks.read_text(encoding="ascii").splitlines())
            wait_for(lambda n=nginx, t=told: n.reloads() == t, 20, "nginx to say so as often")
        rows.append((told, {act: (ours[act][0] * 1000 / FILES[act] / len(leaves),
                                  bare[act][0] * 1000 / FILES[act] / len(leaves),
                                  ours[act][1] / 1000) for act in ACTS}))
    return rows


def report(args, pushes, rows):
    """Prints all of it; True when every limit is reached."""
    share = statistics.median(ours / plain for ours, plain in pushes)
    reloads = [told / len(ACTS) for told, _ in rows]
    good = share >= PUSH_SHARE_LEAST and max(reloads) <= 1
    print(f"{args.certs:,} staples at once, medians of {args.runs}, {os.cpu_count()} cores\n")
    print(f"HAProxy: {statistics.median(ours for ours, _ in pushes):,.0f} pushes a second, each "
          f"read back; the script {statistics.median(plain for _, plain in pushes):,.0f}")
    print(f"  of the script's: {share:.2f} (at least {PUSH_SHARE_LEAST})")
    print(f"nginx: {max(reloads):g} reloads when all change at once (at most 1)\n")
    print(f"{'':<12}{'ours/bare':>10}{'us a file':>11}{'bare':>8}{'s until told':>14}")
    for act in ACTS:
        ours, bare, told = zip(*(row[act] for _, row in rows))
        ratio = statistics.median(a / b for a, b in zip(ours, bare))
        print(f"{act:<12}{ratio:>10.2f}{statistics.median(ours):>11.0f}"
              f"{statistics.median(bare):>8.0f}{statistics.median(told):>14.2f}")
    print("\nBare: written and renamed, not made durable. Ours besides: temporary names by chance, "
          "rows in\nthe store, and on a disk all of it durable before nginx is told.")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--certs", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", help="where to write: on a disk or in memory (TMPDIR)")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="clinch-bench-", dir=args.folder))
    try:
        programs = unpack.get(say=print)
        leaves = prepare(work, args.certs)
        pushes = bench_haproxy(args, work, programs, leaves)
        rows = bench_nginx(args, work, programs, leaves)
        good = report(args, pushes, rows)
    except unpack.Unavailable as fault:
        sys.exit(f"bench: {fault}")
    finally:
        end_all()
        shutil.rmtree(work, ignore_errors=True)
    return 0 if good or not args.check else 1


if __name__ == "__main__":
    sys.exit(main())
