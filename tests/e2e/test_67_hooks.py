# SPDX-License-Identifier: Apache-2.0
"""The staple before the certificate: hooks of certbot, acme.sh and dehydrated, and the drop-in for
servers.

The environments of certbot and acme.sh are given as they give them; dehydrated is the real one,
with an ACME server of ours.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from lib import clients, unpack
from lib.acme import Acme
from lib.process import wait_for
from test_66_import import certbot_lineage

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
HOOKS = PACKAGING / "hooks"


class Machine:
    """The folders and settings of a machine that the hooks run on."""

    def __init__(self, folder, clinch):
        self.folder = folder
        self.clinch = clinch
        self.reloaded = folder / "reloaded"
        self.settings = folder / "hooks.conf"
        tools = folder / "tools"
        tools.mkdir()
        (tools / "clinch").symlink_to(clinch.binary.resolve())
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}",
                            "CLINCH_HOOKS_CONF": str(self.settings)}

    def set(self, **settings):
        settings = {"wait": 10, "state": self.clinch.state, "config": "/nonexistent",
                    "options": "--allow-loopback", "reload": f"echo reloaded >> {self.reloaded}",
                    **settings}
        self.settings.write_text("".join(f"{name}='{value}'\n"
                                         for name, value in settings.items()), encoding="utf-8")

    def run(self, argv, limit_s=40, **variables):
        return subprocess.run([str(arg) for arg in argv], capture_output=True, text=True,
                              check=False, timeout=limit_s, stdin=subprocess.DEVNULL,
                              env={**self.environment, **variables})

    def certbot(self, live):
        """As certbot calls its deploy hooks."""
        return self.run([HOOKS / "certbot"], RENEWED_LINEAGE=str(live),
                        RENEWED_DOMAINS="shop.test www.shop.test")

    def acme_sh(self, leaf, *installed):
        """As acme.sh runs its reload command: with the files of its own folder."""
        own = self.folder / "acme.sh/shop.test_ecc"
        own.mkdir(parents=True, exist_ok=True)
        files = {"CERT_PATH": leaf.write(own / "shop.test.cer", chain=False),
                 "CERT_FULLCHAIN_PATH": leaf.write(own / "fullchain.cer"),
                 "CA_CERT_PATH": leaf.issuer.write(own / "ca.cer"),
                 "CERT_KEY_PATH": leaf.write_key(own / "shop.test.key")}
        return self.run([HOOKS / "acme.sh", *installed], Le_Domain="shop.test",
                        **{name: str(path) for name, path in files.items()})


@pytest.fixture
def machine(tmp_path, clinch):
    made = Machine(tmp_path, clinch)
    made.set()
    return made


def must_staple(ca, responder):
    return ca.issue("shop.test", url=responder.url, must_staple=True)


# certbot.


def test_certbot_hook_waits_for_the_staple_and_reloads(machine, clinch, ca, responder, tmp_path):
    live = certbot_lineage(tmp_path, "shop.test", must_staple(ca, responder))
    responder.set("unauthorized", times=2)  # a new certificate is not known at once
    done = machine.certbot(live)
    assert done.returncode == 0, done
    assert machine.reloaded.read_text() == "reloaded\n"
    assert clinch.staple(live / "fullchain.pem").code == 0


def test_certbot_hook_reloads_nothing_without_the_staple(machine, ca, responder, tmp_path):
    machine.set(wait=1)
    live = certbot_lineage(tmp_path, "shop.test", must_staple(ca, responder))
    responder.stop()
    done = machine.certbot(live)
    assert done.returncode == 1 and not machine.reloaded.exists(), done
    assert "shop.test" in done.stderr and "not reloaded" in done.stderr, done


@pytest.mark.parametrize("strict, code", [("no", 0), ("yes", 1)])
def test_only_must_staple_certificates_are_kept_back(machine, ca, responder, tmp_path, strict,
                                                     code):
    machine.set(wait=1, strict=strict)
    live = certbot_lineage(tmp_path, "shop.test", ca.issue("shop.test", url=responder.url))
    responder.stop()
    done = machine.certbot(live)
    assert done.returncode == code and machine.reloaded.exists() == (code == 0), done


def test_the_bare_line_of_the_readme_does_the_same(machine, clinch, ca, responder, tmp_path):
    live = certbot_lineage(tmp_path, "shop.test", must_staple(ca, responder))
    line = (f'clinch once --state {clinch.state} --allow-loopback --wait 10 "$RENEWED_LINEAGE" && '
            f"echo reloaded >> {machine.reloaded}")
    done = machine.run(["/bin/sh", "-c", line], RENEWED_LINEAGE=str(live))
    assert done.returncode == 0 and machine.reloaded.exists(), done


def test_nginx_serves_a_renewed_certificate_with_its_staple_at_once(machine, clinch, ca, front,
                                                                    responder, tmp_path):
    """No daemon: cron and hooks alone. The new certificate is never there with the old staple."""
    live = certbot_lineage(tmp_path, "shop", must_staple(ca, responder))
    nginx, snippets = front.nginx(must_staple(ca, responder), start=False)
    nginx.sites[0].certificate = live / "fullchain.pem"
    nginx.sites[0].key = live / "privkey.pem"
    nginx.start()
    config = clinch.config([live], [{"nginx": snippets, "reload": nginx.command()}])
    machine.set(config=config, reload=nginx.command())
    # One renewal: a second could meet the reload of the first, of which nginx does not tell.
    leaf = must_staple(ca, responder)
    live = certbot_lineage(tmp_path, "shop", leaf, 2)
    done = machine.certbot(live)
    assert done.returncode == 0, done
    sight = _first_sight(nginx, leaf)
    assert sight.status == "good" and sight.serial == leaf.serial_hex, sight.text


def _first_sight(nginx, leaf):
    """The first handshake that shows this certificate: `nginx -s reload` does not wait for it."""
    def shown():
        sight = clients.look(nginx.port, leaf.name)
        return sight if sight.leaf_serial == leaf.serial_hex else None

    return wait_for(shown, 5, "nginx to serve the new certificate", 0.02, nginx.log)


def test_the_hook_imports_where_clinch_may_not_read(machine, clinch, ca, responder, tmp_path):
    machine.set(**{"import": tmp_path / "for-clinch"})
    live = certbot_lineage(tmp_path, "shop.test", must_staple(ca, responder))
    daemon = clinch.run(tmp_path / "for-clinch")
    done = machine.certbot(live)
    assert done.returncode == 0, f"{done}\n{daemon.log()}"
    assert os.listdir(tmp_path / "for-clinch") == ["shop.test.pem"]
    (row,) = clinch.status()
    assert row["state"] == "held" and row["path"] == str(tmp_path / "for-clinch/shop.test.pem")


def test_the_gate_finds_a_daemon_that_listens_elsewhere(machine, clinch, ca, responder, tmp_path):
    """`control:` of the configuration is its, too."""
    live = certbot_lineage(tmp_path, "shop.test", must_staple(ca, responder))
    config = clinch.config([live], control=tmp_path / "elsewhere.sock")
    clinch.run_config(config, ready=False).says("ready|held|good")
    machine.set(config=config, state="")
    done = machine.certbot(live)
    assert done.returncode == 0 and machine.reloaded.exists(), done


def test_the_gate_goes_through_the_proxy_of_the_configuration(machine, clinch, ca, responder,
                                                              tmp_path):
    leaf = ca.issue("shop.test", url="http://ocsp.test/", must_staple=True)
    live = certbot_lineage(tmp_path, "shop.test", leaf)
    machine.set(config=clinch.config([live], proxy=responder.url), state="")
    done = machine.certbot(live)
    assert done.returncode == 0 and machine.reloaded.exists(), done
    assert clinch.staple(live / "fullchain.pem").code == 0


def test_trouble_of_other_certificates_keeps_none_back(machine, clinch, ca, responder, certs,
                                                       tmp_path):
    live = certbot_lineage(tmp_path, "shop.test", must_staple(ca, responder))
    ca.issue("bare.test", url="http://127.0.0.1:1/", must_staple=True).write(certs)
    config = clinch.config([live, certs], [{"file": f"{tmp_path}/out/{{serial}}.ocsp"}])
    done = clinch.bare("once", "-c", config, "--only", "--wait", "10", live)
    assert done.code == 0 and "bare.test" not in done.err, done
    assert not (tmp_path / "out").exists(), "nothing is published by --only"
    machine.set(config=config, state="", wait=2)
    done = machine.certbot(live)
    assert done.returncode == 0 and machine.reloaded.exists(), done


# acme.sh.


def test_acme_sh_waits_for_the_staple_and_reloads(machine, clinch, ca, responder, tmp_path):
    leaf = must_staple(ca, responder)
    installed = leaf.write(tmp_path / "shop.pem")
    responder.set("unauthorized", times=2)
    done = machine.acme_sh(leaf, installed)
    assert done.returncode == 0 and machine.reloaded.read_text() == "reloaded\n", done
    assert clinch.staple(installed).code == 0


def test_acme_sh_reloads_nothing_without_the_staple(machine, ca, responder, tmp_path):
    machine.set(wait=1)
    responder.stop()
    done = machine.acme_sh(must_staple(ca, responder))
    assert done.returncode == 1 and not machine.reloaded.exists(), done
    assert "shop.test" in done.stderr and "not reloaded" in done.stderr, done


def test_acme_sh_imports_from_the_folder_that_only_it_may_read(machine, clinch, ca, responder,
                                                               tmp_path):
    machine.set(**{"import": tmp_path / "for-clinch"})
    done = machine.acme_sh(must_staple(ca, responder))
    assert done.returncode == 0, done
    assert os.listdir(tmp_path / "for-clinch") == ["shop.test_ecc.pem"]
    assert clinch.staple(tmp_path / "for-clinch/shop.test_ecc.pem").code == 0


# dehydrated.


@pytest.fixture(scope="session")
def dehydrated():
    return unpack.get(group=unpack.DEHYDRATED).paths["dehydrated"]


class Dehydrated:
    """The real script with a home of its own; the certificate is shop.test's."""

    def __init__(self, program, machine, acme):
        self.program = program
        self.machine = machine
        self.base = machine.folder / "dehydrated"
        self.base.mkdir()
        self.live = self.base / "certs/shop.test"
        self.config = self.base / "config"
        self.config.write_text(
            f'CA="{acme.url}/directory"\nBASEDIR="{self.base}"\nWELLKNOWN="{self.base}/acme"\n'
            f'HOOK="{HOOKS}/dehydrated"\nACCOUNT_KEYSIZE=2048\nKEY_ALGO=prime256v1\n',
            encoding="ascii")
        (self.base / "acme").mkdir()
        done = self.run("--register", "--accept-terms")
        assert done.returncode == 0, done

    def run(self, *args):
        return self.machine.run([self.program, "--config", self.config, *args])

    def renew(self):
        return self.run("--cron", "--force", "--domain", "shop.test")


