# SPDX-License-Identifier: Apache-2.0
"""verify: `clinch run` asks its own servers whether they show what they were handed."""

import json
import shlex

import pytest

from lib import answers, clients
from lib.answers import Answer
from lib.process import accepts, free_port, holds_for, wait_for
from lib.talkers import SCRIPTS, Stapler, Talker, hangs, speaks

PATIENCE_S = 15  # so long may a reload take


def seen(clinch):
    """What the daemon says of its servers: {server: counts}, and what is not shown."""
    done = clinch.command("status", "--json")
    told = json.loads(done.out)
    return {server["server"]: server for server in told["servers"]}, told["unseen"]


def at(server):
    return f"127.0.0.1:{server.port}"


def wait_seen(clinch, server, limit_s=10, **counts):
    """Waits until the daemon has seen so many right, wrong or waiting ones at a server."""
    def are_so():
        now = seen(clinch)[0].get(server)
        return now if now and all(now[name] == count for name, count in counts.items()) else None

    return wait_for(are_so, limit_s, f"{server} to have {counts}", 0.2, clinch.logs)


def troubles(daemon):
    return [line for line in daemon.log().splitlines() if "warning: " in line or "error: " in line]


def test_what_nginx_and_haproxy_show_is_seen(clinch, shop, front, certs):
    nginx, snippets = front.nginx(shop)
    haproxy = front.haproxy(certs / "shop.pem")
    config = clinch.config([certs], [
        {"nginx": snippets, "reload": nginx.command(), "verify": at(nginx)},
        {"haproxy": haproxy.socket, "verify": [f"{at(haproxy)} shop.test"]}])
    daemon = clinch.run_config(config)
    wait_seen(clinch, at(nginx), right=1, wrong=0, waiting=0)
    wait_seen(clinch, f"{at(haproxy)} shop.test", right=1, wrong=0, waiting=0)
    assert not troubles(daemon) and not seen(clinch)[1], daemon.log()
    metrics = clinch.command("status", "--metrics").out
    assert f'clinch_server_up{{server="{at(nginx)}"}} 1\n' in metrics, metrics
    assert (f'clinch_server_certificates{{server="{at(nginx)}",shown="right"}} 1\n'
            in metrics), metrics


def test_it_is_seen_again_after_a_restart_and_after_sighup(clinch, shop, front, certs):
    nginx, snippets = front.nginx(shop)
    config = clinch.config([certs], [{"nginx": snippets, "reload": nginx.command(),
                                      "verify": at(nginx)}])
    daemon = clinch.run_config(config)
    wait_seen(clinch, at(nginx), right=1)
    daemon.reload()
    daemon.says("reloaded: 1 sources")
    wait_seen(clinch, at(nginx), right=1)
    assert daemon.terminate() == 0
    reloads = nginx.reloads()
    daemon = clinch.run_config(config)
    wait_seen(clinch, at(nginx), right=1)
    assert nginx.reloads() == reloads, "it was looked at, not told again"


@pytest.mark.limit(120)
def test_a_staple_that_nginx_does_not_show_is_told_once(clinch, shop, front, certs, tmp_path):
    """Its server block lacks the include: everything else is as it should be."""
    nginx, snippets = front.nginx(shop, snippets=tmp_path / "elsewhere")
    ours = tmp_path / "ours"
    ours.mkdir()
    config = clinch.config([certs], [{"nginx": ours, "reload": nginx.command(),
                                      "verify": at(nginx)},
                                     {"file": tmp_path / "{stem}.ocsp"}])
    daemon = clinch.run_config(config)
    wait_for((tmp_path / "shop.ocsp").exists, what="the other target", tell=daemon.log)
    wait_seen(clinch, at(nginx), PATIENCE_S + 10, right=0, wrong=1)
    (line,) = troubles(daemon)
    for words in ("shop.test", str(certs / "shop.pem"), f"{at(nginx)} serves no staple",
                  "does its configuration take the staple?",
                  f"clinch probe {at(nginx)} --servername shop.test", "next look in"):
        assert words in line, line
    (unseen,) = seen(clinch)[1]
    assert (unseen["finding"], unseen["leaf_sha256"]) == ("none", shop.sha256), unseen
    code, said = clinch.on_terminal("status", "--state", clinch.state)
    assert code == 0 and "serves no staple" in " ".join(said.split()), said
    assert max(len(line) for line in said.splitlines() if "\x1b" not in line) <= 80, said

    for path in ours.iterdir():
        (snippets / path.name).write_bytes(path.read_bytes())
    nginx.reload()
    wait_seen(clinch, at(nginx), 60, right=1, wrong=0)
    daemon.says(f"{at(nginx)} serves what it was handed, again")
    assert len(troubles(daemon)) == 1, daemon.log()
    assert not seen(clinch)[1]


