# SPDX-License-Identifier: Apache-2.0
"""Many certificates of one dead responder: it is left in peace, nobody else waits, none is lost."""

import json
import time
from types import SimpleNamespace

import pytest

from lib import clients
from lib.clinch import Clinch
from lib.outage import FIRST, FRESH
from lib.process import wait_for
from lib.responder import ScriptedResponder
from lib.servers import Front

CROWD = 60
# Asked again 30 to 142 s after it came, a quarter of them after 30 s; served until 225 s after.
SPREAD = {"age_s": 38, "life_s": 300}
PAUSE_S = 6


class House:
    """A daemon with certificates of its own; each staple goes to a file, a few to nginx as well."""

    def __init__(self, folder, programs, leaves, shown):
        self.folder = folder
        self.leaves = leaves
        self.shown = shown
        self.certs, self.out = folder / "certs", folder / "out"
        self.certs.mkdir(parents=True)
        self.out.mkdir()
        for leaf in leaves:
            leaf.write(self.certs)
        self.front = Front(programs, folder)
        self.nginx, snippets = self.front.nginx(*shown)
        self.clinch = Clinch(folder / "clinch")
        self.config = self.clinch.config(
            [self.certs], [{"file": self.out / "{stem}.ocsp"},
                           {"nginx": snippets, "reload": self.nginx.command(),
                            "reload_interval": "1s"}], timeout="3s")
        self.daemon = self.clinch.run_config(self.config)

    def status(self):
        done = self.clinch.command("status", "--json")
        assert done.code == 0, done
        return json.loads(done.out)

    def rows(self):
        return {row["name"]: row for row in self.status()["certs"]}

    def states(self):
        return [row["state"] for row in self.rows().values()]

    def staples(self):
        return {path.stem: path.read_bytes() for path in self.out.glob("*.ocsp")}

    def responder(self, scripted):
        """What `status` says of it."""
        (found,) = [one for one in self.status()["responders"] if one["url"] + "/" == scripted.url]
        return found

    def wait_down(self, scripted):
        wait_for(lambda: self.responder(scripted)["down"], 60, "the circuit to open", 0.1,
                 self.daemon.log)

    def wait_all_held(self):
        wait_for(lambda: self.states() == ["held"] * len(self.leaves), 20, "all first staples",
                 tell=self.daemon.log)
        wait_for(lambda: len(self.staples()) == len(self.leaves), 5, "all files")
        self.see()

    def see(self):
        for leaf in self.shown:
            clients.see_staple(self.nginx.port, leaf.name, 8, self.daemon.log)

    def end(self):
        self.clinch.end()
        self.front.end()


@pytest.fixture(scope="module")
def crowded(programs, ecdsa_ca, tmp_path_factory):
    """Sixty certificates of one responder that is dead from now on, six of one that is well."""
    with ScriptedResponder(ecdsa_ca) as crowd, ScriptedResponder(ecdsa_ca) as near:
        crowd.set("good", **SPREAD)
        near.set("good", **FIRST)
        many = ecdsa_ca.issue_many(CROWD, crowd.url, prefix="many")
        others = ecdsa_ca.issue_many(6, near.url, prefix="near")
        house = House(tmp_path_factory.mktemp("crowded"), programs, many + others,
                      [many[0], many[1], others[0]])
        try:
            house.wait_all_held()
            plans = {name: row["next_try"] for name, row in house.rows().items()}
            crowd.set("http-503", delay=0.5)
            near.set("good", **FRESH)
            yield SimpleNamespace(house=house, crowd=crowd, near=near, others=others, plans=plans,
                                  before=house.staples(), failing=[])
        finally:
            house.end()


@pytest.mark.limit(120)
def test_kill_9_while_the_responder_is_down_loses_nothing(programs, ecdsa_ca, crowded, tmp_path):
    del crowded  # the other outage goes on meanwhile
    with ScriptedResponder(ecdsa_ca) as dead:
        dead.set("good", **FIRST)
        leaves = ecdsa_ca.issue_many(20, dead.url, prefix="home")
        house = House(tmp_path / "house", programs, leaves, leaves[:2])
        try:
            house.wait_all_held()
            dead.set("http-503")
            play_kill_9(house, dead)
        finally:
            house.end()


def play_kill_9(house, dead):
    before = house.staples()
    house.wait_down(dead)
    reloads = house.nginx.reloads()
    house.daemon.kill_9()
    house.nginx.restart()
    house.see()
    house.daemon = house.clinch.run_config(house.config)
    wait_for(lambda: len(house.states()) == len(house.leaves), 5, "all certificates",
             tell=house.daemon.log)
    assert set(house.states()) <= {"held", "failing"}, house.rows()
    assert house.staples() == before and house.nginx.reloads() == reloads, house.daemon.log()
    house.see()
    dead.set("good", **FRESH)
    wait_for(lambda: all(der != before[stem] for stem, der in house.staples().items()), 40,
             "fresh staples", 0.2, house.daemon.log)
    assert set(house.states()) == {"held"} and len(house.staples()) == len(before), house.rows()
    house.see()


