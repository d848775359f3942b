# SPDX-License-Identifier: Apache-2.0
"""Every fault of a responder against the real daemon with real nginx, side by side.

The last good staple stays on the wire; the log and `status` say which certificate, which responder,
what is wrong, what is served until when, when the next try comes; and when the responder is well
again, the new staple is there. lib/outage.py plays all of it once, the tests here look at it.
"""

import re
import time

import pytest

from lib import clients
from lib.outage import FRESH, Fault, Stage, on_address, on_all
from lib.process import listens_at
from lib.responder import LOCALHOST

pytestmark = pytest.mark.limit(170)
LIMIT_S = 110

# An answer that would be taken, were it not for one thing.
ELSE_GOOD = FRESH

BAD = {
    "http-400": Fault("http-400", said="HTTP status 400"),
    "http-404": Fault("http-404", said="HTTP status 404"),
    "http-429": Fault("http-429", said="HTTP status 429"),
    "http-500": Fault("http-500", said="HTTP status 500"),
    "http-503": Fault("http-503", said="HTTP status 503"),
    "http-533": Fault("http-533", said="HTTP status 533"),
    "http-400-malformedRequest": Fault("http-400-malformedRequest", said="malformedRequest.*400"),
    "http-401-unauthorized": Fault("http-401-unauthorized", said="unauthorized.*401"),
    "http-500-internalError": Fault("http-500-internalError", said="internalError.*500"),
    "http-533-unauthorized": Fault("http-533-unauthorized", said="unauthorized.*533"),
    "retry-after": Fault("retry-after", {"seconds": 6}, said="HTTP status 503"),
    "retry-after-date": Fault("retry-after-date", {"seconds": 6}, said="HTTP status 503"),
    "tryLater": Fault("tryLater", said="tryLater"),
    "unauthorized": Fault("unauthorized", said="unauthorized"),
    "internalError": Fault("internalError", said="internalError"),
    "unknown": Fault("unknown", ELSE_GOOD, said=r"\[unknown\]"),
    "bad-signature": Fault("bad-signature", ELSE_GOOD, said=r"\[bad-signature\]"),
    "other": Fault("other", ELSE_GOOD, said=r"\[wrong-serial\]"),
    "older": Fault("older", {"age_s": 7200}, said=r"\[older-than-held\]"),
    "expired": Fault("expired", said=r"\[expired\]"),
    "future": Fault("future", said=r"\[not-yet-valid\]"),
    "no-next-update": Fault("no-next-update", {"age_s": 31}, said=r"\[no-next-update\]"),
    "not-modified": Fault("not-modified", said="HTTP status 304"),
    "html": Fault("html", said=r"text/html|\[malformed\]"),
    "empty": Fault("empty", said="empty|malformed"),
    "zero": Fault("zero", said=r"\[malformed\]"),
    "too-large": Fault("body", {"body": bytes(65 * 1024)}, said="larger than"),
    "redirect": Fault("redirect", said="redirect .* is not followed: there were 3 before it"),
    "redirect-to-ftp": Fault("redirect", {"to": "ftp://127.0.0.1/"},
                             said="redirect to ftp:.*only http"),
    "redirect-inwards": Fault("redirect", {"to": "http://169.254.169.254/"},
                              said="redirect to 169.254.169.254, .* is not followed"),
    "redirect-to-file": Fault("redirect-to-file", said="redirect to file:.*only http"),
    "hang": Fault("hang", said="no answer of .* within 2 s"),
    "drop": Fault("drop", said="closed the connection without an answer"),
    "slow": Fault("slow", said="not complete within 2 s"),
    "truncated": Fault("truncated", ELSE_GOOD, said="ends too early"),
    "cut": Fault("cut", ELSE_GOOD, said=r"\[malformed\]"),
    "endless": Fault("endless", said="larger than"),
    "endless-plain": Fault("endless-plain", said="larger than"),
    "unfinished": Fault("unfinished", ELSE_GOOD, said="not complete within 2 s"),
    "refused": Fault(turn=on_all("stop"), said="refused the connection"),
    "silent": Fault(turn=on_all("mute"), said="no connection to .* within 1 s"),
    "all-addresses-refused": Fault(turn=on_all("stop"), said="refused the connection",
                                   hosts=LOCALHOST),
}

# Odd, and good all the same.
TAKEN = {
    "nonce": Fault("nonce", FRESH, ends=False),
    "late": Fault("late", {"seconds": 1, **FRESH}, ends=False),
    "max-age": Fault("max-age", {"seconds": 100000, **FRESH}, ends=False),
    "age": Fault("age", FRESH, ends=False),
    "expires": Fault("expires", FRESH, ends=False),
    "wrong-date": Fault("wrong-date", FRESH, ends=False),
    "cached": Fault("cached", FRESH, ends=False),
    "one-address-refused": Fault(turn=on_address("stop"), hosts=LOCALHOST, ends=False),
    "one-address-silent": Fault(turn=on_address("mute"), hosts=LOCALHOST, ends=False),
    "first-url-refused": Fault(turn=on_all("stop"), spare=True, ends=False),
    "first-url-http-503": Fault("http-503", spare=True, ends=False),
}

OTHERS = {
    # Nothing is wrong, and nothing new is there yet.
    "etag": Fault("etag", {"etag": '"1"'}, first={"etag": '"1"'}, requests=1),
    # A thisUpdate of this very second: clients whose clock is behind must not have it yet.
    "zero-margin": Fault("zero-margin", {"life_s": 80}, ends=False),
    # The staple ends before the responder is well.
    "ending": Fault("http-500", said="HTTP status 500", first={"age_s": 5, "life_s": 40},
                    bare=True),
}
ZERO_MARGIN_S = 80 // 8  # an eighth of the lifetime
FAULTS = {name: fault for name, fault in {**BAD, **TAKEN, **OTHERS}.items()
          if listens_at(*fault.hosts)}


