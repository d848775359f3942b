# SPDX-License-Identifier: Apache-2.0
"""What `status` tells besides certificates: responders, the clock, and all of it as metrics."""

import json
import re
import time

import pytest

from lib.process import wait_for

LABEL = r'[a-z0-9_]+="(?:[^"\\\n]|\\["\\n])*"'
LINE = re.compile(rf"(clinch_[a-z0-9_]+)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9]+|\+Inf)")


def metrics(clinch, *args):
    """The lines of `status --metrics` as {"name{labels}": number}; every line is a good one."""
    done = clinch.command("status", *args, "--metrics")
    assert done.code == 0 and done.out.endswith("\n"), done
    values, types = {}, {}
    for line in done.out.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types and kind in ("gauge", "counter"), line
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match and match.group(1) in types, line
            series = line.rpartition(" ")[0]
            assert series not in values, line
            values[series] = float(match.group(3))
    return values


def whole_status(clinch):
    done = clinch.command("status", "--json")
    assert done.code == 0, done
    return json.loads(done.out)


@pytest.mark.limit(120)
def test_a_responder_that_is_down_is_told_until_it_is_back(clinch, ca, responder, certs):
    leaves = ca.issue_many(6, responder.url, prefix="wait")
    for leaf in leaves:
        leaf.write(certs)
    responder.set("http", code=503)
    daemon = clinch.run(certs)

    def down():
        found = whole_status(clinch)["responders"]
        return found if found and found[0]["down"] else None

    (told,) = wait_for(down, 30, "the responder to be down", tell=daemon.log)
    place = f"http://127.0.0.1:{responder.port}"
    assert told["url"] == place and told["failures_in_a_row"] >= 5, told
    assert told["requests"] >= told["failures"] >= 5, told
    assert abs(told["down_since"] - time.time()) < 60, told
    # While one request tries it nobody waits for a moment.
    sentence = rf"{place} is down since .*: \d certificates? waits?, "
    wait_for(lambda: re.search(sentence, clinch.command("status").out), 10, "those that wait",
             tell=daemon.log)
    numbers = metrics(clinch)
    label = f'{{responder="{place}"}}'
    assert numbers["clinch_daemon_up"] == 1
    assert numbers[f"clinch_responder_down{label}"] == 1
    assert numbers[f"clinch_responder_failures_total{label}"] >= 5
    assert numbers['clinch_certificates{state="missing"}'] == 6
    daemon.says(f"{place}.*: the responder is down: ")
    wait_for(lambda: any("is down, not asked" in row["last"] for row in clinch.status()), 10,
             "one that was not asked", tell=daemon.log)
    responder.clear()
    for leaf in leaves:
        clinch.wait_state(leaf, "held", 75)
    daemon.says(f"{place}.*: the responder answers again after ")
    assert not whole_status(clinch)["responders"][0]["down"]
    assert "is down" not in clinch.command("status").out
    assert metrics(clinch)[f"clinch_responder_down{label}"] == 0


def test_what_does_not_reach_the_servers_is_told_until_it_does(clinch, shop, certs, tmp_path):
    folder, gate = tmp_path / "nowhere", tmp_path / "gate"
    output = tmp_path / "shop.ocsp"
    config = clinch.config([certs], [
        {"file": f"{folder}/{{stem}}.ocsp"},
        {"file": output, "reload": f"test -e {gate} || {{ echo the gate is shut; exit 7; }}"},
        {"haproxy": tmp_path / "no.sock"}])
    daemon = clinch.run_config(config)

    def failing():
        found = whole_status(clinch)["publishing"]["failing"]
        return list(found.values())

    wait_for(lambda: failing() == [1, 1, 1], 20, "all three to fail", tell=daemon.log)
    text = " ".join(clinch.command("status").out.split())
    for fault in (r"HAProxy at \S+no.sock: there is no such socket",
                  "command `.*` failed with exit code 7: the gate is shut",
                  r"cannot write \S+nowhere/\S+\.ocsp: its folder does not exist"):
        assert re.search(f"Not handed over: {fault}", text), text
    assert metrics(clinch)['clinch_publish_failing{by="command"}'] == 1
    folder.mkdir()
    gate.touch()
    wait_for(lambda: failing() == [0, 0, 1], 30, "two of them to work", tell=daemon.log)
    assert clinch.command("status").out.count("Not handed over") == 1


def test_metrics_of_certificates_and_what_is_left_without_the_daemon(clinch, ca, responder, certs):
    odd = certs / 'odd "name"\\ä.pem'
    good, bare = ca.issue("good.test", url=responder.url), ca.issue("bare.test", must_staple=True)
    good.write(odd)
    bare.write(certs / "bare.pem")
    daemon = clinch.run(certs)
    row = clinch.wait_state(good, "held")
    numbers = metrics(clinch)
    path = str(odd).replace("\\", "\\\\").replace('"', '\\"')
    labels = f'{{name="good.test",path="{path}",leaf_sha256="{good.sha256}"}}'
    left = row["next_update"] - time.time()
    assert abs(numbers[f"clinch_certificate_next_update_seconds{labels}"] - left) < 10
    assert (numbers[f"clinch_certificate_staple_end_seconds{labels}"]
            < numbers[f"clinch_certificate_next_update_seconds{labels}"])
    assert numbers['clinch_staple_end_seconds_min{state="held"}'] > 0
    assert numbers['clinch_certificates{state="held"}'] == 1
    assert numbers['clinch_certificates{state="no-url"}'] == 1
    assert numbers["clinch_must_staple_bare"] == 1
    assert numbers["clinch_clock_wrong"] == 0 and numbers["clinch_clock_off_seconds"] == 0
    assert metrics(clinch, certs / "bare.pem")['clinch_certificates{state="held"}'] == 0
    daemon.terminate()
    numbers = metrics(clinch)
    assert numbers["clinch_daemon_up"] == 0
    assert numbers['clinch_certificates{state="held"}'] == 1
    assert f"clinch_certificate_next_update_seconds{labels}" in numbers
    assert not [name for name in numbers if "responder" in name or "clock" in name]
    assert "responders" not in whole_status(clinch)


def test_a_clock_that_answers_contradict_is_told(clinch, shop, responder, certs):
    """Everything the responder signs and says is a day ahead of this machine."""
    ahead = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 86400))
    responder.set("good", age_s=-80000, headers={"Date": ahead})
    daemon = clinch.run(certs)
    daemon.says("this machine's clock looks wrong: it is .* behind")
    wait_for(lambda: whole_status(clinch)["clock"]["wrong"], 5, "status to tell", tell=daemon.log)
    assert "This machine's clock looks wrong: it is" in clinch.command("status").out
    numbers = metrics(clinch)
    assert numbers["clinch_clock_wrong"] == 1
    assert abs(numbers["clinch_clock_off_seconds"] + 86400) < 120


def test_metrics_and_json_do_not_go_together(clinch):
    done = clinch.command("status", "--json", "--metrics")
    assert done.code == 2 and "--metrics" in done.err, done
