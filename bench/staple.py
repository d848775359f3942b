#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libclinch-staple costs a server: a handshake with it and without, and a lookup.

    bench/staple.py --program build/bench/bench-staple [--rounds N] [--files N] [--folder DIR]
        [--check]

Handshakes: ECDSA P-256, TLS 1.3, no resumption, both ends in one process and no socket, in time of
the processor; three servers take turns, twenty handshakes each: without a staple, with the same
staple out of memory by a callback of five lines (what any stapling costs), and with the library.
Lookups: by hash, 10 files and many, each name in turn, with the copy that the caller gets; and by
certificate, which is hashed. Medians; --check: exit code 1 where a limit is missed.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/e2e"))

from lib import answers, pki  # noqa: E402

HANDSHAKE_MOST = 1.01  # of one with the same staple out of memory
LOOKUP_MOST_US = 3.0


def publish(folder, name, der):
    path = folder / f"{name}.ocsp"
    path.write_bytes(der)
    os.utime(path, (time.time(), time.time() + 86400))


def run(program, *words):
    done = subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True,
                          timeout=900)
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


def bench_handshakes(args, work, leaf):
    rows = run(args.program, "handshakes", work / "one", leaf, f"{leaf}.key", args.rounds)
    none, memory, ours = (statistics.median(column) for column in zip(*rows))
    ratio = statistics.median(row[2] / row[1] for row in rows)
    whole = statistics.median(row[2] / row[0] for row in rows)
    print(f"handshake, microseconds of processor, both ends (medians of {len(rows)} x 20)")
    print(f"  without a staple      {none:8.1f}")
    print(f"  staple out of memory  {memory:8.1f}")
    print(f"  libclinch-staple      {ours:8.1f}")
    print(f"  to out of memory      {ratio:8.4f}  (at most {HANDSHAKE_MOST})")
    print(f"  to none               {whole:8.4f}  (with the sending of {args.size} octets)\n")
    return ratio <= HANDSHAKE_MOST


def bench_lookups(args, work, der, count):
    folder = work / f"many{count}"
    folder.mkdir()
    names = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
    for name in names:
        publish(folder, name, der)
    (work / "names").write_text("".join(f"{name}\n" for name in names), encoding="ascii")
    rows = [row[0] for row in run(args.program, "lookups", folder, work / "names",
                                  max(args.rounds // 30, 10))]
    later = statistics.median(rows[1:])
    print(f"  {count:>7,} files {later:10.3f}{max(rows[1:]):10.3f}{rows[0]:14.3f}")
    return later <= LOOKUP_MOST_US


def bench_certificate(args, work, leaf):
    rows = [row[0] for row in run(args.program, "certificate", work / "one", leaf, f"{leaf}.key",
                                  max(args.rounds // 10, 10))]
    median = statistics.median(rows)
    print(f"  {'with its hash':>13} {median:10.3f}{max(rows):10.3f}")
    return median <= LOOKUP_MOST_US


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=600)
    parser.add_argument("--files", type=int, default=100000)
    parser.add_argument("--folder", help="where the files are made (default: in memory)")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    work = Path(tempfile.mkdtemp(prefix="clinch-bench-", dir=args.folder or memory))
    try:
        authority = pki.Authority("clinch bench CA")
        leaf = authority.issue("bench", kind="ecdsa", url="http://127.0.0.1:1/")
        der = answers.build(answers.certid(leaf), authority, answers.Answer())
        args.size = len(der)
        (work / "one").mkdir()
        publish(work / "one", leaf.sha256, der)
        (work / "leaf").write_bytes(pki.pem(leaf.cert))
        (work / "leaf.key").write_bytes(pki.key_pem(leaf.key))
        good = bench_handshakes(args, work, work / "leaf")
        print(f"lookup, microseconds (at most {LOOKUP_MOST_US:g}), {os.cpu_count()} cores")
        print(f"  {'':>13} {'median':>10}{'worst':>10}{'first, reads':>14}")
        for count in (10, args.files):
            good &= bench_lookups(args, work, der, count)
        good &= bench_certificate(args, work, work / "leaf")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0 if good or not args.check else 1


if __name__ == "__main__":
    sys.exit(main())
