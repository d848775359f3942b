# SPDX-License-Identifier: Apache-2.0
"""The last staple of a must-staple certificate, a day longer: Firefox takes it, nothing less."""

import time

import pytest

from lib import clients
from lib.process import wait_for

SHORT = {"life_s": 60, "age_s": 10}  # over in 50 s; for clients a few seconds earlier


@pytest.mark.limit(150)
def test_a_must_staple_certificate_keeps_its_last_staple(clinch, ca, responder, front, certs,
                                                         tmp_path):
    must = ca.issue("must.test", url=responder.url, must_staple=True)
    other = ca.issue("other.test", url=responder.url)
    must.write(certs, key=True)
    other.write(certs, key=True)
    nginx, snippets = front.nginx(must, other)
    config = clinch.config([certs], [{"nginx": snippets, "reload": nginx.command()},
                                     {"file": tmp_path / "{stem}.ocsp"}])
    responder.set("good", **SHORT)
    daemon = clinch.run_config(config)
    for name in ("must.test", "other.test"):
        clients.see_staple(nginx.port, name, 8, daemon.log)
    responder.stop()
    end = clients.seconds(clients.look(nginx.port, "must.test").next_update)
    clients.see_none(nginx.port, "other.test", 60, daemon.log)
    wait_for(lambda: time.time() > end + 2, 60, "the end of the staple", tell=daemon.log)
    assert clients.look(nginx.port, "must.test").stapled, daemon.log()
    assert clinch.row(must)["serve_until"] > end + 80000
    line = next(line for line in daemon.lines_about("must.test") if "must-staple" in line)
    assert "GnuTLS" in line and "Firefox" not in line, line
    assert clinch.bare("staple", certs / "must.pem", "-c", config).code == 0
    daemon.kill_9()
    done = clinch.command("expire")
    assert done.code == 0 and (tmp_path / "must.ocsp").exists(), done
    nginx.restart()
    assert clients.look(nginx.port, "must.test").stapled, done
    daemon = clinch.run_config(config)
    daemon.says("must-staple")
    nginx.restart()
    assert clients.look(nginx.port, "must.test").stapled, daemon.log()
    daemon.kill_9()
    # A setting of its own, and nothing is worse than none.
    daemon = clinch.run_config(clinch.config(
        [certs], [{"nginx": snippets, "reload": nginx.command()},
                  {"file": tmp_path / "{stem}.ocsp"}], must_staple_grace=False))
    clients.see_none(nginx.port, "must.test", 10, daemon.log)
    wait_for(lambda: not (tmp_path / "must.ocsp").exists(), 5, "no file", tell=daemon.log)