@pytest.fixture(scope="module")
def stage(programs, ca, tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("outages"), programs, ca, FAULTS)
    try:
        stage.play(LIMIT_S)
        yield stage
    finally:
        stage.end()


def story(stage, scene):
    """What a failing test shows."""
    lines = [f"{scene.name}: {scene.began}"]
    lines += [f"{when:.1f} {act}: {sight}" for when, act, sight in scene.looks]
    lines += [f"{request.at:.1f} {request.method} {request.rule}"
              for request in scene.responder.asked()]
    return "\n".join(lines + stage.daemon.lines_about(scene.leaf.name))


def scene_of(stage, name):
    if name not in FAULTS:
        pytest.skip("this machine has no ::1")
    return stage.scenes[name]


def check_staples(stage, scene):
    """Every staple seen was honest, of this certificate and inside its times."""
    made, faulty = scene.made(), scene.fault.rule if scene.name in BAD else None
    seen = set()
    for when, act, sight in scene.looks:
        assert sight.connected, (act, story(stage, scene))
        if sight.stapled:
            assert sight.signature in made, (act, str(sight), story(stage, scene))
            assert made[sight.signature][0] != faulty, (act, str(sight), story(stage, scene))
            assert sight.status == "good" and sight.serial == scene.leaf.serial_hex, sight
            assert clients.seconds(sight.next_update) > when, (act, story(stage, scene))
            seen.add(sight.signature)
    assert len(seen) >= 2, story(stage, scene)
    for signature in seen:
        words = stage.verify(scene, made[signature][1])
        assert "Response verify OK" in words and "leaf.pem: good" in words, words


def check_no_gap(stage, scene):
    """Since the first staple there was one at all times."""
    began = [sight.stapled for _, _, sight in scene.looks].index(True)
    assert all(sight.stapled for _, _, sight in scene.looks[began:]), story(stage, scene)


def check_told(stage, scene):
    """The log's line and `status`: certificate, responder, what, served until when, next try."""
    assert scene.line and scene.told, (scene.rows[-3:], story(stage, scene))
    end = scene.told["serve_until"]
    until = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(end))
    assert scene.line.group(1) == until, (scene.line.group(0), until)
    assert 0 < int(scene.line.group(2)) <= 60, scene.line.group(0)
    assert scene.told["next_try"] is None or scene.told["next_try"] < end, scene.told
    assert scene.leaf.name in scene.table, scene.table
    assert scene.responder.url.rstrip("/") in scene.table, scene.table  # by then it may be down


@pytest.mark.parametrize("name", BAD)
def test_fault_costs_no_staple_and_is_told(stage, name):
    scene = scene_of(stage, name)
    check_told(stage, scene)
    check_staples(stage, scene)
    check_no_gap(stage, scene)
    assert {sight.signature for sight in scene.sights("fault")} == {scene.first()}
    assert scene.act == "over", story(stage, scene)


@pytest.mark.parametrize("name", TAKEN)
def test_odd_is_not_bad(stage, name):
    scene = scene_of(stage, name)
    check_staples(stage, scene)
    check_no_gap(stage, scene)
    assert scene.act == "over", story(stage, scene)


@pytest.mark.parametrize("name", ["retry-after", "retry-after-date"])
def test_responder_that_wants_a_pause_is_left_alone(stage, name):
    """As long as the staple held allows: an eighth of what is left of it at most."""
    scene = stage.scenes[name]
    first, second = scene.responder.asked(rule=name)[:2]
    left = scene.told["serve_until"] - (first.at + time.time() - time.monotonic())
    assert second.at - first.at > min(6, left / 8) - 1.1, story(stage, scene)
    assert second.method == "GET", "a POST at once is no pause"


def test_answer_of_this_second_waits_while_another_is_good(stage):
    scene = stage.scenes["zero-margin"]
    check_staples(stage, scene)
    check_no_gap(stage, scene)
    when, sight = next((when, sight) for when, _, sight in scene.looks
                       if sight.stapled and sight.signature != scene.first())
    assert when - clients.seconds(sight.this_update) >= ZERO_MARGIN_S, story(stage, scene)
    assert any("kept back" in line for line in stage.daemon.lines_about(scene.leaf.name))
    assert scene.act == "over", story(stage, scene)


def test_answer_that_has_not_changed_is_no_news(stage):
    scene = stage.scenes["etag"]
    check_staples(stage, scene)
    check_no_gap(stage, scene)
    asked = scene.responder.asked(rule="etag")
    assert asked and asked[0].headers.get("If-None-Match") == '"1"', asked
    assert {row["state"] for _, act, row in scene.rows if act == "fault"} == {"held"}
    lines = stage.daemon.lines_about(scene.leaf.name)
    assert lines and all("good answer" in line for line in lines), lines
    assert scene.act == "over", story(stage, scene)


def test_staple_that_ends_in_the_outage_is_withdrawn_in_time(stage):
    scene = stage.scenes["ending"]
    check_told(stage, scene)
    check_staples(stage, scene)
    stapled = [sight.stapled for _, _, sight in scene.looks]
    shape = "".join("S" if now else "-" for now, before in zip(stapled, [None, *stapled])
                    if now != before)
    assert shape.lstrip("-") == "S-S", story(stage, scene)
    lines = stage.daemon.lines_about(scene.leaf.name)
    assert any(re.search(r"come to its end and is withdrawn; no staple is served; "
                         r"(next try in \d|it is asked for now)", line)
               for line in lines), "\n".join(lines)
    assert scene.act == "over", story(stage, scene)
