# SPDX-License-Identifier: Apache-2.0
"""`clinch setup` for servers that staple by the preload library: what it prints works as pasted."""

import json
import os
import re
import shlex

import pytest

from lib import blocks, preloaded, unpack
from lib.clinch import REPOSITORY

SERVERS = {"redis": preloaded.Redis, "stunnel": preloaded.Stunnel, "mariadb": preloaded.Mariadb,
           "mosquitto": preloaded.Mosquitto, "postgresql": preloaded.Postgresql,
           "proftpd": preloaded.Proftpd, "vsftpd": preloaded.Vsftpd, "dovecot": preloaded.Dovecot,
           "postfix": preloaded.Postfix, "openssl": preloaded.Python}
UNITS = {"redis": "redis-server", "stunnel": "stunnel@", "openssl": "SERVER"}
PROBED = {"redis": (), "stunnel": (), "mosquitto": (), "dovecot": (), "openssl": (),
          "postgresql": ("--starttls", "postgres"), "postfix": ("--starttls", "smtp"),
          "proftpd": ("--starttls", "ftp"), "vsftpd": ("--starttls", "ftp"),
          "mariadb": ("--starttls", "mysql")}


@pytest.fixture
def setup(clinch, tmp_path):
    """`clinch setup` with our state: (what came, its blocks). The library is where it is built."""
    def ask(*args):
        done = clinch.bare("setup", *args, "--state", clinch.state, "-c", tmp_path / "clinch.yaml")
        text = re.sub(r"[^\s='\"]*/libclinch-preload\.so", str(preloaded.LIBRARY), done.out)
        return done, (blocks.cut(text) if text.startswith("### ") else [])

    return ask


@pytest.fixture
def serve(open_folder):
    """Starts a server of lib/preloaded.py without any variables of ours."""
    running = []

    def make(kind, leaves):
        server = kind(unpack.get(group=unpack.PRELOADED), open_folder / "server", None)
        server.install(leaves)
        running.append(server)
        return server

    yield make
    for server in running:
        server.__exit__()


def of_unit(parts, name):
    """What systemd gives to the server."""
    (part,) = blocks.of(parts, f"/etc/systemd/system/{name}.service.d/clinch-preload.conf")
    assert "[Service]" in part.lines
    return dict(line.removeprefix("Environment=").split("=", 1) for line in part.lines
                if line.startswith("Environment="))


def paste(name, parts, server):
    """As an administrator does it."""
    server.configure()
    if name == "dovecot":
        (part,) = blocks.of(parts, "/etc/dovecot/conf.d/99-clinch.conf")
        with open(server.folder / "dovecot.conf", "a", encoding="ascii") as config:
            config.write(part.text)
        server.configure = lambda: None
    elif name == "postfix":
        (part,) = blocks.of(parts, "shell")
        server.run_in_place("sh", "-ec", part.text)
        server.configure = lambda: None
    elif name == "postgresql":  # pg_ctlcluster reads it so
        (part,) = blocks.of(parts, "/etc/postgresql/15/main/environment")
        server.preload = dict(re.fullmatch(r"(\w+) = '(.*)'", line).groups()
                              for line in part.lines)
    else:
        server.preload = of_unit(parts, UNITS.get(name, name))


@pytest.mark.parametrize("name", SERVERS)
def test_setup_works_as_pasted(clinch, setup, serve, ca, ecdsa_ca, responder, open_folder, tmp_path,
                               name):
    kind = SERVERS[name]
    if kind.needs_root and os.geteuid() != 0:
        pytest.skip(f"{name} changes its user")
    clinch.state = open_folder / "state"
    clinch.state.mkdir()
    leaves = {key: authority.issue(f"{kind.kind}.test", key, url=responder.url)
              for key, authority in (("rsa", ca), ("ecdsa", ecdsa_ca))}
    server = serve(kind, leaves)
    done, parts = setup(name, *(server.certificate(key) for key in kind.keys))
    assert done.code == 0, done
    paste(name, parts, server)
    config = tmp_path / "clinch.yaml"
    blocks.paste_yaml(config, blocks.of(parts, config)[0], allow_loopback="true")
    (live,) = blocks.of(parts, "live")
    (command,) = live.lines
    assert " && systemctl restart " in command and command.startswith("clinch once -c ")
    assert clinch.bare(*shlex.split(command.partition(" && ")[0])[1:]).code == 0
    (clinch.state / "staples").chmod(0o755)
    server.start()
    for key in kind.keys:
        sight = server.look(key)
        assert sight.status == "good" and sight.serial == leaves[key].serial_hex, server.log()
    seen = clinch.bare("probe", f"127.0.0.1:{server.port}", "--servername", server.name, "--json",
                       *PROBED[name])
    shown = json.loads(seen.out)["certs"]
    assert [cert["staple"] for cert in shown] == ["answer"] * len(kind.keys), seen
    # ProFTPD shows no chain with its second certificate, which is told.
    assert seen.code == (1 if name == "proftpd" else 0), seen
    assert " ".join(("clinch probe HOST", *PROBED[name])).split("HOST")[1] in done.out, done


