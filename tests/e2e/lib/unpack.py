#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's TLS servers without installing them: unpacked under build/servers.

Works for every user. What is there already is used again; an nginx and a HAProxy that are installed
on this machine are used as they are. Run as a program it prints what it found.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
ADMIN_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
NOBODY = 65534


class Unavailable(Exception):
    """The servers could not be had; the text says why and what to do."""


@dataclass(frozen=True)
class Group:
    """Servers that are fetched together: where they are in their packages, and the packages, with
    the libraries that a bare system has not."""

    folder: str  # below build/servers
    programs: dict
    packages: tuple
    installed: bool = False  # those of the machine will do
    libraries: tuple = ()  # folders of libraries besides the system's


PAIR = Group("root", {"nginx": "usr/sbin/nginx", "haproxy": "usr/sbin/haproxy"},
             ("nginx", "haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"),
             installed=True)
OTHERS = Group("others", {"hitch": "usr/sbin/hitch", "lighttpd": "usr/sbin/lighttpd",
                          "h2o": "usr/bin/h2o", "nghttpx": "usr/sbin/nghttpx",
                          "exim": "usr/sbin/exim4", "dnsdist": "usr/bin/dnsdist"},
               ("hitch", "lighttpd", "lighttpd-mod-openssl", "h2o", "nghttp2-proxy",
                "exim4-daemon-light", "dnsdist", "libbsd0", "libc-ares2", "libcdb1", "libedit2",
                "libev4", "libfstrm0", "libh2o-evloop0.13", "libidn12", "libjemalloc2", "liblmdb0",
                "libluajit-5.1-2", "libmd0", "libnsl2", "libnss-wrapper", "libre2-9", "libsnmp40",
                "libsodium23", "libtirpc3", "libwrap0", "libwslay1", "libxxhash0", "libyaml-0-2"))
# Servers that cannot staple, or not well: for the preload library. nodejs is Debian's also where
# another is known to apt.
PRELOADED = Group("preloaded", {"apache": "usr/sbin/apache2", "redis": "usr/bin/redis-server",
                                "postgresql": "usr/lib/postgresql/15/bin/postgres",
                                "mariadb": "usr/sbin/mariadbd", "postfix": "usr/sbin/postconf",
                                "dovecot": "usr/sbin/dovecot", "vsftpd": "usr/sbin/vsftpd",
                                "proftpd": "usr/sbin/proftpd", "mosquitto": "usr/sbin/mosquitto",
                                "stunnel": "usr/bin/stunnel4", "node": "usr/bin/node"},
                  ("apache2-bin", "redis-server", "redis-tools", "postgresql-15", "mariadb-server",
                   "mariadb-server-core", "mariadb-client-core", "postfix", "dovecot-core",
                   "dovecot-imapd", "vsftpd", "proftpd-core", "proftpd-mod-crypto", "mosquitto",
                   "stunnel4", "nodejs/bookworm", "libaio1", "libapr1", "libaprutil1", "libc-ares2",
                   "libcap-ng0", "libdlt2", "libedit2", "libhashkit2", "libhiredis0.14", "libicu72",
                   "libjemalloc2", "liblzf1", "libmemcached11", "libmemcachedutil2", "libncurses6",
                   "libnode108", "libnsl2", "libnuma1", "libpcre2-posix3", "libpq5", "libsodium23",
                   "libtirpc3", "libunwind8", "liburing2", "libwrap0", "libxml2", "node-acorn",
                   "node-cjs-module-lexer", "node-undici"),
                  libraries=("usr/lib/postfix", "usr/lib/dovecot"))
DEHYDRATED = Group("dehydrated", {"dehydrated": "usr/bin/dehydrated"}, ("dehydrated",),
                   installed=True)
# How to ask for the version, and what to look for in the answer.
VERSIONS = {"nginx": ("-v", r"nginx/(\S+)"), "haproxy": ("-v", r"version (\S+)"),
            "hitch": ("--version", r"hitch (\S+)"), "lighttpd": ("-v", r"lighttpd/(\S+)"),
            "h2o": ("-v", r"h2o version (\S+)"), "nghttpx": ("-v", r"nghttp2/(\S+)"),
            "exim": ("-C/dev/null -bV", r"Exim version (\S+)"),
            "dnsdist": ("--version", r"dnsdist (\S+)"),
            "dehydrated": ("--version", r"Dehydrated version: (\S+)"),
            "apache": ("-v", r"Apache/(\S+)"), "redis": ("--version", r"v=(\S+)"),
            "postgresql": ("--version", r"PostgreSQL\) (\S+)"),
            "mariadb": ("--version", r"Ver (\d[\d.]+)"),
            "postfix": ("-d mail_version", r"mail_version = (\S+)"),
            "dovecot": ("--version", r"^(\S+)"), "vsftpd": ("-v", r"^()"),  # it writes to its input
            "proftpd": ("-v", r"Version (\S+)"), "mosquitto": ("-h", r"version (\S+)"),
            "stunnel": ("-version", r"stunnel (\S+)"), "node": ("--version", r"v(\S+)")}
CODES = {"mosquitto": 3}  # of that question, where it is not 0


