# SPDX-License-Identifier: Apache-2.0
"""Every child of a server inherits libclinch-preload.so. Where it has nothing to do it is as if it
were not there, whatever its variables say."""

import os
import shutil
import subprocess
import time

import pytest

from lib import clients, preloaded
from lib.process import Child, accepts, free_port, wait_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")

# Programs of every sort, with and without OpenSSL.
HASH = "import hashlib; print(hashlib.sha256(b'x').hexdigest())"
LATE = "import ssl; print(len(ssl.create_default_context().get_ciphers()) > 0)"
THREADS = ("import ssl, threading\n"
           "ts = [threading.Thread(target=ssl.SSLContext) for _ in range(16)]\n"
           "[t.start() for t in ts]; [t.join() for t in ts]; print('done')")
COMMANDS = {
    "shell": ["/bin/sh", "-c", "echo out; echo err >&2; (exit 7)"],
    "pipes": ["/bin/sh", "-c", "echo b a | tr ' ' '\\n' | sort"],
    "static": ["/sbin/ldconfig", "--version"],
    "setuid": ["/bin/su", "--version"],
    "no-ssl": ["/usr/bin/python3", "-c", "print(1)"],
    "libcrypto": ["/usr/bin/python3", "-c", HASH],
    "dlopen": ["/usr/bin/python3", "-c", LATE],
    "threads": ["/usr/bin/python3", "-c", THREADS],
    "openssl": ["/usr/bin/openssl", "ciphers", "-s", "-tls1_3"],
    "no-fds": ["/bin/sh", "-c", "exec 0<&- 1>&- 2>&-; exit 3"],
    "gnutls": ["/usr/bin/gnutls-cli", "--version"],
}
FOLDERS = {"none": None, "empty": "", "relative": "staples", "junk": ":::/:", "missing": "{}/no",
           "a file": "{}/file", "unreadable": "{}/closed", "long": "/" + "x" * 6000,
           "many": ":".join(f"/f{number}" for number in range(500)), "good": "{}"}


@pytest.fixture
def places(open_folder):
    """What CLINCH_STAPLES may name."""
    (open_folder / "file").write_bytes(b"x")
    (open_folder / "closed").mkdir(mode=0)
    return {name: text and text.format(open_folder) for name, text in FOLDERS.items()}


def end_of(argv, **more):
    done = subprocess.run(preloaded.as_nobody(*argv), stdin=subprocess.DEVNULL, check=False,
                          capture_output=True, timeout=20, env={**os.environ, **more})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("what", COMMANDS)
def test_program_is_as_without_the_library(places, what):
    argv = COMMANDS[what]
    plain = end_of(argv)
    for name, folders in places.items():
        more = {"LD_PRELOAD": str(preloaded.LIBRARY)}
        if folders is not None:
            more["CLINCH_STAPLES"] = folders
        assert end_of(argv, **more) == plain, name


def test_descriptor_of_the_folder_is_not_inherited(open_folder):
    """It is for the process that has opened it."""
    seen = subprocess.run(["/bin/sh", "-c", "exec /bin/ls -l /proc/self/fd"], check=True, text=True,
                          capture_output=True, timeout=20, env={
                              **os.environ, **preloaded.variables(open_folder)}).stdout
    assert seen.count(str(open_folder)) == 1, seen  # that of ls


@pytest.fixture
def speak(open_folder, shop):
    """Starts `openssl s_server`, before which any command may stand: what looks at it."""
    children = []
    chain, key = shop.write(open_folder / "chain.pem"), shop.write_key(open_folder / "key.pem")

    def start(staples, *prefix, program="/usr/bin/openssl"):
        port = free_port()
        child = Child([*prefix, program, "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
                       "-cert", chain, "-key", key], open_folder / f"{port}.log",
                      env={**os.environ, **preloaded.variables(staples)})
        children.append(child)
        wait_for(lambda: accepts(port), 10, "s_server to listen", tell=child.log)
        return lambda: clients.look(port, shop.name)

    yield start
    for child in children:
        child.kill()


@pytest.fixture
def publish(clinch, certs, shop):
    """The staple of shop.test, into a folder."""
    def into(folder):
        done = clinch.bare("once", "-c", clinch.config([certs], [{"folder": folder}]))
        assert done.code == 0, done
        assert (folder / f"{shop.sha256}.ocsp").exists()

    return into


@pytest.mark.parametrize("name", ("relative", "junk", "missing", "a file", "unreadable", "long"))
def test_server_without_a_folder_goes_on(places, speak, name):
    look = speak(places[name], *preloaded.as_nobody())
    for _ in range(2):
        sight = look()
        assert sight.connected and not sight.stapled, sight.text


def test_folder_that_comes_later_is_found(open_folder, speak, publish):
    folder = open_folder / "later"
    look = speak(folder)
    assert look().connected and not look().stapled
    folder.mkdir()
    publish(folder)
    wait_for(lambda: look().status == "good", 5, "the staple")