@pytest.mark.limit(120)
def test_a_revoked_certificate_whose_staple_stays_is_an_error(clinch, shop, responder, front,
                                                              certs, tmp_path):
    """The command that should reload does nothing, and says that all is well."""
    nginx, snippets = front.nginx(shop)
    stop = tmp_path / "stop"
    config = clinch.config([certs], [
        {"nginx": snippets, "verify": at(nginx),
         "reload": f"test -e {shlex.quote(str(stop))} || {{ {nginx.command()}; }}"}])
    responder.set("good", life_s=80, age_s=20)  # the next question comes after half a minute
    daemon = clinch.run_config(config)
    wait_seen(clinch, at(nginx), right=1)
    stop.touch()
    responder.set("revoked", age_s=0)
    wait_for(lambda: [unseen["finding"] for unseen in seen(clinch)[1]] == ["still"],
             45 + PATIENCE_S + 15, "the staple that stays to be told", tell=daemon.log)
    assert any("error: " in line and "still serves a staple" in line and "was withdrawn" in line
               for line in troubles(daemon)), daemon.log()
    assert clients.look(nginx.port, "shop.test").status == "good"


@pytest.mark.limit(90)
def test_what_is_served_instead_has_its_name(clinch, ca, responder, certs, tmp_path):
    """Servers of which each shows something else than it was handed."""
    leaves = {name: ca.issue(f"{name}.test", url=responder.url)
              for name in ("older", "other", "foreign", "stranger")}
    for leaf in leaves.values():
        leaf.write(certs)

    def answer(leaf, **fields):
        return answers.build(answers.certid(leaf), ca, Answer(**fields))

    shown = {"older": answer(leaves["older"], age_s=86400),
             "other": answer(leaves["other"], age_s=60),
             "foreign": answer(leaves["older"]), "stranger": None}
    servers = {name: Stapler(tmp_path / name, leaves["older" if name == "stranger" else name],
                             staple) for name, staple in shown.items()}
    try:
        daemon = clinch.run_config(clinch.config([certs], [
            {"file": tmp_path / f"{{stem}}-{name}.ocsp", "reload": "true",
             "only": certs / f"{name}.pem", "verify": at(server)}
            for name, server in servers.items()]))
        wait_for(lambda: len(seen(clinch)[1]) == len(shown), PATIENCE_S + 20,
                 "all four to be told", 0.5, daemon.log)
        found = {unseen["name"].split(".")[0]: unseen["finding"] for unseen in seen(clinch)[1]}
        assert found == {"older": "older", "other": "other", "foreign": "foreign",
                         "stranger": "other-certificate"}, found
        assert len(troubles(daemon)) == 4, daemon.log()
    finally:
        for server in servers.values():
            server.__exit__()


