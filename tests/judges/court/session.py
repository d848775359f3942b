# SPDX-License-Identifier: Apache-2.0
"""All clients before all trials, two at a time."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

from . import clients, report
from .firefox import Firefox
from .forecast import REPOSITORY, forecast
from .java import MODES, Jvm
from .scene import Scene

MODE = os.environ.get("JUDGES", "full")
AT_ONCE = 2
# What Firefox sees in a quick session.
QUICK = {("good", "ordinary", "dead"), ("none", "ordinary", "dead"),
         ("none", "must-staple", "dead"), ("bad signature", "ordinary", "dead"),
         ("expired 2 d ago", "ordinary", "dead"), ("expired 2 d ago", "ordinary", "alive")}


def in_session(case, staple, life):
    """Is this one tried in this mode?"""
    return MODE == "full" or life == "dead" or (case.name, staple, life) in QUICK


def hold(programs, folder):
    """A Court that has heard everything."""
    court = Court(Scene(programs, folder, in_session))
    court.sit()
    return court


class Court:
    """`trials`, `forecasts` and `versions`, once it has sat."""

    def __init__(self, scene):
        self.scene = scene
        self.trials = scene.trials
        self.versions = {}
        self.forecasts = {}

    def sit(self):
        with self.scene:
            self._hear()
        self.forecasts = {trial.folder: forecast(self.scene, trial) for trial in self.trials}
        self._keep()
        if MODE == "full":
            report.write(REPOSITORY / "docs/clients.md", self.trials, self.versions,
                         self.forecasts)

    def _hear(self):
        """The quick ones beside Java, then Firefox twice at a time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self._hear_quick), pool.submit(self._hear_java)]:
                done.result()
        firefox = Firefox(self.scene)
        self.versions["Firefox"] = firefox.version()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            heard = [trial for trial in self.trials if MODE == "full"
                     or (trial.case.name, trial.staple, trial.life) in QUICK]
            for trial, verdict in zip(heard, pool.map(firefox.judge, heard)):
                trial.seen[firefox.key] = verdict

    def _in_order(self):
        return sorted(self.trials, key=lambda trial: not trial.case.hurry)

    def _hear_quick(self):
        for kind in (clients.Curl, clients.Nss, clients.Gnutls, clients.Rhel):
            client = kind(self.scene)
            self.versions[client.title] = client.version()
            for trial in self._in_order():
                trial.seen[client.key] = client.judge(trial)

    def _hear_java(self):
        with Jvm(self.scene) as jvm:
            self.versions["OpenJDK"] = jvm.version
            for mode, key in MODES.items():
                for trial in self._in_order():
                    trial.seen[key] = jvm.judge(mode, trial)

    def _keep(self):
        """What was seen and said, for people who change the table."""
        folder = REPOSITORY / "build/judges"
        folder.mkdir(parents=True, exist_ok=True)
        told = [{"name": trial.name, "responder": trial.life, "seen": trial.seen,
                 "table": self.forecasts[trial.folder].says} for trial in self.trials]
        (folder / "seen.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")

    def mistakes(self, name, life):
        """Sentences: where the table and a client disagree about this trial."""
        (trial,) = [trial for trial in self.trials if (trial.name, trial.life) == (name, life)]
        expected = self.forecasts[trial.folder]
        return [f"{client} {'accepts' if accepted else 'refuses'} ({said}), the table says "
                f"\"{expected.says[client]}\""
                for client, (accepted, said) in trial.seen.items()
                if accepted != expected.accepts[client]]
