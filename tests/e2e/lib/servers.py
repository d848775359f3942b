# SPDX-License-Identifier: Apache-2.0
"""Real nginx and real HAProxy on free loopback ports, everything they write in a folder of ours."""

import os
import shlex
import signal
import socket
import subprocess
from pathlib import Path

from .process import Child, accepts, children, free_port, wait_for

START_TRIES = 3
TEMP_PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Site:
    """One server block: a DNS name, a certificate, its key, and a glob of snippets to include."""

    def __init__(self, name, certificate, key, include=None):
        self.name = name
        self.certificate = Path(certificate)
        self.key = Path(key)
        self.include = include

    def block(self, port):
        include = f"    include {self.include};\n" if self.include else ""
        return (f"  server {{\n    listen 127.0.0.1:{port} ssl;\n    server_name {self.name};\n"
                f"    ssl_certificate {self.certificate};\n    ssl_certificate_key {self.key};\n"
                f"{include}    location / {{ return 200 'ok'; }}\n  }}\n")


class Server:
    """What all have in common: a child, a port, and a start that is over when it accepts."""

    kind = "server"

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.child = None
        self.signature = None  # for plays: of the staple seen last

    def process(self):
        """The process that a restart makes anew."""
        return self.child.pid

    def configure(self):
        raise NotImplementedError

    def argv(self):
        raise NotImplementedError

    def environment(self):
        return self.programs.environment(self.kind)

    def _try_start(self):
        self.configure()
        child = Child(self.argv(), self.folder / f"{self.kind}.out",
                      env=self.environment(), cwd=self.folder)
        wait_for(lambda: not child.alive() or accepts(self.port), 20,
                 f"{self.kind} to listen on port {self.port}", tell=child.log)
        if child.alive():
            self.child = child
            return True
        child.kill()
        return False

    def start(self):
        """Starts it and waits until it accepts. A port that was taken meanwhile is changed."""
        for attempt in range(START_TRIES):
            if self._try_start():
                return self
            if "Address already in use" not in self.log() and "cannot bind" not in self.log():
                break
            if attempt + 1 < START_TRIES:
                self.port = free_port()
        raise AssertionError(f"{self.kind} does not start:\n{self.log()}")

    def stop(self):
        if self.child:
            self.child.stop()
            self.child = None

    def generation(self):
        """What a reload replaces as a whole: the processes that serve."""
        return children(self.child.pid)

    def tell_reload(self):
        """As the administrator does it. Servers do not answer signals."""
        self.child.send(signal.SIGHUP)

    def reload(self):
        """Over when nothing of before serves any more: until then it may answer."""
        before = self.generation()
        self.tell_reload()
        wait_for(lambda: self.generation() and not self.generation() & before, 20,
                 f"{self.kind} to be reloaded", tell=self.log)

    def restart(self):
        """A new process on the same port: nothing of the old one's memory is left."""
        self.stop()
        return self.start()

    def log(self):
        path = self.folder / f"{self.kind}.out"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self):
        return self if self.child else self.start()

    def __exit__(self, *_):
        if self.child:
            self.child.kill()
            self.child = None


