# SPDX-License-Identifier: Apache-2.0
"""status, explain, staple and expire."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pytest

from lib import answers, clients, pki
from lib.process import holds_for, wait_for

ROW_FIELDS = {"leaf_sha256", "serial", "name", "path", "state", "must_staple", "serve_from",
              "serve_until", "next_update", "next_try", "last"}
COLOUR = "\x1b["


def unread(stream):
    """How many bytes wait in a pipe."""
    count = bytearray(4)
    fcntl.ioctl(stream, termios.FIONREAD, count)
    return int.from_bytes(count, sys.byteorder)


@pytest.fixture
def staple_in_pipe(clinch, shop, certs):
    """`clinch staple` with the staple in its pipe, which nobody has read yet."""
    clinch.once(certs)
    argv = [clinch.binary, "staple", certs / "shop.pem", "--state", clinch.state]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        wait_for(lambda: unread(child.stdout), 10, "the staple in the pipe")
        yield child
        child.kill()


def test_staple_does_not_end_before_it_is_read(staple_in_pipe):
    """nghttpx takes what it has not read for nothing when its command has ended."""
    holds_for(lambda: staple_in_pipe.poll() is None, 0.3, "the command")
    assert staple_in_pipe.stdout.read() and staple_in_pipe.wait(5) == 0


def test_staple_that_nobody_reads_ends(staple_in_pipe):
    assert staple_in_pipe.wait(10) == 0 and staple_in_pipe.stdout.read()


def test_staple_ends_with_its_reader(staple_in_pipe):
    staple_in_pipe.stdout.close()
    assert staple_in_pipe.wait(1) == 0


def test_staple_without_one_ends_with_75_and_says_nothing_on_stdout(clinch, shop, responder,
                                                                    certs):
    responder.set("http", code=500)
    clinch.once(certs)
    done = clinch.staple(certs / "shop.pem")
    assert done.code == 75 and not done.raw, done


def test_staple_or_empty_ends_with_0(clinch, shop, responder, certs):
    responder.set("http", code=500)
    clinch.once(certs)
    done = clinch.staple(certs / "shop.pem", "--or-empty")
    assert done.code == 0 and not done.raw, done


def test_staple_or_empty_ends_with_75_where_it_cannot_tell(clinch, shop, certs):
    """Servers then go on with what they have, instead of with none or for good without."""
    clinch.once(certs)
    path = certs / "shop.pem"
    assert clinch.staple(path, "--or-empty").raw
    for args in ((certs / "none.pem",), (path, "-c", certs / "none.yaml")):
        done = clinch.staple(*args, "--or-empty")
        assert done.code == 75 and not done.raw and done.err, done
    (clinch.state / "store.db").write_bytes(b"junk" * 4096)
    done = clinch.staple(path, "--or-empty")
    assert done.code == 75 and not done.raw, done


def test_staple_before_anything_was_fetched_ends_with_75(clinch, shop, certs):
    assert clinch.staple(certs / "shop.pem").code == 75
    done = clinch.staple(certs / "shop.pem", "--or-empty")
    assert done.code == 0 and not done.raw, done


def test_staple_of_an_expired_answer_is_nothing(clinch, shop, responder, certs):
    responder.set("good", age_s=0, life_s=5)
    assert clinch.once(certs, "--strict").code == 0
    assert clinch.staple(certs / "shop.pem").code == 0
    end = time.time() + 5
    wait_for(lambda: time.time() > end, what="the end of the answer")
    assert clinch.staple(certs / "shop.pem").code == 75


def test_staple_beside_a_running_daemon(clinch, shop, certs):
    clinch.run(certs)
    clinch.wait_state(shop, "held")
    assert answers.read(clinch.staple(certs / "shop.pem").raw).serial == shop.serial


def test_staple_of_a_file_that_begins_with_a_ca_says_so(clinch, ca, shop, certs):
    path = certs / "turned.pem"
    path.write_bytes(pki.pem(ca.cert) + shop.pem(chain=False))
    clinch.once(certs)
    done = clinch.staple(path)
    assert done.code == 75 and "is a CA's" in done.err and "no OCSP URL" not in done.err, done


def test_staple_with_an_unreadable_store_says_one_sentence(clinch, shop, certs):
    clinch.once(certs)
    (clinch.state / "store.db").write_bytes(b"junk" * 4096)
    done = clinch.staple(certs / "shop.pem")
    assert done.code == 75 and len(done.err.splitlines()) == 1, done
    assert "store.db is damaged" in done.err, done


def several(ca, responder, certs):
    """A certificate of every state that one pass can show."""
    names = ["held", "failing-url", "no-url", "a-very-long-name-that-does-not-fit-into-a-column"]
    leaves = {name: ca.issue(f"{name}.test", url=None if name == "no-url" else responder.url,
                             must_staple=name == "held") for name in names}
    responder.set("tryLater", leaf=leaves["failing-url"])
    for leaf in leaves.values():
        leaf.write(certs)
    return leaves


@pytest.mark.parametrize("daemon", [False, True], ids=["store", "daemon"])
def test_status_json_has_every_field(clinch, ca, responder, certs, daemon):
    leaves = several(ca, responder, certs)
    if daemon:
        clinch.run(certs)
        clinch.wait_state(leaves["held"], "held")
        wait_for(lambda: (clinch.row(leaves["failing-url"]) or {}).get("last"), what="a reason")
    else:
        clinch.once(certs)
    rows = {row["name"]: row for row in clinch.status()}
    assert set(rows) == {leaf.name for leaf in leaves.values()}
    for leaf in leaves.values():
        row = rows[leaf.name]
        assert set(row) >= ROW_FIELDS, row
        assert row["leaf_sha256"] == leaf.sha256
        assert row["serial"].lstrip("0") == leaf.serial_hex
        assert row["path"] == str(certs / f"{leaf.name.split('.')[0]}.pem")
    held = rows["held.test"]
    facts = answers.read(responder.sent[leaves["held"].serial])
    margin = min(300, (facts.next_update - facts.this_update) // 8)
    assert held["state"] == "held" and held["must_staple"] is True
    assert held["next_update"] == facts.next_update
    assert abs(held["serve_until"] - (facts.next_update - margin)) <= 1, held
    assert rows["failing-url.test"]["state"] == "missing"
    assert rows["failing-url.test"]["last"], rows
    assert rows["no-url.test"]["state"] == "no-url"


def test_status_is_plain_when_piped(clinch, ca, responder, certs):
    several(ca, responder, certs)
    clinch.once(certs)
    done = clinch.command("status")
    assert done.code == 0 and COLOUR not in done.out, done
    for word in ("held.test", "missing", "no-url"):
        assert word in done.out, done


@pytest.fixture
def short_folder():
    """Paths cannot be broken into lines, and pytest's are long."""
    folder = Path(tempfile.mkdtemp(prefix="clinch-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("no_colour", [False, True], ids=["colour", "no-colour"])
def test_status_fits_a_terminal_of_80_columns(clinch, ca, responder, short_folder, no_colour):
    several(ca, responder, short_folder)
    clinch.state = short_folder / "state"
    clinch.once(short_folder)
    env = {"NO_COLOR": "1"} if no_colour else {}
    code, text = clinch.on_terminal("status", "--state", clinch.state, env=env)
    assert code == 0 and "held.test" in text, text
    plain = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", text)
    assert max(len(line) for line in plain.splitlines()) <= 80, plain
    if no_colour:
        assert COLOUR not in text


def test_status_of_one_path_shows_only_that(clinch, ca, responder, certs):
    several(ca, responder, certs)
    clinch.once(certs)
    assert [row["name"] for row in clinch.status(certs / "held.pem")] == ["held.test"]


def test_status_of_an_unknown_path_ends_with_1_and_links_are_followed(clinch, shop, certs,
                                                                      tmp_path):
    clinch.once(certs)
    done = clinch.command("status", "/nope")
    assert done.code == 1 and "nothing is known of /nope" in done.err, done
    (tmp_path / "link").symlink_to(certs)
    assert [row["name"] for row in clinch.status(tmp_path / "link")] == [shop.name]
    assert [row["name"] for row in clinch.status(tmp_path / "link/shop.pem")] == [shop.name]


def test_status_does_not_wait_for_a_stopped_daemon(clinch, shop, certs):
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    daemon.send(signal.SIGSTOP)
    try:
        done = clinch.command("status")
    finally:
        daemon.send(signal.SIGCONT)
    assert done.code == 0 and shop.name in done.out and done.seconds < 10, done
    assert "did not answer in time" in done.err and "from the store" in done.out, done


def test_explain_fits_a_terminal_of_80_columns(clinch, shop, certs):
    code, text = clinch.on_terminal("explain", certs / "shop.pem", "--offline", "--state",
                                    clinch.state)
    plain = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", text)
    assert code == 0 and "would ask" in plain, text
    assert max(len(line) for line in plain.splitlines()) <= 80, plain


def test_status_in_an_empty_state_directory_is_no_crash(clinch):
    done = clinch.command("status", "--json")
    assert done.code in (0, 1, 2), done
    assert done.code or json.loads(done.out)["certs"] == [], done


def test_explain_offline_tells_all_and_asks_nobody(clinch, ca, responder, certs):
    leaf = ca.issue("must.test", url=responder.url, must_staple=True)
    path = leaf.write(certs, key=True)
    done = clinch.bare("explain", path, "--offline", "--state", clinch.state)
    assert done.code == 0, done
    asked = answers.certid(leaf)
    for word in ("must.test", leaf.serial_hex, ca.name, responder.url, "must-staple", "GET",
                 asked["issuer_name_hash"].native.hex(), asked["issuer_key_hash"].native.hex()):
        assert word.lower() in done.out.lower(), (word, done)
    assert responder.count() == 0


def test_explain_says_where_an_issuer_is_missing(clinch, ca, responder, certs):
    path = ca.issue("lone.test", url=responder.url).write(certs, chain=False)
    done = clinch.bare("explain", path, "--state", clinch.state)
    assert "not found" in done.out and "--issuer" in done.out, done
    found = clinch.bare("explain", path, "--offline", "--issuer",
                        ca.write(clinch.folder / "ca.pem"))
    assert found.code == 0 and "ca.pem" in found.out, found


def test_explain_of_what_is_no_certificate_ends_with_2(clinch, certs):
    (certs / "junk.pem").write_bytes(os.urandom(300))
    done = clinch.bare("explain", certs / "junk.pem")
    assert done.code == 2 and len(done.lines_about("junk.pem")) == 1, done


def short_lived(clinch, responder, certs, publish, life_s=6):
    """A daemon that publishes answers of a few seconds."""
    responder.set("good", age_s=0, life_s=life_s)
    return clinch.run_config(clinch.config([certs], publish))


def after(moment):
    wait_for(lambda: time.time() > moment + 1, 30, "the end of the answer")


def test_expire_withdraws_what_a_dead_daemon_left(clinch, shop, responder, certs, tmp_path):
    staple = tmp_path / "shop.ocsp"
    daemon = short_lived(clinch, responder, certs, [{"file": tmp_path / "{stem}.ocsp"}])
    wait_for(staple.exists, what="the staple", tell=daemon.log)
    daemon.kill_9()
    end = answers.read(staple.read_bytes()).next_update
    early = clinch.command("expire")
    assert early.code == 0 and staple.exists(), early
    after(end)
    done = clinch.command("expire")
    assert done.code == 0 and not staple.exists(), done
    assert clinch.command("expire").code == 0


def test_expire_withdraws_from_nginx(clinch, shop, responder, certs, front):
    nginx, snippets = front.nginx(shop)
    daemon = short_lived(clinch, responder, certs,
                         [{"nginx": snippets, "reload": nginx.command()}])
    wait_for((snippets / "shop.conf").exists, what="the snippet", tell=daemon.log)
    wait_for(lambda: nginx.reloads() == 1, what="a reload", tell=daemon.log)
    daemon.kill_9()
    after(answers.read((snippets / "shop.ocsp").read_bytes()).next_update)
    done = clinch.command("expire")
    assert done.code == 0, done
    assert not list(snippets.iterdir()), done
    wait_for(lambda: nginx.reloads() == 2, what="the reload of expire")
    assert nginx.test()[0] == 0


def test_expire_takes_paths_and_needs_no_store(clinch, ca, tmp_path):
    leaf = ca.issue("x.test")
    old, good = tmp_path / "old.ocsp", tmp_path / "good.ocsp"
    for path, life_s in ((old, 3000), (good, 86400)):
        path.write_bytes(answers.build(answers.certid(leaf), ca, answers.Answer(life_s=life_s)))
    done = clinch.command("expire", old, good)
    assert done.code == 0 and not old.exists() and good.exists(), done


def ended(ca):
    """An answer that is over, of a certificate that nobody has."""
    return answers.build(answers.certid(ca.issue("ended.test")), ca, answers.Answer(life_s=3000))


def test_expire_leaves_staples_to_a_daemon_that_lives(clinch, shop, ca, certs, tmp_path):
    staple, other = tmp_path / "shop.ocsp", tmp_path / "other.ocsp"
    daemon = clinch.run_config(clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}]))
    wait_for(staple.exists, what="the staple", tell=daemon.log)
    for path in (staple, other):  # what a clock that has jumped makes of the daemon's
        path.write_bytes(ended(ca))
    done = clinch.command("expire")
    assert done.code == 0 and staple.exists() and other.exists(), done
    assert len(done.out.splitlines()) == 1 and "daemon" in done.out, done
    done = clinch.command("expire", staple, other)
    assert done.code == 0 and staple.exists() and not other.exists(), done
    assert done.lines_about("shop.ocsp") and done.lines_about("other.ocsp"), done
    daemon.kill_9()
    done = clinch.command("expire")
    assert done.code == 0 and not staple.exists(), done


