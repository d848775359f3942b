# SPDX-License-Identifier: Apache-2.0
"""Makes the modules beside the tests, and those of tests/mint, importable."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent)]

import judge  # noqa: E402 (after the path)


def pytest_configure():
    if not judge.BINARY.exists():
        pytest.exit(f"there is no {judge.BINARY}: run `make build` first, or set CLINCH", 2)