@pytest.mark.limit(90)
def test_a_server_that_is_down_is_told_once_and_holds_up_nobody(clinch, shop, front, certs,
                                                                tmp_path):
    nginx, snippets = front.nginx(shop)
    port = free_port()
    with Talker(hangs) as silent:
        config = clinch.config([certs], [
            {"file": tmp_path / "a-{stem}.ocsp", "verify": f"127.0.0.1:{port}"},
            {"file": tmp_path / "b-{stem}.ocsp", "verify": f"127.0.0.1:{silent.port}"},
            {"nginx": snippets, "reload": nginx.command(), "verify": at(nginx)}])
        daemon = clinch.run_config(config)
        clients.see_staple(nginx.port, "shop.test", 5, daemon.log)
        wait_seen(clinch, at(nginx), 5, right=1)
        wait_for(lambda: len(troubles(daemon)) == 2, PATIENCE_S + 25, "both to be told",
                 tell=daemon.log)
        for told in troubles(daemon):
            assert "is not to be reached" in told and "shop.test" not in told, told
        servers, unseen = seen(clinch)
        assert "refused" in servers[f"127.0.0.1:{port}"]["trouble"], servers
        assert "does not go on" in servers[f"127.0.0.1:{silent.port}"]["trouble"], servers
        assert not unseen and servers[at(nginx)]["trouble"] is None, servers
        assert not accepts(port)
        assert len(troubles(daemon)) == 2, daemon.log()
        assert daemon.terminate() == 0, "a question that hangs does not hold up the end"


def test_a_renewed_certificate_is_the_one_that_is_looked_for(clinch, ca, shop, responder, front,
                                                             certs):
    haproxy = front.haproxy(certs / "shop.pem")
    config = clinch.config([certs], [{"haproxy": haproxy.socket, "verify": at(haproxy)}])
    daemon = clinch.run_config(config)
    wait_seen(clinch, at(haproxy), right=1)
    renewed = ca.issue("shop.test", url=responder.url, number=1)
    renewed.write(certs / "shop.pem", key=True)
    clinch.wait_state(renewed, "held")
    haproxy.restart()
    sight = clients.see_staple(haproxy.port, "shop.test", 30, daemon.log)
    assert sight.serial == renewed.serial_hex
    wait_seen(clinch, at(haproxy), 20, right=1, wrong=0, waiting=0)
    assert not [line for line in troubles(daemon) if at(haproxy) in line], daemon.log()


@pytest.mark.limit(90)
def test_haproxy_may_hide_a_staple_that_ends_soon(clinch, shop, responder, front, certs):
    haproxy = front.haproxy(certs / "shop.pem")
    responder.set("good", age_s=1200, life_s=1480)  # HAProxy hides the last 300 s
    config = clinch.config([certs], [{"haproxy": haproxy.socket, "verify": at(haproxy)}])
    daemon = clinch.run_config(config)
    wait_seen(clinch, at(haproxy), right=1)
    assert clients.look(haproxy.port, "shop.test").stapled is False
    holds_for(lambda: not troubles(daemon) and not seen(clinch)[1], PATIENCE_S + 5,
              "the peace", 1, daemon.log)


def test_starttls_is_spoken_to_a_mail_server(clinch, shop, responder, certs, tmp_path):
    staple = answers.build(answers.certid(shop), shop.issuer, Answer())
    responder.set("body", body=staple)
    with Stapler(tmp_path / "s", shop, staple) as behind:
        with Talker(speaks(SCRIPTS["smtp"]), behind.port) as mail:
            server = f"{at(mail)} starttls=smtp"
            daemon = clinch.run_config(clinch.config([certs], [
                {"file": tmp_path / "{stem}.ocsp", "verify": server}]))
            wait_seen(clinch, server, right=1)
            assert not troubles(daemon), daemon.log()


@pytest.mark.parametrize("value, words", [
    ("shop.test", "must be host:port"), ("127.0.0.1:0", "must be host:port"),
    ("127.0.0.1:25 starttls=smpt", "starttls=smpt is not one of"),
    ("127.0.0.1:25 a/b", "is no DNS name"), ("127.0.0.1:25 a b", "must be host:port")])
def test_a_server_that_cannot_be_meant_is_told_at_the_start(clinch, certs, tmp_path, value, words):
    config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp", "verify": value}])
    done = clinch.bare("run", "-c", config)
    assert done.code == 2 and words in done.err and "verify" in done.err, done


def test_once_asks_nobody(clinch, shop, certs, tmp_path):
    with Talker(hangs) as silent:
        config = clinch.config([certs], [{"file": tmp_path / "{stem}.ocsp",
                                          "verify": f"127.0.0.1:{silent.port}"}])
        done = clinch.bare("once", "-c", config)
        assert done.code == 0 and silent.accepted == 0, done
