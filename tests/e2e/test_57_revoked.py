# SPDX-License-Identifier: Apache-2.0
"""Revocation: the answer that says so on the wire where that is wanted, and the alarm."""

import pytest

from lib import answers, clients
from lib.process import wait_for

SOON = {"life_s": 80, "age_s": 20}  # held for 50 s; the next question comes after 30 to 36 s


def alarm(tmp_path, before=""):
    """A file of alarms, and the setting that fills it."""
    alarms = tmp_path / "alarms"
    line = '"$CLINCH_EVENT $CLINCH_NAME $CLINCH_SERIAL $CLINCH_SHA256 $CLINCH_PATH $CLINCH_URL"'
    return alarms, ["/bin/sh", "-c", f"{before} echo {line} >> {alarms}; echo told"]


def lines_of(alarms):
    return alarms.read_text(encoding="utf-8").splitlines() if alarms.exists() else []


@pytest.mark.limit(120)
def test_the_revoked_answer_is_stapled_where_that_is_wanted(clinch, shop, responder, front, certs,
                                                            tmp_path):
    nginx, snippets = front.nginx(shop)
    haproxy = front.haproxy(certs / "shop.pem")
    config = clinch.config([certs], [{"nginx": snippets, "reload": nginx.command()},
                                     {"haproxy": haproxy.socket},
                                     {"file": tmp_path / "{stem}.ocsp"}], on_revoked="staple")
    responder.set("good", **SOON)
    daemon = clinch.run_config(config)
    clients.see_staple(nginx.port, "shop.test", 8, daemon.log)  # too short a life for HAProxy
    responder.set("revoked", age_s=0)
    for server in (nginx, haproxy):
        wait_for(lambda port=server.port: clients.look(port, "shop.test").status == "revoked", 60,
                 "the revoked answer on the wire", tell=daemon.log)
    assert answers.read((tmp_path / "shop.ocsp").read_bytes()).status == "revoked"
    done = clinch.bare("staple", certs / "shop.pem", "-c", config)
    assert done.code == 0 and answers.read(done.raw).status == "revoked", done
    assert clinch.staple(certs / "shop.pem").code == 75  # without that setting
    assert clinch.state_of(shop) == "revoked"
    daemon.kill_9()
    responder.stop()
    haproxy.restart()
    daemon = clinch.run_config(config)
    clinch.wait_state(shop, "revoked")
    for server in (nginx, haproxy):
        wait_for(lambda port=server.port: clients.look(port, "shop.test").status == "revoked", 10,
                 "the revoked answer after a restart", tell=daemon.log)


@pytest.mark.limit(120)
def test_the_alarm_is_raised_and_called_off(clinch, ca, responder, certs, tmp_path):
    alarms, command = alarm(tmp_path)
    leaf = ca.issue("hold.test", url=responder.url)
    leaf.write(certs)
    responder.set("revoked", reason="certificate_hold", **SOON)
    daemon = clinch.run_config(clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp"}],
                                             on_revoked_command=command))
    wait_for(lambda: lines_of(alarms), 10, "the alarm", tell=daemon.log)
    (line,) = lines_of(alarms)
    serial = f"{leaf.serial:x}"
    assert line.split()[:2] == ["revoked", "hold.test"]
    assert line.split()[2].lstrip("0") == serial.lstrip("0")
    assert line.split()[3:] == [leaf.sha256, str(certs / "hold.pem"), responder.url], line
    daemon.says("on_revoked_command for hold.test was run: told")
    responder.set("good", age_s=0)
    wait_for(lambda: len(lines_of(alarms)) > 1, 60, "the end of the alarm", tell=daemon.log)
    assert lines_of(alarms)[1].split()[:2] == ["not-revoked", "hold.test"]
    wait_for((tmp_path / "hold.ocsp").exists, what="the staple", tell=daemon.log)
    assert clinch.state_of(leaf) == "held"


def test_an_alarm_that_hangs_holds_up_nothing(clinch, ca, responder, shop, certs):
    gone = ca.issue("gone.test", url=responder.url)
    gone.write(certs)
    responder.set("revoked", leaf=gone)
    daemon = clinch.run_config(clinch.config([certs], on_revoked_command=["/bin/sleep", 600]))
    clinch.wait_state(gone, "revoked")
    assert clinch.wait_state(shop, "held", 5)
    assert daemon.terminate(8) == 0


@pytest.mark.parametrize("command, told", [
    (["/bin/sh", "-c", "echo no mail; exit 7"], "failed with exit code 7: no mail"),
    (["/nonexistent/alarm"], "/nonexistent/alarm cannot be run: no such file or directory")])
def test_an_alarm_that_fails_is_told(clinch, ca, responder, certs, command, told):
    ca.issue("gone.test", url=responder.url).write(certs)
    responder.set("revoked")
    daemon = clinch.run_config(clinch.config([certs], on_revoked_command=command))
    daemon.says(f"on_revoked_command for gone.test.*{told}")


def test_once_waits_for_the_alarm(clinch, ca, responder, certs, tmp_path):
    alarms, command = alarm(tmp_path, "sleep 1;")
    ca.issue("gone.test", url=responder.url).write(certs)
    responder.set("revoked")
    done = clinch.bare("once", "-c", clinch.config([certs], on_revoked_command=command))
    assert len(lines_of(alarms)) == 1, done


def test_an_alarm_without_shell_is_a_path_alone(clinch, certs):
    config = clinch.config([certs], on_revoked_command="mail -s gone root")
    done = clinch.bare("once", "-c", config)
    assert done.code == 2 and "without a shell" in done.err, done
