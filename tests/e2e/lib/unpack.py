#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's nginx and HAProxy without installing them: unpacked under build/servers.

Works for every user. What is there already is used again; servers that are installed on this
machine are used as they are. Run as a program it prints what it found.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGES = ["nginx", "haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"]
ADMIN_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"


class Unavailable(Exception):
    """The servers could not be had; the text says why and what to do."""


@dataclass(frozen=True)
class Programs:
    nginx: str
    haproxy: str
    libraries: str  # for LD_LIBRARY_PATH, "" when none is needed

    def environment(self):
        env = dict(os.environ)
        if self.libraries:
            env["LD_LIBRARY_PATH"] = self.libraries
        return env


def _find_unpacked(root):
    nginx, haproxy = root / "usr/sbin/nginx", root / "usr/sbin/haproxy"
    if not (nginx.exists() and haproxy.exists()):
        return None
    libraries = [str(path) for path in root.glob("usr/lib/*-linux-gnu*") if path.is_dir()]
    return Programs(str(nginx), str(haproxy), ":".join(libraries))


def _find_installed():
    nginx = shutil.which("nginx", path=ADMIN_PATH)
    haproxy = shutil.which("haproxy", path=ADMIN_PATH)
    return Programs(nginx, haproxy, "") if nginx and haproxy else None


def _run(argv, cwd):
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, check=False)


def _private_lists(folder):
    """apt's options for package lists of our own, which need no root."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
            "-o", "Debug::NoLocking=1"]


def _download(folder):
    """Puts the .deb files into `folder`; first with the machine's package lists, else with ours."""
    first = _run(["apt-get", "-q", "download", *PACKAGES], folder)
    if first.returncode == 0:
        return
    with tempfile.TemporaryDirectory(prefix="clinch-apt-") as lists:
        options = _private_lists(Path(lists))
        update = _run(["apt-get", "-q", *options, "update"], folder)
        second = _run(["apt-get", "-q", *options, "download", *PACKAGES], folder)
    if second.returncode != 0:
        raise Unavailable("cannot download nginx and haproxy with apt-get:\n"
                          f"{first.stderr}{update.stderr}{second.stderr}"
                          "Install them (apt-get install nginx haproxy) or go online once.")


def _check_starts(programs):
    """A library that is missing is told here, and not by a play that fails."""
    for argv in ([programs.nginx, "-v"], [programs.haproxy, "-v"]):
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30,
                              env=programs.environment())
        if done.returncode != 0:
            raise Unavailable(f"{argv[0]} does not start: {done.stderr.strip()}")


def _unpack(folder):
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Unavailable("nginx and haproxy are not installed, and without apt-get and dpkg "
                          "they cannot be unpacked here: install both.")
    with tempfile.TemporaryDirectory(dir=folder, prefix="unpack-") as work:
        _download(Path(work))
        root = Path(work) / "root"
        for deb in sorted(Path(work).glob("*.deb")):
            done = _run(["dpkg", "-x", str(deb), str(root)], work)
            if done.returncode != 0:
                raise Unavailable(f"dpkg -x {deb.name}: {done.stderr.strip()}")
        shutil.rmtree(folder / "root", ignore_errors=True)
        root.rename(folder / "root")


def get(folder=None, say=lambda line: None):
    """The programs, unpacked now if need be."""
    folder = Path(folder or REPOSITORY / "build/servers")
    programs = _find_unpacked(folder / "root") or _find_installed()
    if programs is None:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _find_unpacked(folder / "root") is None:
                say("fetching Debian's nginx and HAProxy, to be unpacked under "
                    f"{folder}, not installed")
                _unpack(folder)
        programs = _find_unpacked(folder / "root")
    if programs is None:
        raise Unavailable(f"{folder}/root holds no nginx or no haproxy: remove it and try again.")
    _check_starts(programs)
    return programs


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        try:
            print(get(sys.argv[1] if len(sys.argv) > 1 else None, say=print))
        except Unavailable as fault:
            sys.exit(f"unpack: {fault}")
