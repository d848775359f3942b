# SPDX-License-Identifier: Apache-2.0
"""Real clients judge: everything is tried once, then each case is a test of its own.

JUDGES=full (default): every client, every case, and docs/clients.md is written anew, about four
minutes. JUDGES=quick: Firefox sees six cases, the document stays as it is, under a minute.
"""

import sys
import warnings
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent), str(HERE)]
# The delegate signed with SHA-1 is meant.
warnings.filterwarnings("ignore", message="SHA1 signatures are deprecated")

from court import session  # noqa: E402
from court.forecast import BINARY  # noqa: E402
from lib import unpack  # noqa: E402
from lib.process import end_all  # noqa: E402


def pytest_configure(config):
    del config
    if session.MODE not in ("full", "quick"):
        pytest.exit(f"JUDGES={session.MODE}: it is full or quick", 2)
    if not BINARY.exists():
        pytest.exit(f"there is no {BINARY}: run `make build` first, or set CLINCH", 2)


def pytest_sessionfinish():
    end_all()


@pytest.fixture(scope="session")
def court(tmp_path_factory):
    """All trials held. Servers and clients that are missing fail the tests and never skip."""
    return session.hold(unpack.get(), tmp_path_factory.mktemp("court"))
