# SPDX-License-Identifier: Apache-2.0
"""The folder, the example server that staples from it, and what preload must not do."""

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from lib import answers, clients
from lib.clinch import BINARY, REPOSITORY, environment
from lib.process import Child, accepts, free_port, wait_for

BUILD = Path(BINARY).resolve().parent
EXAMPLE = BUILD / "examples/example-server"
PRELOAD = BUILD / "src/staple/libclinch-preload.so"


@pytest.fixture
def example(tmp_path):
    """Starts the example server for a certificate."""
    children = []

    def start(pem, folder):
        port = free_port()
        child = Child([EXAMPLE, port, pem, pem, folder], tmp_path / f"server-{port}.log",
                      env=environment())
        children.append(child)
        wait_for(lambda: accepts(port), 10, "the example server", tell=child.log)
        return port

    yield start
    for child in children:
        child.kill()


def test_the_example_server_follows_the_folder(clinch, shop, ecdsa_ca, responder, certs, example,
                                               open_folder):
    ecdsa = ecdsa_ca.issue("shop.test", kind="ecdsa", url=responder.url)
    ecdsa.write(certs / "shop-ecdsa.pem", key=True)
    folder, jail = open_folder / "staples", open_folder / "jail"
    for made in (folder, jail):
        made.mkdir()
    ports = [example(certs / name, folder) for name in ("shop.pem", "shop-ecdsa.pem")]
    for port in ports:
        assert not clients.look(port, "shop.test").stapled
    config = clinch.config([certs], [{"folder": folder}, {"folder": jail}])
    daemon = clinch.run_config(config)
    for port in ports:
        clients.see_staple(port, "shop.test", 8, daemon.log)
    for leaf in (shop, ecdsa):
        file = folder / f"{hashlib.sha256(leaf.der).hexdigest()}.ocsp"
        facts = answers.read(file.read_bytes())
        assert facts.status == "good"
        assert time.time() < file.stat().st_mtime <= clients.seconds(
            clients.look(ports[leaf is ecdsa], "shop.test").next_update)
        assert (jail / file.name).read_bytes() == file.read_bytes()
        assert file.stat().st_mode & 0o777 == 0o644
    (certs / "shop.pem").unlink()  # whose certificate is gone, is stapled no longer
    clients.see_none(ports[0], "shop.test", 25, daemon.log)
    assert clients.look(ports[1], "shop.test").stapled
    assert len(list(folder.glob("*.ocsp"))) == len(list(jail.glob("*.ocsp"))) == 1


@pytest.mark.limit(100)
def test_nothing_dead_is_stapled_when_clinch_is_gone(clinch, shop, responder, certs, example,
                                                     open_folder):
    responder.set("good", life_s=40, age_s=5)
    daemon = clinch.run_config(clinch.config([certs], [{"folder": open_folder}]))
    port = example(certs / "shop.pem", open_folder)
    end = clients.seconds(clients.see_staple(port, "shop.test", 8, daemon.log).next_update)
    daemon.kill_9()
    (file,) = open_folder.glob("*.ocsp")
    assert file.stem == shop.sha256
    while time.time() < end + 1:
        until = file.stat().st_mtime
        before, sight, after = time.time(), clients.look(port, "shop.test"), time.time()
        assert sight.stapled or after >= until - 1
        assert not sight.stapled or before < until
        time.sleep(0.2)
    assert not clients.look(port, "shop.test").stapled
    assert file.exists()  # nobody was there to remove it


def test_the_folder_is_put_right_at_the_start(clinch, shop, responder, certs, open_folder):
    config = clinch.config([certs], [{"folder": open_folder}])
    file = open_folder / f"{shop.sha256}.ocsp"
    daemon = clinch.run_config(config)
    wait_for(file.exists, 10, "the staple", tell=daemon.log)
    content = file.read_bytes()
    daemon.terminate()
    assert file.exists()  # a restart of clinch takes nothing away
    file.unlink()
    stale = open_folder / ("0" * 64 + ".ocsp")
    stale.write_bytes(content)  # with a time that has passed: when it was written
    responder.stop()
    daemon = clinch.run_config(config)
    wait_for(file.exists, 10, "the staple out of the store", tell=daemon.log)
    assert file.read_bytes() == content
    wait_for(lambda: not stale.exists(), 10, "the stale one to go", tell=daemon.log)


@pytest.mark.parametrize("compiler", (
    ("cc", "-xc", "-std=c90"), ("cc", "-xc", "-std=c99"), ("cc", "-xc", "-std=c11"),
    ("c++", "-xc++", "-std=c++98"), ("c++", "-xc++", "-std=c++20")), ids=" ".join)
