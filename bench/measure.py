#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command and prints its cost as JSON: exit code, wall and CPU seconds, peak memory.

A program of its own, and a small one: Linux counts what a child was before exec into its peak, so
a command started by a big process looks big. Run it with `python3 -I -S`.
"""

import os
import sys
import time


def main():
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        try:
            os.execvp(sys.argv[1], sys.argv[1:])
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    wall_s = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    print(f'{{"code": {code}, "wall_s": {wall_s:.6f}, '
          f'"cpu_s": {usage.ru_utime + usage.ru_stime:.6f}, "peak_kib": {usage.ru_maxrss}}}')


if __name__ == "__main__":
    main()