def test_damaged_file_is_no_staple(open_folder, speak, publish, shop):
    folder = open_folder / "staples"
    folder.mkdir()
    publish(folder)
    path = folder / f"{shop.sha256}.ocsp"
    good, until = path.read_bytes(), path.stat().st_mtime
    look = speak(folder)
    assert look().status == "good"
    for damaged in (b"", b"junk", good[:-1], good + b"x", b"\x30\x03\x0a\x01\x03"):
        fresh = folder / "fresh"
        fresh.write_bytes(damaged)
        os.utime(fresh, (until, until))
        fresh.rename(path)
        wait_for(lambda: not look().stapled, 5, "no staple")
        assert look().connected
    path.write_bytes(good)  # without its time: it was over when it was written
    assert not look().stapled
    os.utime(path, (until, until))
    wait_for(lambda: look().status == "good", 5, "the staple")


def test_staple_that_is_over_is_none(open_folder, speak, publish, shop):
    """Nobody has to remove it."""
    folder = open_folder / "staples"
    folder.mkdir()
    publish(folder)
    look = speak(folder)
    assert look().status == "good"
    until = int(time.time()) + 3
    os.utime(folder / f"{shop.sha256}.ocsp", (until, until))
    assert look().status == "good"
    wait_for(lambda: time.time() >= until, 5, "its end")
    assert look().connected and not look().stapled


def test_mode_fallback_leaves_the_server_its_own(programs, open_folder, certs, ca, ecdsa_ca,
                                                 responder, clinch):
    """And takes the folder's where it has none."""
    staples = open_folder / "staples"
    staples.mkdir()
    haproxy = preloaded.HAProxyStapling(programs, open_folder / "server", staples)
    leaves = {"rsa": ca.issue("haproxy.test", url=responder.url),
              "ecdsa": ecdsa_ca.issue("haproxy.test", "ecdsa", url=responder.url)}
    haproxy.install(leaves)
    for kind, leaf in leaves.items():
        leaf.write(certs / f"{kind}.pem")
    responder.set("good", age_s=7200)
    assert clinch.once(certs).code == 0
    own = clinch.staple(certs / "rsa.pem").raw
    haproxy.own_staple("rsa", own)
    clinch.state = open_folder / "newer"
    responder.set("good", age_s=60)
    done = clinch.bare("once", "-c", clinch.config([certs], [{"folder": staples}]))
    assert done.code == 0, done
    for mode, has_own in (("fallback", True), ("first", False)):
        haproxy.preload["CLINCH_STAPLES_MODE"] = mode
        with haproxy:
            sights = [haproxy.look(kind) for kind in ("rsa", "ecdsa")]
            haproxy.stop()
        assert [sight.status for sight in sights] == ["good", "good"], haproxy.log()
        assert (sights[0].signature in own.hex()) == has_own, mode


def test_server_with_gnutls_is_let_alone(open_folder, shop, publish):
    folder = open_folder / "staples"
    folder.mkdir()
    publish(folder)
    port = free_port()
    child = Child(["/usr/bin/gnutls-serv", "--port", port, "--quiet", "--x509certfile",
                   shop.write(open_folder / "chain.pem"), "--x509keyfile",
                   shop.write_key(open_folder / "key.pem")], open_folder / "gnutls.log",
                  env={**os.environ, **preloaded.variables(folder)})
    wait_for(lambda: accepts(port), 10, "gnutls-serv to listen", tell=child.log)
    sight = clients.look(port, shop.name)
    child.kill()
    assert sight.connected and not sight.stapled, sight.text


@as_root
def test_program_with_rights_of_its_own_is_let_alone(open_folder, speak, publish):
    """Those of the process are enough, as systemd's AmbientCapabilities= gives them."""
    if os.statvfs(open_folder).f_flag & os.ST_NOSUID:
        pytest.skip(f"{open_folder} is mounted nosuid")
    folder = open_folder / "staples"
    folder.mkdir()
    publish(folder)
    setuid = open_folder / "openssl"
    shutil.copy("/usr/bin/openssl", setuid)
    setuid.chmod(0o4755)
    sight = speak(folder, *preloaded.AS_NOBODY, program=setuid)()
    assert sight.connected and not sight.stapled, sight.text
    ambient = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    assert speak(folder, *preloaded.AS_NOBODY, *ambient)().status == "good"


def test_client_is_as_without_the_library(open_folder, front, shop, ca):
    """Also one that asks for a staple, and looks at it."""
    nginx, _ = front.nginx(shop)
    root = ca.write(open_folder / "ca.pem")
    argv = ["/usr/bin/curl", "-sS", "--cacert", root, "--resolve",
            f"shop.test:{nginx.port}:127.0.0.1", f"https://shop.test:{nginx.port}/"]
    for options in ([], ["--cert-status"]):
        plain = end_of([*argv, *options])
        assert end_of([*argv, *options], **preloaded.variables(open_folder)) == plain
        assert plain[0] == (91 if options else 0), plain
