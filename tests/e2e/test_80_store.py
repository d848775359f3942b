# SPDX-License-Identifier: Apache-2.0
"""The store: kill -9 at any moment, broken files, a full disk, two writers."""

import os
import random
import shutil
import sqlite3
import subprocess

import pytest

from lib import answers
from lib.process import holds_for, wait_for


def many(ecdsa_ca, responder, certs, count):
    leaves = ecdsa_ca.issue_many(count, responder.url)
    for leaf in leaves:
        leaf.write(certs)
    return leaves


def all_good(clinch, leaves):
    rows = {row["leaf_sha256"]: row for row in clinch.status()}
    return all(rows.get(leaf.sha256, {}).get("state") == "held" for leaf in leaves)


def test_kill_9_at_any_moment_loses_nothing(clinch, ecdsa_ca, responder, certs):
    leaves = many(ecdsa_ca, responder, certs, 60)
    chance = random.Random(7)
    for _ in range(12):
        daemon = clinch.run(certs, ready=False)
        holds_for(daemon.alive, chance.uniform(0.01, 0.25), "the daemon", 0.005, daemon.log)
        daemon.kill_9()
    daemon = clinch.run(certs)
    wait_for(lambda: all_good(clinch, leaves), 20, "all staples", tell=daemon.log)
    asked = responder.count()
    daemon.kill_9()
    responder.stop()
    daemon = clinch.run(certs)
    wait_for(lambda: all_good(clinch, leaves), 10, "all staples out of the store",
             tell=daemon.log)
    assert responder.count() == asked
    daemon.terminate()
    with sqlite3.connect(clinch.state / "store.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(clinch.state.glob("store.db.bad*"))


def truncate(path):
    os.truncate(path, path.stat().st_size // 2 + 100)


def empty(path):
    os.truncate(path, 0)


def scribble(path):
    chance = random.Random(11)
    with open(path, "r+b") as file:
        for _ in range(200):
            file.seek(chance.randrange(path.stat().st_size))
            file.write(chance.randbytes(16))


def scribble_header(path):
    with open(path, "r+b") as file:
        file.write(b"no database at all" * 10)


def unlink(path):
    path.unlink()


@pytest.mark.parametrize("damage", [truncate, scribble, scribble_header])
def test_broken_store_is_moved_aside_told_and_refilled(clinch, ecdsa_ca, responder, certs, damage,
                                                       tmp_path):
    leaves = many(ecdsa_ca, responder, certs, 30)
    out = tmp_path / "out"
    out.mkdir()
    config = clinch.config([certs], [{"file": out / "{stem}.ocsp"}])
    assert clinch.bare("once", "-c", config).code == 0
    for side in clinch.state.glob("store.db-*"):
        side.unlink()
    damage(clinch.state / "store.db")
    daemon = clinch.run_config(config)
    wait_for(lambda: all_good(clinch, leaves), 15, "all staples again", tell=daemon.log)
    assert list(clinch.state.glob("store.db.bad*")), daemon.log()
    assert daemon.lines_about("store.db"), daemon.log()
    assert len(os.listdir(out)) == len(leaves)
    assert daemon.terminate() == 0


def test_broken_store_in_an_outage_is_refilled_from_what_is_published(clinch, shop, responder,
                                                                      certs, tmp_path):
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}])
    assert clinch.bare("once", "-c", config).code == 0
    published = (tmp_path / "shop.ocsp").read_bytes()
    responder.stop()
    scribble_header(clinch.state / "store.db")
    daemon = clinch.run_config(config)
    row = clinch.wait_state(shop, "held", 10)
    assert row["next_update"] == answers.read(published).next_update
    assert (tmp_path / "shop.ocsp").read_bytes() == published, daemon.log()


@pytest.mark.parametrize("damage", [empty, unlink])
def test_store_that_is_gone_is_begun_anew(clinch, shop, responder, certs, damage):
    assert clinch.once(certs).code == 0
    for side in clinch.state.glob("store.db-*"):
        side.unlink()
    damage(clinch.state / "store.db")
    done = clinch.once(certs, "--strict")
    assert done.code == 0 and responder.count(shop) == 2, done


