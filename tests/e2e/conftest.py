# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the plays. Whatever a play starts is ended by its pid, however the play ends."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import pki, servers, unpack  # noqa: E402
from lib.clinch import BINARY, Clinch  # noqa: E402
from lib.openssl import OpensslResponder  # noqa: E402
from lib.process import end_all  # noqa: E402
from lib.responder import ScriptedResponder  # noqa: E402

PLAY_LIMIT_S = 60
NOBODY = 65534


def pytest_configure(config):
    config.addinivalue_line("markers", f"limit(seconds): ends a play that takes longer than the "
                                       f"usual {PLAY_LIMIT_S} s")
    config.addinivalue_line("markers", "xdist_group(name): in one worker with others of its name")
    if not BINARY.exists():
        pytest.exit(f"there is no {BINARY}: run `make build` first, or set CLINCH", 2)


def pytest_itemcollected(item):
    """For pytest-xdist: a file's plays share their servers, three files a tour of them all."""
    name = item.path.name
    group = "tour" if name.startswith(("test_45_", "test_46_", "test_47_")) else name
    item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def bounded(request):
    """No play waits for ever."""
    marker = request.node.get_closest_marker("limit")
    limit_s = marker.args[0] if marker else PLAY_LIMIT_S

    def ring(*_):
        raise TimeoutError(f"the play took more than {limit_s} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(limit_s)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pytest_sessionfinish():
    end_all()


@pytest.fixture(scope="session")
def programs():
    """nginx and HAProxy: plays without them would show nothing, so this fails and never skips."""
    return unpack.get()


@pytest.fixture(scope="session")
def others():
    """hitch, lighttpd, h2o, nghttpx, Exim, dnsdist."""
    return unpack.get(group=unpack.OTHERS)


@pytest.fixture(scope="session")
def tour(programs, others, ca):
    """Every server has been through every act (lib/tour.py), in about two minutes."""
    from lib.tour import Tour  # pylint: disable=import-outside-toplevel
    return Tour(programs, others, ca).play()


@pytest.fixture(scope="session")
def matrix(programs, others, tmp_path_factory):
    """Every client has been at every door (lib/matrix.py), in half a minute."""
    from lib.matrix import Matrix  # pylint: disable=import-outside-toplevel
    return Matrix(programs, others, tmp_path_factory.mktemp("matrix")).play()


@pytest.fixture(scope="session")
def ca():
    """An RSA authority."""
    return pki.Authority("clinch test RSA CA")


@pytest.fixture(scope="session")
def ecdsa_ca():
    return pki.Authority("clinch test ECDSA CA", "ecdsa")


@pytest.fixture
def responder(ca, ecdsa_ca):
    """A scripted responder for both authorities, good until told otherwise."""
    with ScriptedResponder(ca, ecdsa_ca) as scripted:
        yield scripted


@pytest.fixture
def real_responder(ca, tmp_path):
    """A real `openssl ocsp` for the RSA authority."""
    with OpensslResponder(tmp_path / "responder", ca) as real:
        yield real


@pytest.fixture
def certs(tmp_path):
    """The folder of certificates that clinch is pointed at."""
    folder = tmp_path / "certs"
    folder.mkdir()
    return folder


@pytest.fixture
def open_folder():
    """A folder that others may walk into, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="clinch-play-"))
    folder.chmod(0o777)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture
def clinch(tmp_path):
    program = Clinch(tmp_path / "clinch")
    yield program
    program.end()


@pytest.fixture
def as_nobody(clinch):
    """Runs clinch as user nobody, for whom files can be unreadable."""
    argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    def run(*args):
        return clinch.bare(*args, prefix=argv)

    if os.geteuid() != 0:
        return clinch.bare
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and setpriv is not installed")
    if run("--version").code != 0:
        pytest.skip(f"user nobody cannot run {clinch.binary}")
    return run


@pytest.fixture
def shop(ca, responder, certs):
    """The usual certificate: shop.test in certs/shop.pem, with its chain and private key."""
    leaf = ca.issue("shop.test", url=responder.url)
    leaf.write(certs / "shop.pem", key=True)
    return leaf


@pytest.fixture
def front(programs, tmp_path):
    servers_of_play = servers.Front(programs, tmp_path)
    yield servers_of_play
    servers_of_play.end()