def test_header_needs_no_other(compiler):
    """In every C and C++ that a server may be written in. OpenSSL's own is not held to it."""
    if not shutil.which(compiler[0]):
        pytest.skip(f"there is no {compiler[0]}")
    done = subprocess.run([*compiler, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
                           "-I", REPOSITORY / "include", "-"], input="#include <clinch/staple.h>\n",
                          text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


PYTHON_SERVER = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2])
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        plain, _ = listener.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as talk:
                talk.recv(1)
        except OSError:
            plain.close()
"""


def preloaded(folder, **more):
    return environment(LD_PRELOAD=str(PRELOAD), CLINCH_STAPLES=str(folder), **more)


def test_preload_finds_a_libssl_that_came_by_dlopen(clinch, shop, certs, open_folder, tmp_path):
    daemon = clinch.run_config(clinch.config([certs], [{"folder": open_folder}]))
    wait_for((open_folder / f"{shop.sha256}.ocsp").exists, 10, "the staple", tell=daemon.log)
    port = free_port()
    child = Child(["/usr/bin/python3", "-c", PYTHON_SERVER, port, certs / "shop.pem"],
                  tmp_path / "python.log", env=preloaded(open_folder))
    wait_for(lambda: accepts(port), 10, "python", tell=child.log)
    assert clients.look(port, "shop.test").stapled, child.log()  # the first handshake
    child.kill()


def test_preload_brings_nothing_into_a_process_without_openssl(open_folder):
    done = subprocess.run(["/bin/sh", "-c", "cat /proc/$$/maps; ls -l /proc/$$/fd"], check=True,
                          env=preloaded(open_folder, CLINCH_DEBUG="1"), capture_output=True,
                          text=True, timeout=10)
    assert PRELOAD.name in done.stdout
    assert "libssl" not in done.stdout and "libcrypto" not in done.stdout
    assert not done.stderr
    numbers = [int(line.split(" -> ")[0].split()[-1]) for line in done.stdout.splitlines()
               if " -> " in line and str(open_folder) in line]
    assert len(numbers) == 1 and numbers[0] >= 900  # out of the way


def recipe(language):
    """What docs/staple-folder.md says, word for word."""
    text = (REPOSITORY / "docs/staple-folder.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"```{language}\n(.*?)```", text, re.S)
    return code


def by_python(pem, folder):
    names = {}
    exec(recipe("python"), names)  # pylint: disable=exec-used
    return names["staple"](ssl.PEM_cert_to_DER_cert(first_pem(pem)), folder)


def by_shell(pem, folder):
    code = recipe("sh").replace("/run/clinch/staples", str(folder))
    done = subprocess.run(["/bin/sh", "-c", f'{code}\nstaple "$1"', "sh", pem], check=False,
                          capture_output=True, text=True, timeout=10)
    assert done.returncode in (0, 1) and bool(done.stdout) == (done.returncode == 0), done
    return Path(done.stdout.strip()).read_bytes() if done.stdout else None


def first_pem(path):
    return re.search("-----BEGIN CERT.*?-----END CERTIFICATE-----", path.read_text("ascii"),
                     re.S)[0]


def put_in_place(file, make):
    """Something else under that name, with time left."""
    if file.is_dir():
        file.rmdir()
    else:
        file.unlink()
    make()
    os.utime(file, (time.time() + 60,) * 2, follow_symlinks=False)


@pytest.mark.parametrize("staple", (by_python, by_shell))
def test_recipes_of_the_page_follow_its_rules(clinch, shop, certs, open_folder, staple):
    pem = certs / "shop.pem"
    assert staple(pem, open_folder) is None
    done = clinch.bare("once", "-c", clinch.config([certs], [{"folder": open_folder}]))
    assert done.code == 0, done
    file = open_folder / f"{shop.sha256}.ocsp"
    good = file.read_bytes()
    assert staple(pem, open_folder) == good
    os.utime(file, (time.time() - 1,) * 2)
    assert staple(pem, open_folder) is None
    (open_folder / "other").write_bytes(good)
    fds = len(os.listdir("/proc/self/fd"))
    for make in (file.mkdir, lambda: os.mkfifo(file), lambda: file.symlink_to("other"),
                 lambda: file.write_bytes(good + b"x" * 65536)):
        put_in_place(file, make)
        assert staple(pem, open_folder) is None
    if staple is by_python:  # in shell it is for who reads the file
        for damaged in (b"", b"0", b"junk", good[:-1], good + b"x"):
            put_in_place(file, lambda damaged=damaged: file.write_bytes(damaged))
            assert staple(pem, open_folder) is None
    assert len(os.listdir("/proc/self/fd")) == fds
    put_in_place(file, lambda: file.write_bytes(good))
    assert staple(pem, open_folder) == good
