# SPDX-License-Identifier: Apache-2.0
"""Two hundred certificates in one folder."""

import os

import pytest

from lib import clients
from lib.process import holds_for, wait_for

COUNT = 200


@pytest.mark.limit(120)
def test_200_certificates_one_question_each_and_one_reload(clinch, ecdsa_ca, responder, front,
                                                           certs, tmp_path):
    leaves = ecdsa_ca.issue_many(COUNT, responder.url)
    for leaf in leaves:
        leaf.write(certs, key=True)
    nginx, snippets = front.nginx(*leaves)
    out = tmp_path / "out"
    out.mkdir()
    config = clinch.config([certs], [{"nginx": snippets, "reload": nginx.command()},
                                     {"file": out / "{sha256}.der"}])
    daemon = clinch.run_config(config)
    wait_for(lambda: len(list(snippets.glob("*.conf"))) == COUNT, 20, "all snippets",
             tell=daemon.log)
    for leaf in leaves[::20]:
        clients.see_staple(nginx.port, leaf.name, 5, daemon.log)
    assert len(os.listdir(out)) == COUNT
    assert len(responder.requests) == COUNT
    assert {responder.count(leaf) for leaf in leaves} == {1}
    holds_for(daemon.alive, 2.5, "the daemon")
    assert nginx.reloads() == 1, daemon.log()
    assert {row["state"] for row in clinch.status()} == {"held"}
    # A restart in an outage: nothing is asked, nothing is written, nothing is reloaded.
    reloads = nginx.reloads()
    responder.stop()
    daemon.kill_9()
    daemon = clinch.run_config(config)
    wait_for(lambda: len([row for row in clinch.status() if row["state"] == "held"]) == COUNT, 10,
             "all staples out of the store", tell=daemon.log)
    holds_for(daemon.alive, 2.5, "the daemon")
    assert nginx.reloads() == reloads, daemon.log()


def test_first_refreshes_are_spread(clinch, ecdsa_ca, responder, certs):
    """A thousand certificates of one responder must not ask together for ever."""
    for leaf in ecdsa_ca.issue_many(COUNT, responder.url):
        leaf.write(certs)
    clinch.run(certs)
    wait_for(lambda: {row["state"] for row in clinch.status()} == {"held"}
             and len(clinch.status()) == COUNT, 20, "all staples")
    tries = sorted(row["next_try"] for row in clinch.status())
    week = 7 * 86400
    assert tries[-1] - tries[0] > 0.3 * week
    hours = [moment // 3600 for moment in tries]
    assert max(hours.count(hour) for hour in set(hours)) <= COUNT // 10