@pytest.mark.parametrize("damage", [truncate, scribble, scribble_header, empty])
def test_readers_of_a_broken_store_do_not_crash(clinch, ecdsa_ca, responder, certs, damage):
    many(ecdsa_ca, responder, certs, 10)
    assert clinch.once(certs).code == 0
    damage(clinch.state / "store.db")
    for args in (("status",), ("staple", certs / "site0000.pem"), ("expire",)):
        done = clinch.command(*args)
        assert done.code in (0, 1, 2, 75), done


def test_what_was_stored_is_judged_again(clinch, ca, shop, responder, certs):
    """A store that somebody else wrote into is not trusted."""
    assert clinch.once(certs).code == 0
    good = responder.sent[shop.serial]
    bad = answers.build(answers.certid(shop), ca, answers.Answer(bad_signature=True))
    database = sqlite3.connect(clinch.state / "store.db")
    changed = 0
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'"
                                     ).fetchall():
        for column in [row[1] for row in database.execute(f"PRAGMA table_info({table})")]:
            changed += database.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?",
                                        (bad, good)).rowcount
    database.commit()
    database.close()
    assert changed, "the store does not keep the answer as received"
    assert clinch.staple(certs / "shop.pem").code == 75
    done = clinch.once(certs, "--strict")
    assert done.code == 0 and responder.count(shop) == 2, done


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "clinch-play", str(disk)],
                          capture_output=True, text=True, check=False, timeout=10)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small tmpfs: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False, timeout=10)


def fill(disk):
    with open(disk / "ballast", "ab", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(512))
        except OSError:
            pass


def test_full_disk_is_told_and_published_staples_stay(clinch, ca, shop, responder, certs, tmp_path,
                                                      small_disk):
    clinch.state = small_disk / "state"
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}])
    daemon = clinch.run_config(config)
    clinch.wait_state(shop, "held")
    fill(small_disk)
    leaves = [ca.issue(f"more{number}.test", url=responder.url) for number in range(40)]
    for leaf in leaves:
        leaf.write(certs)
    wait_for((tmp_path / "more0.ocsp").exists, 10, "a staple in spite of the full disk",
             tell=daemon.log)
    daemon.says("(?i)full|no space|space left")
    assert (tmp_path / "shop.ocsp").exists() and daemon.alive()
    (small_disk / "ballast").unlink()
    wait_for(lambda: all_good(clinch, leaves), 20, "all staples", tell=daemon.log)
    # What could not be written was tried again: it is in the store now.
    responder.stop()
    asked = responder.count()

    def durable():
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(clinch.state, tmp_path / "copy",
                        ignore=shutil.ignore_patterns("*.sock", "*.lock"))
        codes = [clinch.bare("staple", certs / f"more{number}.pem", "--state",
                             tmp_path / "copy").code for number in (0, 39)]
        return codes == [0, 0]

    wait_for(durable, 40, "the answers in the store", 0.5, tell=daemon.log)
    assert responder.count() == asked


def test_second_daemon_on_the_same_state_is_refused(clinch, shop, certs):
    first = clinch.run(certs)
    done = clinch.command("run", certs, "--allow-loopback", limit_s=10)
    assert done.code not in (0, -6, -11), done
    assert str(first.pid) in done.err and str(clinch.state) in done.err, done
    assert first.alive()
    assert clinch.listens()


def test_lock_of_a_killed_daemon_is_no_obstacle(clinch, shop, certs):
    clinch.run(certs).kill_9()
    clinch.run(certs)
    assert clinch.wait_state(shop, "held")


def test_readers_need_no_lock_and_change_nothing(clinch, shop, certs):
    clinch.run(certs)
    clinch.wait_state(shop, "held")
    for _ in range(20):
        assert clinch.staple(certs / "shop.pem").code == 0
        assert clinch.command("status").code == 0


@pytest.mark.parametrize("command", ["once", "run"])
def test_a_state_directory_that_cannot_be_is_not_a_missing_staple(clinch, shop, certs, tmp_path,
                                                                   command):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    done = clinch.bare(command, certs, "--state", taken)
    assert done.code == 2 and f"cannot make the state directory {taken}" in done.err, done


def test_state_directory_and_its_files_are_not_for_everyone(clinch, shop, certs):
    clinch.run(certs)
    clinch.wait_state(shop, "held")
    assert clinch.state.stat().st_mode & 0o007 == 0
    assert (clinch.state / "control.sock").stat().st_mode & 0o777 == 0o660