@pytest.fixture
def acme(ca, responder):
    with Acme(ca, url=responder.url, must_staple=True) as server:
        yield server


def test_dehydrated_switches_when_the_staple_is_there(machine, clinch, dehydrated, acme, responder):
    real = Dehydrated(dehydrated, machine, acme)
    responder.set("unauthorized", times=2)
    done = real.renew()
    assert done.returncode == 0, done
    (leaf,) = acme.issued
    assert (real.live / "fullchain.pem").read_bytes().startswith(leaf.pem(chain=False))
    assert clinch.staple(real.live / "fullchain.pem").code == 0
    assert machine.reloaded.read_text() == "reloaded\n"


def test_dehydrated_keeps_the_old_certificate_without_the_staple(machine, dehydrated, acme,
                                                                 responder):
    real = Dehydrated(dehydrated, machine, acme)
    assert real.renew().returncode == 0
    before = os.readlink(real.live / "fullchain.pem")
    machine.set(wait=1)
    responder.stop()
    done = real.renew()
    assert done.returncode != 0 and "sync_cert hook returned with non-zero" in done.stderr, done
    assert len(acme.issued) == 2 and os.readlink(real.live / "fullchain.pem") == before
    assert machine.reloaded.read_text() == "reloaded\n"


def test_dehydrated_hook_with_import_leaves_nothing_behind(machine, clinch, dehydrated, acme,
                                                           tmp_path):
    machine.set(**{"import": tmp_path / "for-clinch"})
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    machine.environment["TMPDIR"] = str(temporary)
    real = Dehydrated(dehydrated, machine, acme)
    done = real.renew()
    assert done.returncode == 0, done
    assert os.listdir(tmp_path / "for-clinch") == ["shop.test.pem"] and not os.listdir(temporary)
    assert clinch.staple(tmp_path / "for-clinch/shop.test.pem").code == 0


