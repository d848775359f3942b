# SPDX-License-Identifier: Apache-2.0
"""Many outages side by side: one daemon and one nginx, a certificate and a responder each.

Each scene goes through the same acts, at its own pace: its first staple is on the wire; its
responder turns to the fault; when enough was seen of that, the responder is well again; the new
staple is on the wire. All the while a client looks at every site, and `status` is asked.
"""

import re
import subprocess
import time
from dataclasses import dataclass, field

from . import answers, clients
from .clinch import Clinch
from .responder import ScriptedResponder
from .servers import Front

# Asked again 30 to 47 s after it came, served until 75 s after. No answer is asked for sooner
# than after half a minute, and the first time is spread over 10-60 % of the lifetime.
FIRST = {"age_s": 13, "life_s": 100}
# Newer than FIRST was, and old enough to be shown at once.
FRESH = {"age_s": 31, "life_s": 240}


def on_address(how):
    """A turn of the responder: its first address is stopped or muted."""
    def turn(responder):
        responder.set("good", **FRESH)
        getattr(responder, how)(responder.hosts[0])
    return turn


def on_all(how):
    return lambda responder: getattr(responder, how)()


@dataclass
class Fault:
    """What the responder turns to, and what is to come of it."""

    rule: str = None      # of lib/rules.py
    options: dict = field(default_factory=dict)
    said: str = ""        # a regular expression: what the log and `status` say of it
    turn: object = None   # instead of the rule: called with the responder
    hosts: tuple = ("127.0.0.1",)
    first: dict = field(default_factory=dict)  # more about the first answers
    requests: int = 2     # that it must have met before it ends
    spare: bool = False   # a second URL, of a responder that is well
    ends: bool = True     # enough was seen of it at some time; else news come all the same
    bare: bool = False    # not before the staple has ended

    def begin(self, responder):
        if self.turn:
            self.turn(responder)
        else:
            responder.set(self.rule, **self.options)


class Scene:
    """One certificate, its responder, its fault, and all that was seen of them."""

    def __init__(self, name, fault, ca):
        self.name = name
        self.fault = fault
        self.responder = ScriptedResponder(ca, hosts=fault.hosts).start()
        self.responder.set("good", **{**FIRST, **fault.first})
        self.spare = ScriptedResponder(ca).start() if fault.spare else None
        urls = [one.url for one in (self.responder, self.spare) if one]
        if self.spare:
            self.spare.set("good", **FRESH)
        self.leaf = ca.issue(f"{name.lower()}-site.test", url=urls)
        self.path = None
        self.act = "first"
        self.began = {}      # act -> time.time()
        self.looks = []      # (when, act, Sight)
        self.rows = []       # (when, act, row of `status`)
        self.line = None     # of the log, about the fault
        self.told = None     # row of `status`, while it failed
        self.table = ""      # what `status` printed then

    def enter(self, act):
        self.act = act
        self.began[act] = time.time()

    # What was seen.

    def made(self):
        """All answers about this certificate, {signature: (rule, DER)}; what is no answer not."""
        found = {}
        for responder in filter(None, (self.responder, self.spare)):
            for rule, der in list(responder.made):
                if len(der) > 5:
                    found[answers.read(der).signature] = (rule, der)
        return found

    def sights(self, *acts):
        return [sight for _, act, sight in self.looks if act in acts]

    def first(self):
        """The signature of the staple that was there before the fault."""
        return self.sights("first")[-1].signature

    def has_news(self):
        sight = self.looks[-1][2]
        return sight.stapled and sight.signature != self.first()

    def log_pattern(self):
        """The line that tells of the fault: certificate, responder, what, until when, next try."""
        return (rf"{re.escape(self.leaf.name)} \(\S+, serial 0?{self.leaf.serial_hex}\): "
                rf"{re.escape(self.responder.url)}: [^;]*(?:{self.fault.said})[^;]*; "
                r"the staple held is served until (\S+ ?\S+Z); next try in (\d+) (\S+)")

    def tells(self, row):
        return (row["state"] == "failing" and self.responder.url in row["last"]
                and re.search(self.fault.said, row["last"]))

    # How it goes on.

    def step(self, stage, row):
        now = time.time()
        self.looks.append((now, self.act, clients.look(stage.nginx.port, self.leaf.name)))
        if row:
            self.rows.append((now, self.act, row))
        getattr(self, f"_{self.act}")(stage, row)

    def _first(self, _stage, row):
        if self.looks[-1][2].status == "good" and row and row["state"] == "held":
            self.enter("fault")
            self.fault.begin(self.responder)

    def _fault(self, stage, row):
        if self.line is None and self.fault.said:
            self.line = re.search(self.log_pattern(), stage.daemon.log())
        if self.told is None and self.fault.said and self.tells(row):
            self.told = row
            self.table = stage.clinch.command("status", self.path).out
        if self.has_news():
            self.enter("over")
        elif self.is_enough():
            self.recover()

    def is_enough(self):
        """True when the fault was met, told, and looked at since then."""
        fault = self.fault
        met = self.responder.count(rule=fault.rule) >= fault.requests if fault.rule else True
        told = self.line and self.told if fault.said else True
        waits = fault.bare and self.looks[-1][2].stapled
        return fault.ends and met and told and not waits

    def recover(self):
        self.enter("well")
        self.responder.start()
        self.responder.set("good", etag='"2"' if self.fault.first else None, **FRESH)

    def _well(self, _stage, _row):
        if self.has_news():
            self.enter("over")

    def _over(self, _stage, _row):
        pass

    def end(self):
        for responder in filter(None, (self.responder, self.spare)):
            responder.stop()


class Stage:
    """All scenes, and what they share."""

    def __init__(self, folder, programs, ca, faults):
        self.ca = ca
        self.folder = folder
        self.authority = ca.write(folder / "ca.pem")
        self.certs = folder / "certs"
        self.certs.mkdir()
        self.scenes = {name: Scene(name, fault, ca) for name, fault in faults.items()}
        for scene in self.scenes.values():
            scene.path = scene.leaf.write(self.certs)
        self.clinch = Clinch(folder / "clinch")
        self.front = Front(programs, folder)
        leaves = [scene.leaf for scene in self.scenes.values()]
        self.nginx, snippets = self.front.nginx(*leaves)
        config = self.clinch.config(
            [self.certs], [{"nginx": snippets, "reload": self.nginx.command(),
                            "reload_interval": "1s"}], timeout="2s", connect_timeout="1s")
        self.daemon = self.clinch.run_config(config)

    def play(self, limit_s):
        """Until all is over, or the limit: what did not come is for the tests to tell."""
        deadline = time.monotonic() + limit_s
        for scene in self.scenes.values():
            scene.enter("first")
        while time.monotonic() < deadline and any(
                scene.act != "over" for scene in self.scenes.values()):
            rows = {row["leaf_sha256"]: row for row in self.clinch.status()}
            for scene in self.scenes.values():
                scene.step(self, rows.get(scene.leaf.sha256))

    def verify(self, scene, der):
        """What `openssl ocsp` says of an answer."""
        path = self.folder / "answer.der"
        path.write_bytes(der)
        leaf = scene.leaf.write(self.folder / "leaf.pem", chain=False)
        done = subprocess.run(
            ["openssl", "ocsp", "-no_nonce", "-respin", path, "-issuer", self.authority,
             "-CAfile", self.authority, "-cert", leaf], capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=10)
        return done.stdout + done.stderr

    def end(self):
        self.clinch.end()
        self.front.end()
        for scene in self.scenes.values():
            scene.end()
