# SPDX-License-Identifier: Apache-2.0
"""The daemon as a neighbour: signals, reloads, the control socket, what it never tells."""

import base64
import json
import os
import re
import signal
import socket

import pytest

from lib import pki
from lib.process import holds_for, wait_for


def test_sigterm_ends_cleanly_and_removes_the_socket(clinch, shop, certs):
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    assert daemon.terminate(5) == 0
    assert not (clinch.state / "control.sock").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_in_the_middle_of_fetching_ends_cleanly(clinch, shop, responder, certs, number):
    responder.set("hang")
    daemon = clinch.run(certs)
    wait_for(lambda: responder.count(shop), what="the question", tell=daemon.log)
    assert daemon.stop(number, 5) == 0


def test_sighup_reads_the_configuration_again(clinch, ca, shop, responder, certs, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    leaf = ca.issue("more.test", url=responder.url)
    leaf.write(more)
    daemon = clinch.run_config(clinch.config([certs]))
    clinch.wait_state(shop, "held")
    clinch.config([certs, more], [{"file": tmp_path / "{stem}.ocsp"}])
    daemon.reload()
    clinch.wait_state(leaf, "held")
    wait_for(lambda: (tmp_path / "shop.ocsp").exists() and (tmp_path / "more.ocsp").exists(),
             what="both staples at the new target", tell=daemon.log)
    assert responder.count(shop) == 1 and daemon.alive()


def test_sighup_with_a_broken_configuration_keeps_the_old_one(clinch, shop, certs):
    config = clinch.config([certs])
    daemon = clinch.run_config(config)
    clinch.wait_state(shop, "held")
    config.write_text("certificates: [\n", encoding="ascii")
    daemon.reload()
    daemon.says("clinch.yaml")
    holds_for(daemon.alive, 0.5, "the daemon", tell=daemon.log)
    assert clinch.state_of(shop) == "held"


def test_ready_means_that_stored_staples_are_in_place(clinch, ecdsa_ca, responder, certs, tmp_path,
                                                      open_folder):
    """Servers that are started behind it find them, network or not. Nothing waits for a server."""
    count = 120
    for leaf in ecdsa_ca.issue_many(count, responder.url):
        leaf.write(certs)
    out = tmp_path / "out"
    out.mkdir()
    files = {"file": out / "{sha256}.der"}
    assert clinch.bare("once", "--strict", "-c", clinch.config([certs], [files])).code == 0
    for path in out.iterdir():  # as in a folder in memory when the machine starts
        path.unlink()
    ecdsa_ca.issue("new.test", url=responder.url).write(certs)
    responder.set("hang")
    asked = len(responder.requests)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(open_folder / "notify"))
        manager.settimeout(8)
        config = clinch.config([certs], [files, {"command": "sleep 20"}])
        daemon = clinch.run_config(config, ready=False,
                                   env={"NOTIFY_SOCKET": str(open_folder / "notify")})
        told = manager.recv(4096).decode()
        there = len(os.listdir(out))
    assert "READY=1" in told and there == count, (there, daemon.log())
    wait_for(lambda: len(responder.requests) > asked, what="the question", tell=daemon.log)
    assert daemon.terminate() == 0


def ask(clinch, request):
    with socket.socket(socket.AF_UNIX) as asker:
        asker.settimeout(10)
        asker.connect(str(clinch.state / "control.sock"))
        asker.sendall(request)
        answer = bytearray()
        try:
            while chunk := asker.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
    return bytes(answer)


def test_control_socket_answers_status(clinch, shop, certs):
    clinch.run(certs)
    clinch.wait_state(shop, "held")
    answer = json.loads(ask(clinch, b'{"do":"status"}\n'))
    assert answer["ok"] is True
    assert [row["leaf_sha256"] for row in answer["certs"]] == [shop.sha256]


