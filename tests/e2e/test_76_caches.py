# SPDX-License-Identifier: Apache-2.0
"""HTTP caching: what is said to caches on the way, and what answers say about time."""

import email.utils
import time

import pytest

from lib import answers
from lib.process import wait_for

SOON = {"life_s": 80, "age_s": 20}  # held for 50 s; the next question comes after 30 to 36 s
DAY_S = 86400


@pytest.mark.limit(120)
def test_answer_that_has_not_changed_is_not_sent_again(clinch, ca, responder, certs):
    same, changed, bare = (ca.issue(f"{name}.test", url=responder.url)
                           for name in ("same", "changed", "bare"))
    for leaf in (same, changed, bare):
        leaf.write(certs)
    responder.set("good", leaf=same, etag='"v1"', **SOON)
    responder.set("good", leaf=changed, etag='W/"v1"', **SOON)
    responder.set("good", leaf=bare, **SOON)
    daemon = clinch.run(certs)
    for leaf in (same, changed, bare):
        clinch.wait_state(leaf, "held")
    before = {name: clinch.staple(certs / f"{name}.pem").raw for name in ("same", "changed")}
    responder.set("good", leaf=changed, etag='W/"v2"', **SOON)
    wait_for(lambda: all(responder.count(leaf) >= 2 for leaf in (same, changed, bare)), 60,
             "the second questions", tell=daemon.log)
    for leaf, tag in ((same, '"v1"'), (changed, 'W/"v1"'), (bare, None)):
        first, second = responder.asked(leaf)[:2]
        assert "If-None-Match" not in first.headers
        assert (second.method, second.headers.get("If-None-Match")) == ("GET", tag)
    wait_for(lambda: clinch.staple(certs / "changed.pem").raw != before["changed"], 5,
             "the new answer", tell=daemon.log)
    assert clinch.staple(certs / "same.pem").raw == before["same"]
    assert clinch.row(same)["state"] == "held" and not clinch.row(same)["last"]
    assert not [line for line in daemon.lines_about("same.test") if "warning" in line]


def test_stale_answer_of_a_cache_is_asked_for_once_more_without_it(clinch, shop, responder, certs):
    responder.set("cached")
    done = clinch.once(certs, "--strict")
    assert done.code == 0, done
    first, second = responder.asked(shop)
    assert (first.method, second.method) == ("GET", "GET")
    assert "Cache-Control" not in first.headers and "Pragma" not in first.headers
    assert second.headers["Cache-Control"] == second.headers["Pragma"] == "no-cache"
    assert "If-None-Match" not in second.headers


def test_caches_are_passed_by_once_a_round(clinch, shop, responder, certs):
    responder.set("expired")
    assert clinch.once(certs, "--strict").code == 1
    without = [asked for asked in responder.asked(shop) if "Cache-Control" in asked.headers]
    assert len(without) == 1 and responder.count(shop) >= 2


def busy_headers(form):
    if form == "seconds":
        return {"Retry-After": "6"}
    if form == "date":  # of a clock that is off: what counts is how far it is from Date
        return {"Date": "Mon, 01 Jan 2001 00:00:00 GMT",
                "Retry-After": "Mon, 01 Jan 2001 00:00:06 UTC"}
    return {"Retry-After": "soon"}


@pytest.mark.parametrize("code, form", [(503, "seconds"), (429, "date"), (503, "date")])
def test_a_responder_that_wants_a_pause_gets_it(clinch, shop, responder, certs, code, form):
    responder.set("http", code=code, headers=busy_headers(form))
    daemon = clinch.run(certs)
    wait_for(lambda: responder.count(shop) >= 2, 25, "the second question", tell=daemon.log)
    first, second = responder.asked(shop)[:2]
    assert second.at - first.at > 5.5, daemon.log()


def test_a_pause_that_nobody_understands_is_none(clinch, shop, responder, certs):
    responder.set("http", code=503, headers=busy_headers("junk"))
    daemon = clinch.run(certs)
    wait_for(lambda: responder.count(shop) >= 2, 10, "the second question", tell=daemon.log)
    first, second = responder.asked(shop)[:2]
    assert second.at - first.at < 5, daemon.log()


def test_what_http_calls_fresh_is_not_asked_for(clinch, ca, responder, certs):
    """The first refresh is spread over 10 to 60 % of seven days; HTTP may only put it off."""
    now, fresh_s = time.time(), round(4.1 * DAY_S)
    later = email.utils.formatdate(now + fresh_s, usegmt=True)
    said = {"age": {"Cache-Control": f"public, max-age={fresh_s}"},
            "aged": {"Cache-Control": f"max-age={fresh_s + 43200}", "Age": "43200"},
            "expires": {"Expires": later},
            "long": {"Cache-Control": "max-age=31536000"},
            **{f"nothing{number}": {} for number in range(6)},
            **{f"stale{number}": {"Cache-Control": f"no-cache, max-age={fresh_s}"}
               for number in range(6)},
            **{f"junk{number}": {"Cache-Control": "max-age=4.1", "Expires": "later"}
               for number in range(6)}}
    leaves = {name: ca.issue(f"{name}.test", url=responder.url) for name in said}
    for name, leaf in leaves.items():
        leaf.write(certs)
        responder.set("good", leaf=leaf, headers=said[name])
    clinch.run(certs)
    due = {name: (clinch.wait_state(leaf, "held")["next_try"] - now) / DAY_S
           for name, leaf in leaves.items()}
    latest = 0.6 * 7 - 1 / 24
    for name in ("age", "aged", "expires", "long"):
        assert 4.09 < due[name] < latest + 0.01, due
    assert abs(due["long"] - latest) < 0.01, due
    for name in ("nothing", "stale", "junk"):
        some = [due[f"{name}{number}"] for number in range(6)]
        assert min(some) > 0.6 and min(some) < 4 and max(some) < latest + 0.01, due


def test_an_entity_tag_is_worth_nothing_after_a_restart(clinch, shop, responder, certs):
    """It is not stored: a 304 to a question without one is an error like any other."""
    responder.set("good", etag='"v1"')
    daemon = clinch.run(certs)
    clinch.wait_state(shop, "held")
    daemon.kill_9()
    responder.set("not-modified")
    leaf_file = certs / "shop.pem"
    assert answers.read(clinch.staple(leaf_file).raw).status == "good"
    daemon = clinch.run(certs)
    assert clinch.wait_state(shop, "held")
    assert responder.count(shop) == 1
