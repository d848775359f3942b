# SPDX-License-Identifier: Apache-2.0
"""The demo itself, as `make demo` runs it."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lib.clinch import BINARY, environment

DEMO = Path(__file__).resolve().parent / "demo.py"


def still_running(word):
    """Command lines of processes that speak of `word`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


@pytest.mark.limit(100)
def test_demo_ends_well_in_under_a_minute_and_leaves_nothing(programs):
    parent = Path(tempfile.mkdtemp(prefix="clinch-"))  # its path is short, as build/demo is
    work = parent / "demo"
    # -I -S: no package but the standard library's can be imported.
    done = subprocess.run([sys.executable, "-I", "-S", DEMO, "--clinch", BINARY, "--work", work],
                          capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80, done.stdout
    assert not work.exists()
    parent.rmdir()
    assert not still_running(str(work))


def test_demo_fails_with_the_reason_when_clinch_does(programs, tmp_path):
    work = tmp_path / "demo"
    done = subprocess.run([sys.executable, DEMO, "--clinch", "/bin/false", "--work", work],
                          capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env=environment())
    assert done.returncode == 1 and "demo: FAILED: " in done.stderr, done
    assert not still_running(str(work))