JUNK = {
    "empty": b"\n", "word": b"junk\n", "nothing": b"{}\n", "number": b'{"do":7}\n',
    "no-paths": b'{"do":"ensure"}\n', "no-end": b'{"do":"status"', "deep": b"[" * 5000 + b"\n",
    "paths": b'{"do":"ensure","paths":"x","deadline_s":1}\n',
    "negative": b'{"do":"ensure","paths":[3],"deadline_s":-1}\n',
    "binary": bytes(range(256)) + b"\n", "long": b'{"do":"' + b"x" * 200_000 + b'"}\n'}


@pytest.mark.parametrize("kind", JUNK)
def test_control_socket_survives_junk(clinch, shop, certs, kind):
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    try:
        answer = ask(clinch, JUNK[kind])
    except (TimeoutError, BrokenPipeError):
        answer = b""
    if answer:
        assert json.loads(answer)["ok"] is False
    assert daemon.alive() and clinch.state_of(shop) == "held"


def test_connections_that_say_nothing_block_nobody(clinch, shop, certs):
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    idle = []
    for _ in range(60):
        asker = socket.socket(socket.AF_UNIX)
        asker.settimeout(1)
        try:
            asker.connect(str(clinch.state / "control.sock"))
        except OSError:
            asker.close()
            break
        idle.append(asker)
    assert clinch.staple(certs / "shop.pem").code == 0
    wait_for(lambda: clinch.command("status", "--json").code == 0, 15, "status")
    for asker in idle:
        asker.close()
    wait_for(lambda: json.loads(ask(clinch, b'{"do":"status"}\n') or b"{}").get("ok"), 10,
             "the control socket", tell=daemon.log)


SEGMENT_MOST = 512 * 1024 * 1024


def secrets(leaf):
    """The private key in the forms in which it could leak."""
    body = pki.key_pem(leaf.key).split(b"-----")[2]
    lines = [line for line in body.split(b"\n") if len(line) >= 40][1:]
    private = leaf.key.private_numbers()
    numbers = [private.d] if not hasattr(private, "private_value") else [private.private_value]
    raw = [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers]
    return lines + raw + [base64.b64encode(part)[4:60] for part in raw]


def memory_of(pid):
    """What the process can write to, as it is now."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem",
                                                                  "rb", 0) as mem:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if match and "[v" not in line:
                start, end = (int(part, 16) for part in match.groups())
                if end - start > SEGMENT_MOST:
                    continue  # a sanitizer's shadow
                try:
                    mem.seek(start)
                    yield mem.read(end - start)
                except OSError:
                    continue


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_private_keys_stay_in_their_files(clinch, ca, responder, certs, tmp_path, kind):
    leaf = ca.issue("secret.test", kind, url=responder.url, number="secrecy")
    leaf.write(certs, key=True)
    (certs / "broken.pem").write_bytes(leaf.pem(key=True).replace(b"BEGIN CERT", b"BEGIN XERT"))
    (certs / "key-first.pem").write_bytes(pki.key_pem(leaf.key) + leaf.pem())
    config = clinch.config([certs], [{"file": tmp_path / "{file}.ocsp"}])
    daemon = clinch.run_config(config, "-v")
    clinch.wait_state(leaf, "held")
    written = [path for folder in (clinch.state, tmp_path) for path in folder.iterdir()
               if path.is_file()] + [daemon.log_path]
    for path in written:
        content = path.read_bytes()
        for secret in secrets(leaf):
            assert secret not in content, path
    try:
        memory = b"".join(memory_of(daemon.pid))
    except PermissionError:
        pytest.skip("this user may not read another process' memory")
    assert leaf.der in memory or leaf.sha256.encode() in memory or b"secret.test" in memory
    for secret in secrets(leaf):
        assert secret not in memory, "the private key is still in the daemon's memory"


def test_log_is_quiet_when_nothing_happens(clinch, ca, shop, certs):
    ca.issue("quiet.test").write(certs)
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    before = daemon.log()
    holds_for(lambda: daemon.log() == before, 3, "the silence", tell=daemon.log)
    assert not daemon.lines_about("quiet.test")


def test_idle_daemon_uses_no_cpu(clinch, shop, certs):
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")

    def ticks():
        with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    holds_for(daemon.alive, 3, "the daemon")
    assert ticks() - before <= 0.05 * os.sysconf("SC_CLK_TCK")