@pytest.mark.limit(150)
def test_dead_responder_of_many_is_left_in_peace(crowded):
    house, crowd = crowded.house, crowded.crowd
    house.wait_down(crowd)
    check_not_delayed(crowded)
    check_probes(crowded)
    check_told(crowded)
    check_pause(crowded)
    check_recovery(crowded)


def test_status_says_of_each_why_it_is_not_asked(crowded):
    """As it was in the play before."""
    url = crowded.crowd.url.rstrip("/")
    told = [row for row in crowded.failing
            if url in row["last"] and ("is down" in row["last"] or "503" in row["last"])]
    assert crowded.failing and told == crowded.failing, crowded.failing
    # The one that is being asked as a probe has none.
    assert sum(row["next_try"] is None for row in told) <= 1, told


def check_not_delayed(crowded):
    """The neighbours were asked about when it was planned."""
    near, others = crowded.near, crowded.others
    wait_for(lambda: all(near.count(leaf) >= 2 for leaf in others), 40, "the neighbours' turn")
    ahead = time.time() - time.monotonic()
    late = {leaf.name: near.asked(leaf)[1].at + ahead - crowded.plans[leaf.name]
            for leaf in others}
    assert all(-1 < seconds < 2.5 for seconds in late.values()), late


def check_probes(crowded):
    """One request at a time since it is down, and ever rarer."""
    down = crowded.house.responder(crowded.crowd)["down_since"]
    # What was under way when the circuit opened had come before.
    start = down + 1 - (time.time() - time.monotonic())
    wait_for(lambda: time.monotonic() > start + 10, 15, "ten seconds of outage")
    probes = [request for request in crowded.crowd.asked() if request.at > start]
    span = time.monotonic() - start
    assert 1 <= len(probes) <= 2 + span / 3, [request.at - start for request in probes]
    assert {request.beside for request in probes} == {0}, probes
    assert all(after.at - probe.at >= 1 for probe, after in zip(probes, probes[1:])), probes


def check_told(crowded):
    """A line about the responder and none about each certificate; `status` tells the rest."""
    house, url = crowded.house, crowded.crowd.url.rstrip("/")
    (line,) = [line for line in house.daemon.lines_about(f"{url}:")
               if "the responder is down" in line]
    assert "HTTP status 503" in line and "tried again, one request at a time" in line, line
    warnings = [line for line in house.daemon.lines_about("many") if "warning" in line]
    assert len(warnings) <= 2, warnings  # of the five that failed before
    rows = house.rows()

    def between_probes():
        """No time of a next try is known while one is under way."""
        told = house.responder(crowded.crowd)
        return told["next_try"] is not None and told

    told = wait_for(between_probes, 5, "the end of a probe", tell=house.daemon.log)
    assert told["down"] and told["waiting"] >= 10 and told["failures_in_a_row"] >= 5, told
    assert told["next_try"] < time.time() + 30, told
    assert {row["state"] for row in rows.values()} == {"held", "failing"}
    assert all(row["serve_until"] > time.time() for row in rows.values())
    crowded.failing = [row for row in rows.values() if row["state"] == "failing"]
    table = house.clinch.command("status").out
    assert f"{url} is down since" in table, table


def check_pause(crowded):
    """Who is told when to come back does not come before, whichever certificate it is for."""
    crowd, tell = crowded.crowd, crowded.house.daemon.log
    crowd.set("retry-after", seconds=PAUSE_S)
    wait_for(lambda: crowd.count(rule="retry-after") > 1, 75, "two probes", tell=tell)
    first, second = crowd.asked(rule="retry-after")[:2]
    assert second.at - first.at > PAUSE_S - 0.5, second.at - first.at


def check_recovery(crowded):
    house, crowd = crowded.house, crowded.crowd
    kept = house.staples()
    assert all(kept[stem] == der for stem, der in crowded.before.items() if "many" in stem)
    house.see()
    waiting = house.responder(crowd)["waiting"]
    crowd.set("good", **FRESH)
    house.daemon.says(f"{crowd.url.rstrip('/')}: the responder answers again after", 40)
    wait_for(lambda: crowd.count(rule="good") >= CROWD + waiting, 5, "all that waited to be asked",
             tell=house.daemon.log)
    wait_for(lambda: set(house.states()) == {"held"}, 10, "all to be well", 0.1, house.daemon.log)
    wait_for(lambda: sum(der != kept[stem] for stem, der in house.staples().items()) >= waiting,
             5, f"{waiting} fresh staples", tell=house.daemon.log)
    told = house.responder(crowd)
    assert not told["down"] and not told["waiting"], told
    house.see()
