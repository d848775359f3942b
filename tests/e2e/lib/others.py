# SPDX-License-Identifier: Apache-2.0
"""hitch, lighttpd, h2o, nghttpx, Exim and dnsdist: each with one certificate, as docs/servers says
it. What clinch writes for them is in `staples`, which may go away as if clinch had been purged."""

import base64
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from . import clients
from .process import free_port, wait_for
from .servers import Server

HOOKS = Path(__file__).resolve().parents[3] / "packaging/hooks"


class Other(Server):
    """One certificate of one name, and what `openssl s_client` sees there."""

    look_how = ()

    def __init__(self, programs, folder, leaf):
        super().__init__(programs, folder)
        self.name = leaf.name
        self.chain = leaf.write(self.folder / "chain.pem")
        self.key = leaf.write_key(self.folder / "key.pem")
        self.staples = self.folder / "staples"
        self.staples.mkdir()
        self.pid_file = self.folder / "pid"
        self.configure()

    @property
    def certificate(self):
        """The file that clinch looks at: the one that the server's configuration names."""
        return self.chain

    def targets(self):
        """What stands under `publish` in clinch.yaml."""
        raise NotImplementedError

    def _try_start(self):
        started = super()._try_start()
        if started:
            self.pid_file.write_text(f"{self.child.pid}\n", encoding="ascii")
        return started

    def signal_command(self, name):
        """What stands behind `reload` where a signal does it."""
        return f"kill -{name} $(cat {shlex.quote(str(self.pid_file))})"

    def look(self):
        return clients.look(self.port, self.name, None, *self.look_how)

    def check_argv(self):
        """The server's own test of its configuration, which service managers run before a start;
        None: it has none."""
        return None

    def check(self):
        """What that test says: the exit code and words."""
        if self.check_argv() is None:
            return 0, ""
        done = subprocess.run([str(arg) for arg in self.check_argv()], capture_output=True,
                              text=True, check=False, env=self.environment(), timeout=20,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr


class Hitch(Other):
    """`others` are more certificates; `user` is whose workers are, where root starts it."""

    kind = "hitch"

    def __init__(self, *args, others=(), user="root"):
        self.others = others
        self.user = user
        super().__init__(*args)

    def configure(self):
        self.certificate.write_bytes(self.chain.read_bytes() + self.key.read_bytes())
        files = [self.certificate, *(leaf.write(self.folder, key=True) for leaf in self.others)]
        user = f'user = "{self.user}"\n' if os.geteuid() == 0 else ""
        (self.folder / "hitch.conf").write_text(
            f'frontend = {{ host = "127.0.0.1" port = "{self.port}" }}\n'
            f'backend = "[127.0.0.1]:{free_port()}"\n'
            + "".join(f'pem-file = "{path}"\n' for path in files)
            + f'ocsp-dir = "{self.staples}"\nworkers = 1\ndaemon = off\n{user}',
            encoding="ascii")

    @property
    def certificate(self):
        return self.folder / "both.pem"

    def argv(self):
        return [self.programs.paths["hitch"], f"--config={self.folder}/hitch.conf"]

    def check_argv(self):
        return [*self.argv(), "--test"]

    def targets(self):
        return [{"hitch": self.staples, "reload": self.signal_command("HUP")}]


class Lighttpd(Other):
    kind = "lighttpd"

    def configure(self):
        (self.folder / "www").mkdir(exist_ok=True)
        (self.folder / "www/index.html").write_text("ok\n", encoding="ascii")
        (self.folder / "lighttpd.conf").write_text(
            'server.modules = ("mod_openssl")\n'
            f'server.document-root = "{self.folder}/www"\nindex-file.names = ("index.html")\n'
            f'server.bind = "127.0.0.1"\nserver.port = {self.port}\nssl.engine = "enable"\n'
            f'ssl.pemfile = "{self.chain}"\nssl.privkey = "{self.key}"\n'
            f'ssl.stapling-file = "{self.staples}/chain.ocsp"\n', encoding="ascii")

    def argv(self):
        return [self.programs.paths["lighttpd"], "-D", "-f", self.folder / "lighttpd.conf", "-m",
                self.programs.root / "usr/lib/lighttpd"]

    def check_argv(self):
        return [*self.argv()[:1], "-tt", *self.argv()[2:]]

    def generation(self):
        """It is one process, which starts anew within itself."""
        return {self.log().count("server started")}

    def tell_reload(self):
        self.child.send(signal.SIGUSR1)

    def targets(self):
        return [{"lighttpd": self.staples / "{stem}.ocsp", "reload": self.signal_command("USR1")}]


class Asking(Other):
    """Servers that call a command for the staple; `tools` has clinch, as /usr/bin has."""

    def __init__(self, programs, folder, leaf, clinch, config):
        self.tools = Path(folder) / "bin"
        self.tools.mkdir(parents=True)
        (self.tools / "clinch").symlink_to(Path(clinch).resolve())
        self.clinch_config = config
        super().__init__(programs, folder, leaf)

    def configure(self):
        script = (HOOKS / "clinch-staple").read_text(encoding="ascii")
        self.script = self.folder / "clinch-staple"
        self.script.write_text(script.replace("/etc/clinch/clinch.yaml", str(self.clinch_config)),
                               encoding="ascii")
        self.script.chmod(0o755)

    def environment(self):
        env = super().environment()
        return {**env, "PATH": f"{self.tools}:{env['PATH']}"}

    def targets(self):
        return []


class H2o(Asking):
    kind = "h2o"

    def configure(self):
        super().configure()
        user = "user: root\n" if os.geteuid() == 0 else ""
        (self.folder / "h2o.conf").write_text(
            f"num-threads: 1\nnum-name-resolution-threads: 1\n{user}"
            "ssl-session-resumption:\n  mode: off\n"
            f"listen:\n  host: 127.0.0.1\n  port: {self.port}\n  ssl:\n"
            f"    certificate-file: {self.chain}\n    key-file: {self.key}\n"
            f"    ocsp-update-cmd: {self.script}\n    ocsp-update-interval: 2\n"
            "    ocsp-max-failures: 2\n"
            f'hosts:\n  "{self.name}":\n    paths:\n      /:\n'
            f"        file.dir: {self.folder}/www\n",
            encoding="ascii")
        (self.folder / "www").mkdir(exist_ok=True)

    def environment(self):
        return {**super().environment(), "H2O_ROOT": str(self.programs.root / "usr")}

    def argv(self):
        return [self.programs.paths["h2o"], "-c", self.folder / "h2o.conf", "-m", "master"]

    def check_argv(self):
        return [*self.argv()[:-1], "test"]


class Nghttpx(Asking):
    """`trust`: it looks at staples itself, and wants to know the authority for that."""

    kind = "nghttpx"

    def __init__(self, *args, trust=None, **how):
        self.trust = trust
        super().__init__(*args, **how)

    def configure(self):
        super().configure()
        verifying = f"cacert={self.trust}" if self.trust else "no-verify-ocsp=yes"
        (self.folder / "nghttpx.conf").write_text(
            f"workers=1\nfrontend=127.0.0.1,{self.port}\nbackend=127.0.0.1,{free_port()}\n"
            f"private-key-file={self.key}\ncertificate-file={self.chain}\n"
            f"fetch-ocsp-response-file={self.script}\nocsp-update-interval=2\n"
            f"ocsp-startup=yes\n{verifying}\n", encoding="ascii")

    def argv(self):
        return [self.programs.paths["nghttpx"], f"--conf={self.folder}/nghttpx.conf"]


class Exim(Other):
    kind = "exim"
    look_how = ("-starttls", "smtp")

    @property
    def program(self):
        return self.folder / "exim4"

    def configure(self):
        # HUP makes it start itself anew, with a cleaned environment: no libraries, no user.
        variables = (f"{name}={shlex.quote(value)} "
                     for name, value in self.programs.variables_for("exim").items())
        self.program.write_text(f"#!/bin/sh\n{''.join(variables)}exec "
                                f"{self.programs.paths['exim']} \"$@\"\n", encoding="ascii")
        self.program.chmod(0o755)
        spool = self.folder / "spool"
        spool.mkdir(exist_ok=True)
        spool.chmod(0o777)  # Exim is nobody while it speaks
        staple = f"{self.staples}/chain.ocsp"
        (self.folder / "exim.conf").write_text(
            f"primary_hostname = {self.name}\nspool_directory = {spool}\n"
            f"log_file_path = {spool}/%slog\npid_file_path = {spool}/exim.pid\n"
            f"local_interfaces = 127.0.0.1\ndaemon_smtp_ports = {self.port}\n"
            f"keep_environment =\nexim_path = {self.program}\n"
            f"tls_advertise_hosts = *\ntls_certificate = {self.chain}\n"
            f"tls_privatekey = {self.key}\n"
            f"tls_ocsp_file = ${{if and{{{{exists{{{staple}}}}}\\\n"
            f"  {{>{{${{extract{{mtime}}{{${{stat:{staple}}}}}}}}}{{$tod_epoch}}}}}}\\\n"
            f"  {{{staple}}}}}\n", encoding="ascii")

    def argv(self):
        return [self.program, "-C", self.folder / "exim.conf", "-bdf"]

    def check_argv(self):
        return [*self.argv()[:-1], "-bV"]

    def generation(self):
        """One process, which becomes the program anew."""
        return {(self.folder / "spool/mainlog").read_text(errors="replace").count("daemon started")}

    def targets(self):
        return [{"exim": self.staples / "{stem}.ocsp"}]


# dnsdist does not start with a staple that is missing or over, so its configuration looks first.
LUA = (HOOKS / "dnsdist-staple.lua").read_text(encoding="ascii")


class Dnsdist(Other):
    """A shell stands for the service manager: it starts dnsdist again when it has ended."""

    kind = "dnsdist"

    def __init__(self, *args):
        self.control = free_port()
        super().__init__(*args)

    def configure(self):
        key = base64.b64encode(hashlib.sha256(self.name.encode()).digest()).decode()
        (self.folder / "dnsdist.conf").write_text(
            f'setKey("{key}")\ncontrolSocket("127.0.0.1:{self.control}")\n'
            f'setLocal("127.0.0.1:{free_port()}")\nsetSecurityPollSuffix("")\n{LUA}'
            f'addTLSLocal("127.0.0.1:{self.port}", {{"{self.chain}"}}, {{"{self.key}"}},\n'
            f'            {{ ocspResponses = staples("{self.staples}/chain.ocsp") }})\n',
            encoding="ascii")

    def argv(self):
        return ["/bin/sh", "-c", 'while "$@" & echo $! >dnsdist.pid; do wait; done', "sh",
                self.programs.paths["dnsdist"], "--supervised", "--disable-syslog", "-C",
                self.folder / "dnsdist.conf"]

    def check_argv(self):
        return [self.programs.paths["dnsdist"], "--check-config", "-C",
                self.folder / "dnsdist.conf"]

    def process(self):
        return int((self.folder / "dnsdist.pid").read_text(encoding="ascii"))

    def _reload(self):
        variables = [f"{name}={value}" for name, value
                     in self.programs.variables_for("dnsdist").items()]
        return ["env", *variables, self.programs.paths["dnsdist"], "-C",
                str(self.folder / "dnsdist.conf"), "-c", "-e", "reloadAllCertificates()"]

    def reload(self):
        """Over when the console has answered."""
        subprocess.run(self._reload(), capture_output=True, check=True, timeout=10,
                       stdin=subprocess.DEVNULL)

    def targets(self):
        pid_file = shlex.quote(str(self.folder / "dnsdist.pid"))
        return [{"dnsdist": self.staples / "{stem}.ocsp", "reload": shlex.join(self._reload()),
                 "restart": f"kill $(cat {pid_file})"}]