class Nginx(Server):
    kind = "nginx"

    def __init__(self, programs, folder, sites=()):
        super().__init__(programs, folder)
        self.sites = list(sites)
        self.config = self.folder / "nginx.conf"
        self.configure()

    def configure(self):
        temp = "".join(f"  {name}_temp_path {self.folder}/temp-{name};\n" for name in TEMP_PATHS)
        user = "user root;\n" if os.geteuid() == 0 else ""
        blocks = "".join(site.block(self.port) for site in self.sites)
        self.config.write_text(
            f"daemon off;\n{user}worker_processes 1;\npid {self.folder}/nginx.pid;\n"
            f"error_log {self.folder}/error.log notice;\n"
            "events { worker_connections 256; }\n"
            f"http {{\n  access_log off;\n{temp}  server_names_hash_max_size 4096;\n"
            f"{blocks}}}\n", encoding="ascii")

    def argv(self, *more):
        return [self.programs.nginx, "-e", str(self.folder / "error.log"), "-p",
                str(self.folder), "-c", str(self.config), *more]

    def command(self):
        """What stands behind `reload:` in clinch.yaml."""
        library = f"LD_LIBRARY_PATH={shlex.quote(self.programs.libraries)} "
        prefix = library if self.programs.libraries else ""
        test, reload = (prefix + shlex.join(self.argv(*flags))
                        for flags in (["-q", "-t"], ["-s", "reload"]))
        return f"{test} && {reload}"

    def test(self):
        """`nginx -t`: may it start, as things are? The exit code and what it says."""
        done = subprocess.run(self.argv("-t"), capture_output=True, text=True, check=False,
                              env=self.programs.environment(), timeout=30)
        return done.returncode, done.stderr

    def reloads(self):
        """How many times the running nginx was told to read its configuration again."""
        return self.error_log().count("(SIGHUP) received")

    def error_log(self):
        path = self.folder / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log(self):
        return super().log() + self.error_log()


class HAProxy(Server):
    kind = "haproxy"

    def __init__(self, programs, folder, certificates=()):
        super().__init__(programs, folder)
        self.certificates = [Path(path) for path in certificates]
        self.config = self.folder / "haproxy.cfg"
        self.socket = self.folder / "admin.sock"
        self.configure()

    def configure(self):
        crt = " ".join(f"crt {path}" for path in self.certificates)
        self.config.write_text(
            f"global\n  stats socket {self.socket} mode 600 level admin\n"
            "  ssl-default-bind-options ssl-min-ver TLSv1.2\n"
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 10s\n"
            "  timeout server 10s\n"
            f"frontend tls\n  bind 127.0.0.1:{self.port} ssl {crt}\n"
            "  http-request return status 200 content-type text/plain string ok\n",
            encoding="ascii")

    def argv(self):
        return [self.programs.haproxy, "-db", "-f", str(self.config)]

    def check(self):
        """`haproxy -c`: the exit code and what it says."""
        done = subprocess.run([*self.argv()[:1], "-c", "-f", str(self.config)], check=False,
                              capture_output=True, text=True, timeout=30,
                              env=self.programs.environment())
        return done.returncode, done.stdout + done.stderr

    def ask(self, command):
        """One command on the runtime socket, and all it answers."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(10)
            admin.connect(str(self.socket))
            admin.sendall(command.encode() + b"\n")
            answer = bytearray()
            while chunk := admin.recv(65536):
                answer += chunk
        return answer.decode(errors="replace")


class Front:
    """nginx and HAProxy as a play needs them, ended with the play."""

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder
        self.running = []

    def nginx(self, *leaves, start=True, snippets=None):
        """nginx with a site per certificate: (server, snippet folder).

        Each site includes SNIPPETS/NAME*.conf, NAME being the first label of the DNS name.
        """
        snippets = snippets or self.folder / "snippets"
        keys = self.folder / "nginx-keys"
        snippets.mkdir(exist_ok=True)
        keys.mkdir(exist_ok=True)
        sites = []
        for leaf in leaves:
            stem = leaf.name.split(".")[0]
            sites.append(Site(leaf.name, leaf.write(keys / f"{stem}.crt"),
                              leaf.write_key(keys / f"{stem}.key"), f"{snippets}/{stem}*.conf"))
        server = Nginx(self.programs, self.folder / "nginx", sites)
        return self._begin(server, start), snippets

    def haproxy(self, *files, start=True):
        """HAProxy with these combined files."""
        return self._begin(HAProxy(self.programs, self.folder / "haproxy", files), start)

    def _begin(self, server, start):
        self.running.append(server)
        if start:
            server.start()
        return server

    def end(self):
        for server in self.running:
            server.__exit__()
