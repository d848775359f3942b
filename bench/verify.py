#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What verifying an answer and reading a certificate cost, next to libcrypto's own ways.

    bench/verify.py --program build/bench/bench-verify [--rounds N] [--check]

The table shows the ratios that matter first: our whole way (answer to verdict) to the bare
EVP_PKEY_verify() of its signature, and OpenSSL's way to the same; then median microseconds, and
instructions counted by callgrind where valgrind is installed. Times are of the thread on the
processor, the rounds of all ways take turns, a ratio is the median over rounds. --check: exit code
1 where a limit is missed.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

# Case: (what it is, base way, most that ours may cost of it)
CASES = {
    "rsa-2048": ("RSA-2048, issuer signed", "bare", 1.35),
    "p-256": ("P-256, issuer signed", "bare", 1.12),
    "p-256-delegate": ("P-256, delegate signed", "bare", 1.12),
    "leaf": ("leaf out of PEM", "openssl", 0.10),
}
ITERATIONS = 50   # under callgrind


def measure(program, rounds):
    done = subprocess.run([program, str(rounds)], capture_output=True, text=True, check=True)
    times = {}
    for line in done.stdout.splitlines():
        case, way, *rest = line.split()
        times.setdefault(case, {})[way] = [float(one) for one in rest]
    return times


def instructions_of(argv):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=repeat",
                               f"--callgrind-out-file={folder}/out", *argv],
                              capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def count(program, times):
    """Instructions for one time, thousands; nothing without valgrind."""
    if not shutil.which("valgrind"):
        return {}
    counts = {}
    for case, ways in times.items():
        for way in ways:
            counted = instructions_of([program, case, way, str(ITERATIONS)])
            counts[case, way] = counted / ITERATIONS / 1000
    return counts


def ratio(a, b):
    return statistics.median(x / y for x, y in zip(a, b))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()

    program = os.path.abspath(args.program)
    times = measure(program, args.rounds)
    counts = count(program, times)
    missed = 0
    print(f"{'':24} {'ours/base':>9} {'limit':>6}  {'OpenSSL/base':>12}")
    for case, (title, base, limit) in CASES.items():
        ways = times[case]
        ours = ratio(ways["ours"], ways[base])
        theirs = "" if base == "openssl" else f"{ratio(ways['openssl'], ways[base]):12.2f}"
        missed += ours > limit
        told = "reached" if ours <= limit else "missed"
        print(f"{title:24} {ours:9.3f} {limit:6.2f}  {theirs:>12}  {told}")
    print(f"\n{'':24} {'way':8} {'us, median':>10} {'thousand instructions':>22}")
    for case, (title, _, _) in CASES.items():
        for way, values in times[case].items():
            told = f"{counts[case, way]:,.1f}" if counts else "(no valgrind)"
            print(f"{title:24} {way:8} {statistics.median(values):10.2f} {told:>22}")
    print("\nbase: EVP_PKEY_verify() alone, ready context and digest; of the leaf "
          "PEM_read_bio_X509().")
    return 1 if missed and args.check else 0


if __name__ == "__main__":
    sys.exit(main())
