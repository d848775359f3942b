#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the engine alone costs at 1,000, 100,000 and 1,000,000 certificates.

    bench/engine.py --program build/bench/bench-engine [--rounds N] [--check]

Virtual time, answers of seven days (bench/engine.c says what is measured). The floor is one
operation of a bare heap of as many deadlines, taken in the same run: what it grows by is the price
of memory that no cache holds. An event may grow with the logarithm of the number of certificates,
and by three times what the floor has grown by. --check: exit code 1 where a limit is missed.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys

SIZES = (1_000, 100_000, 1_000_000)
SMALL_ROUNDS = 9      # of the first size, which is quick and noisy
BYTES_MOST = 400
EFFECTS_MOST = 4200   # of one step, whatever happens to however many
FLOOR_OPERATIONS = 3  # that an event may cost more where memory is far away
LINE_GROWTH_MOST = 3  # for each in line, from the first size on: it is not quadratic


def measure(program, size, rounds):
    done = subprocess.run([program, str(size), str(rounds)], capture_output=True, text=True,
                          check=True)
    values = {}
    for line in done.stdout.splitlines():
        name, _, *rest = line.split()
        values[name] = statistics.median(float(one) for one in rest)
    return values


def growth_limit(base, values, size, what):
    logarithm = math.log(size) / math.log(SIZES[0])
    return logarithm + FLOOR_OPERATIONS * (values["floor"] - base["floor"]) / base[what]


def limits_of(base, values, size):
    """What is judged: (title, what it is, the most it may be)."""
    return [
        ("bytes a certificate", values["bytes"], BYTES_MOST),
        ("effects of one step", values["step"], EFFECTS_MOST),
        ("growth of a sync event", values["sync"] / base["sync"],
         growth_limit(base, values, size, "sync")),
        ("growth of a refresh event", values["refresh"] / base["refresh"],
         growth_limit(base, values, size, "refresh")),
        ("growth of going down, each", values["down"] / base["down"], LINE_GROWTH_MOST),
        ("growth of coming back, each", values["up"] / base["up"], LINE_GROWTH_MOST),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()

    program = os.path.abspath(args.program)
    table = {size: measure(program, size, max(args.rounds, SMALL_ROUNDS if i == 0 else 1))
             for i, size in enumerate(SIZES)}
    base = table[SIZES[0]]

    print(f"{'certificates':>12} {'sync/floor':>10} {'refresh/floor':>13} {'floor ns':>8} "
          f"{'sync ns':>8} {'refresh ns':>10} {'both, us each':>13} {'down ns each':>12} "
          f"{'up ns each':>10} {'bytes':>6}")
    for size, v in table.items():
        print(f"{size:>12,} {v['sync'] / v['floor']:>10.2f} {v['refresh'] / v['floor']:>13.2f} "
              f"{v['floor']:>8.0f} {v['sync']:>8.0f} {v['refresh']:>10.0f} {v['cert']:>13.2f} "
              f"{v['down']:>12.0f} {v['up']:>10.1f} {v['bytes']:>6.0f}")

    missed = 0
    print(f"\n{'certificates':>12} {'':28} {'is':>8} {'limit':>8}")
    for size in SIZES[1:]:
        for title, value, most in limits_of(base, table[size], size):
            told = "reached" if value <= most else "missed"
            missed += value > most
            print(f"{size:>12,} {title:28} {value:>8.2f} {most:>8.2f}  {told}")
    return 1 if missed and args.check else 0


if __name__ == "__main__":
    sys.exit(main())