# The drop-in.


def drop_in(clinch, config, wait=2, limit=4):
    """What systemd would run, with our paths and shorter times; it is told to ignore the code."""
    (line,) = re.findall(r"^ExecStartPre=(.*)$", (PACKAGING / "clinch-gate.conf").read_text(), re.M)
    flags, command = re.fullmatch(r"([-+]*)(/.*)", line).groups()
    kill, end, given = map(int, re.search(r"--kill-after=(\d+) (\d+) .*--wait (\d+)",
                                          command).groups())
    assert "-" in flags and given < end and end + kill < 90  # systemd's patience
    for old, new in (("/usr/bin/clinch", clinch.binary), ("/etc/clinch/clinch.yaml", config),
                     (f"={kill} {end} ", f"=1 {limit} "), (f"--wait {given}", f"--wait {wait}"),
                     (re.search(r"\S+setpriv .*?--init-groups ", command).group(0), "")):
        assert old in command
        command = command.replace(str(old), str(new))
    return subprocess.run(command.split(), capture_output=True, text=True, check=False,
                          timeout=limit + 3, stdin=subprocess.DEVNULL)


def test_drop_in_has_the_staple_there_before_the_server_starts(clinch, shop, front, certs):
    nginx, snippets = front.nginx(shop, start=False)
    config = clinch.config([certs], [{"nginx": snippets, "reload": "true"}])
    assert drop_in(clinch, config).returncode == 0
    with nginx:
        assert clients.look(nginx.port, "shop.test").status == "good"


@pytest.mark.parametrize("rule", ["hang", "endless", "slow", "drop"])
def test_drop_in_ends_whatever_the_responder_does(clinch, ca, responder, certs, rule):
    must_staple(ca, responder).write(certs)
    responder.set(rule)
    assert drop_in(clinch, clinch.config([certs], [])).returncode != 0


def test_drop_in_ends_when_a_reload_command_hangs(clinch, shop, certs, tmp_path):
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp", "reload": "sleep 60"}])
    assert drop_in(clinch, config).returncode == 124


def test_drop_in_ends_when_the_daemon_is_stopped(clinch, shop, certs):
    config = clinch.config([certs], [])
    daemon = clinch.run_config(config)
    clinch.wait_state(shop, "held")
    daemon.send(signal.SIGSTOP)
    try:
        assert drop_in(clinch, config, limit=6).returncode != 0
    finally:
        daemon.send(signal.SIGCONT)


def test_drop_in_ends_without_clinch_and_without_configuration(clinch, tmp_path, certs):
    config = clinch.config([certs], [])
    config.unlink()
    assert drop_in(clinch, config).returncode == 2
    clinch.binary = tmp_path / "purged"
    assert drop_in(clinch, config).returncode == 127