def test_expire_leaves_nothing_to_a_daemon_that_hangs(clinch, shop, ca, certs, tmp_path):
    staple = tmp_path / "shop.ocsp"
    daemon = clinch.run_config(clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}]))
    wait_for(staple.exists, what="the staple", tell=daemon.log)
    staple.write_bytes(ended(ca))
    daemon.send(signal.SIGSTOP)
    done = clinch.command("expire")
    daemon.send(signal.SIGCONT)
    assert done.code == 0 and not staple.exists(), done
    assert "did not answer" in done.err and done.seconds < 10, done


def test_expire_finds_the_daemon_through_its_configuration(clinch, shop, ca, certs, tmp_path,
                                                           open_folder):
    staple = tmp_path / "shop.ocsp"
    control = open_folder / "control.sock"
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}], control=control)
    daemon = clinch.run_config(config, ready=False)
    wait_for(lambda: control.exists() and staple.exists(), what="the staple", tell=daemon.log)
    staple.write_bytes(ended(ca))
    assert clinch.command("expire", "-c", config).code == 0 and staple.exists()
    daemon.kill_9()
    config.write_text("publish: [", encoding="utf-8")
    assert clinch.bare("expire", "-c", config).code == 2 and staple.exists()
    done = clinch.command("expire", "-c", config)  # with --state there is enough to go by
    assert done.code == 0 and not staple.exists() and done.lines_about("clinch.yaml"), done


