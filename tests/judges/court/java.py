# SPDX-License-Identifier: Apache-2.0
"""Java: one JVM for all cases, in three moods."""

import subprocess
import threading
from pathlib import Path

from .clients import need

MODES = {"default": "java-default", "soft": "java", "hard": "java-hard"}
LIMIT_S = 60


class Jvm:
    """Judge.java, asked line by line; a JVM that says nothing in time is ended."""

    def __init__(self, scene):
        argv = [need("java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1",
                "-Dcom.sun.security.ocsp.timeout=3", "-Djava.net.useSystemProxies=false",
                str(Path(__file__).with_name("Judge.java")), str(scene.root)]
        self._jvm = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True)
        self._lock = threading.Lock()
        self.version = self._line()

    def _line(self):
        watchdog = threading.Timer(LIMIT_S, self._jvm.kill)
        watchdog.start()
        try:
            line = self._jvm.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise AssertionError("the JVM ended, or said nothing within a minute")
        return line.strip()

    def judge(self, mode, trial):
        with self._lock:
            self._jvm.stdin.write(f"{mode} {trial.port}\n")
            self._jvm.stdin.flush()
            said = self._line()
        return said == "A", said[2:]

    def stop(self):
        self._jvm.stdin.close()
        try:
            self._jvm.wait(10)
        except subprocess.TimeoutExpired:
            self._jvm.kill()
            self._jvm.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