@dataclass(frozen=True)
class Programs:
    paths: dict
    libraries: str  # for LD_LIBRARY_PATH, "" when none is needed
    root: Path = None  # where the packages were unpacked; None: they are installed
    variables: dict = field(default_factory=dict)  # name -> more for its environment

    @property
    def nginx(self):
        return self.paths["nginx"]

    @property
    def haproxy(self):
        return self.paths["haproxy"]

    def variables_for(self, name):
        """What its environment needs besides ours."""
        libraries = {"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}
        return {**libraries, **self.variables.get(name, {})}

    def environment(self, name=None):
        return {**os.environ, **self.variables_for(name)}

    def version(self, name):
        """What the server says of itself. A library that is missing is told here, and not by a
        play that fails."""
        options, pattern = VERSIONS[name]
        done = subprocess.run([self.paths[name], *options.split()], capture_output=True, text=True,
                              check=False, timeout=30, stdin=subprocess.DEVNULL,
                              env=self.environment(name))
        found = re.search(pattern, done.stdout + done.stderr)
        if done.returncode != CODES.get(name, 0) or not found:
            raise Unavailable(f"{self.paths[name]} does not start: {done.stderr.strip()}")
        return found.group(1)


def _find_unpacked(group, folder):
    root = folder / group.folder
    paths = {name: str(root / path) for name, path in group.programs.items()}
    if not all(os.path.exists(path) for path in paths.values()):
        return None
    patterns = ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", *group.libraries)
    libraries = [str(path) for pattern in patterns for path in root.glob(pattern) if path.is_dir()]
    variables = {"exim": _exim_user(folder)} if "exim" in paths else {}
    return Programs(paths, ":".join(libraries), root, variables)


def _exim_user(folder):
    """Exim does not start without its user, which this machine may not have: libnss-wrapper shows
    it one, and that to nobody else."""
    uid, gid = (NOBODY, NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    tables = {"passwd": "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"
                        f"Debian-exim:x:{uid}:{gid}::/:/bin/false\n",
              "group": f"root:x:0:\nnogroup:x:65534:\nDebian-exim:x:{gid}:\n"}
    for name, text in tables.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="ascii") != text:
            path.write_text(text, encoding="ascii")
    return {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(folder / "group")}


def _find_installed(group):
    paths = {name: shutil.which(name, path=ADMIN_PATH) for name in group.programs}
    return Programs(paths, "") if group.installed and all(paths.values()) else None


def _run(argv, cwd):
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, check=False)


def _private_lists(folder):
    """apt's options for package lists of our own, which need no root."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
            "-o", "Debug::NoLocking=1"]


def _download(group, folder):
    """Puts the .deb files into `folder`; first with the machine's package lists, else with ours."""
    first = _run(["apt-get", "-q", "download", *group.packages], folder)
    if first.returncode == 0:
        return
    with tempfile.TemporaryDirectory(prefix="clinch-apt-") as lists:
        options = _private_lists(Path(lists))
        update = _run(["apt-get", "-q", *options, "update"], folder)
        second = _run(["apt-get", "-q", *options, "download", *group.packages], folder)
    if second.returncode != 0:
        help_ = f"Install them (apt-get install {' '.join(group.programs)}) or go online once."
        raise Unavailable(f"cannot download {_names(group)} with apt-get:\n{first.stderr}"
                          f"{update.stderr}{second.stderr}"
                          f"{help_ if group.installed else 'Go online once.'}")


def _names(group):
    *most, last = group.programs
    return f"{', '.join(most)} and {last}" if most else last


def _unpack(group, folder):
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Unavailable(f"{_names(group)} cannot be unpacked here without apt-get and dpkg.")
    with tempfile.TemporaryDirectory(dir=folder, prefix="unpack-") as work:
        _download(group, Path(work))
        root = Path(work) / "root"
        for deb in sorted(Path(work).glob("*.deb")):
            done = _run(["dpkg", "-x", str(deb), str(root)], work)
            if done.returncode != 0:
                raise Unavailable(f"dpkg -x {deb.name}: {done.stderr.strip()}")
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink():  # Exim's is setuid root: not here
                path.chmod(path.stat().st_mode & 0o777)
        shutil.rmtree(folder / group.folder, ignore_errors=True)
        root.rename(folder / group.folder)


def get(folder=None, say=lambda line: None, group=PAIR):
    """The programs of a group, unpacked now if need be."""
    folder = Path(folder or REPOSITORY / "build/servers")
    programs = _find_unpacked(group, folder) or _find_installed(group)
    if programs is None:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _find_unpacked(group, folder) is None:
                say(f"fetching Debian's {_names(group)}, to be unpacked under {folder}, not "
                    "installed")
                _unpack(group, folder)
        programs = _find_unpacked(group, folder)
    if programs is None:
        raise Unavailable(f"{folder}/{group.folder} lacks one of {_names(group)}: remove it and "
                          "try again.")
    for name in group.programs:
        programs.version(name)
    return programs


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        try:
            for one in (PAIR, OTHERS, PRELOADED, DEHYDRATED):
                print(get(sys.argv[1] if len(sys.argv) > 1 else None, print, one).paths)
        except Unavailable as fault:
            sys.exit(f"unpack: {fault}")