def test_apache_is_read_and_staples_from_the_folder(setup, shop, certs, tmp_path):
    """One that staples already is told what that means then."""
    config = tmp_path / "apache2.conf"
    script = tmp_path / "apachectl"
    script.write_text("#!/bin/sh\ncat <<EOF\nIncluded configuration files:\n"
                      f"  (*) {config}\nServer certificates:\n  {certs}/shop.pem\nEOF\n",
                      encoding="ascii")
    script.chmod(0o755)
    config.write_text(f"ServerRoot {tmp_path}\n", encoding="ascii")
    done, parts = setup("apache", "--program", tmp_path / "apache2")
    assert done.code == 0 and not blocks.of(parts, config), done
    assert of_unit(parts, "apache2")["LD_PRELOAD"] == str(preloaded.LIBRARY)
    (yaml,) = blocks.of(parts, tmp_path / "clinch.yaml")
    assert "shop.pem" in yaml.text and "- folder:" in yaml.text
    config.write_text(f"ServerRoot {tmp_path}\nSSLUseStapling on\n", encoding="ascii")
    done, parts = setup("apache", "--program", tmp_path / "apache2")
    (own,) = blocks.of(parts, config)
    assert "line 2): with the library only where clinch has nothing" in own.said, done


def test_check_looks_at_the_apache_that_runs(clinch, ca, responder, serve, open_folder, tmp_path):
    """Whether it has the library, and from which folder; both certificates."""
    folder, tools = open_folder / "staples", tmp_path / "tools"
    leaves = {key: ca.issue("apache.test", key, url=responder.url) for key in ("rsa", "ecdsa")}
    server = serve(preloaded.Apache, leaves)
    paths = [server.certificate(key) for key in server.keys]
    for made in (folder, tools):
        made.mkdir()
    dump = tools / "apachectl"
    dump.write_text("#!/bin/sh\necho 'Server certificates:'\n"
                    + "".join(f"echo '  {path}'\n" for path in paths), encoding="ascii")
    dump.chmod(0o755)
    config = clinch.config(paths, [{"folder": folder}])
    assert clinch.bare("once", "-c", config).code == 0 and len(list(folder.iterdir())) == 2
    asked = ["setup", "apache", "--check", "--program", server.program, "-c", config]
    for given, code, words in ((preloaded.variables(folder), 0, "2 certificates: all is well"),
                               ({}, 1, "runs without clinch's preload library")):
        server.preload = given
        server.restart()
        done = clinch.bare(*asked, env={"PATH": f"{tools}:{os.environ['PATH']}"})
        assert done.code == code and words in " ".join(done.out.split()), done
        assert server.look("ecdsa").stapled == (code == 0)


def test_certificates_are_to_be_named(setup):
    done, _ = setup("redis")
    assert done.code == 2 and "`clinch setup redis CERT.pem...`" in done.err, done
    done, _ = setup("iis")
    assert done.code == 2 and "postfix" in done.err and "nghttpx" in done.err, done
    done, _ = setup("redis", "--check")
    assert done.code == 2 and "clinch probe" in done.err, done


def test_folder_that_is_syntax_somewhere_is_refused(clinch, setup, shop, certs, tmp_path):
    for odd in ("a b", "a:b", "a%n", "a'b"):
        clinch.state = tmp_path / odd
        done, parts = setup("redis", certs / "shop.pem")
        assert done.code == 1 and "REFUSED" in parts[0].said and len(parts) == 1, done


def test_packaged_drop_in_says_the_same(setup, shop, certs):
    """But for the paths."""
    def plain(lines):
        return [re.sub("/.*", "", line) for line in lines if line and not line.startswith("#")]

    assert shop.name
    _, parts = setup("redis", certs / "shop.pem")
    packaged = (REPOSITORY / "packaging/clinch-preload.conf").read_text(encoding="ascii")
    assert plain(parts[0].lines) == plain(packaged.splitlines())