def test_expire_tells_nginx_what_a_dead_daemon_did_not(clinch, shop, responder, certs, front,
                                                       tmp_path):
    nginx, snippets = front.nginx(shop)
    broken = tmp_path / "broken"
    responder.set("good", age_s=0, life_s=16)
    daemon = clinch.run_config(clinch.config(
        [certs], [{"nginx": snippets, "reload": f"test ! -e {broken} && {nginx.command()}"}]))
    first = clients.seconds(
        clients.see_staple(nginx.port, shop.name, 8, daemon.log).next_update)
    broken.touch()
    responder.set("good", age_s=0, life_s=3600)

    def newer():
        return answers.read((snippets / "shop.ocsp").read_bytes()).next_update > first

    wait_for(newer, 20, "a newer staple", tell=daemon.log)
    daemon.kill_9()
    broken.unlink()
    before = nginx.reloads()
    assert clinch.command("expire").code == 0 and nginx.reloads() == before
    after(first)
    done = clinch.command("expire")
    assert done.code == 0 and "told" in done.out, done
    wait_for(lambda: nginx.reloads() == before + 1, what="the reload of expire")
    assert clinch.command("expire").code == 0 and nginx.reloads() == before + 1
    wait_for(lambda: clients.seconds(clients.look(nginx.port, shop.name).next_update) > first,
             what="the newer staple on the wire")


def test_daemon_withdraws_by_itself_at_the_end(clinch, shop, responder, certs, tmp_path):
    staple = tmp_path / "shop.ocsp"
    daemon = short_lived(clinch, responder, certs, [{"file": tmp_path / "{stem}.ocsp"}],
                         life_s=8)
    wait_for(staple.exists, what="the staple", tell=daemon.log)
    responder.set("http", code=503)
    end = answers.read(staple.read_bytes()).next_update
    wait_for(lambda: not staple.exists(), 15, "the withdrawal", tell=daemon.log)
    assert time.time() <= end + 1
