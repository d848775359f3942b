# SPDX-License-Identifier: Apache-2.0
"""Rules 19 to 25: when."""

from . import world
from .answer import DAY_S, HOUR_S, NOW_S
from .vector import Group, clients, measured
from .world import good, leaf

begin, age, end, produced = (
    Group(name) for name in ("this-update", "age", "next-update", "produced-at"))
MINUTE_S = 60


def from_to(this_s, next_s, about=None, **changes):
    """A good answer of that window, in seconds from now, produced when it begins."""
    changes.setdefault("produced_s", NOW_S + this_s)
    return good(about, this_s=NOW_S + this_s, next_s=None if next_s is None else NOW_S + next_s,
                **changes)


def mint_begin():
    week = 7 * DAY_S
    begin.take("now", "thisUpdate is this very second.", from_to(0, week), 19)
    begin.refuse("one-second-ahead", "thisUpdate a second ahead.", from_to(1, week), 19,
                 "not-yet-valid")
    begin.refuse("one-second-ahead-rfc6960", "thisUpdate a second ahead, for rfc6960.",
                 from_to(1, week), 19, "not-yet-valid", audience="rfc6960")
    for name, seconds, *seen in (
            ("10-minutes-ahead", 10 * MINUTE_S, "AAARR", "AAA"),
            ("30-minutes-ahead", 30 * MINUTE_S, "AARRR", "ARA"),
            ("4-hours-ahead", 4 * HOUR_S, "AARRR", "ARA"),
            ("2-days-ahead", 2 * DAY_S, "RARRR", "ARA")):
        begin.refuse(name, f"thisUpdate {name.replace('-', ' ')}.", from_to(seconds, week), 19,
                     "not-yet-valid", clients=measured(*seen))


def mint_age():
    month = 30 * DAY_S
    age.take("6-days", "Six days old, valid for another 24.", from_to(-6 * DAY_S, month), 20,
             clients=clients("accept", "firefox gnutls java openssl nss chromium"))
    age.take("9-days", "Nine days old: Chromium passes it over.", from_to(-9 * DAY_S, month), 20,
             clients={**measured("AAAAA", "AAA"), "chromium": "ignores"})
    age.refuse("13-days", "Thirteen days old: Firefox refuses it.", from_to(-13 * DAY_S, month), 20,
               "too-old", clients=measured("RAAAA", "AAA"))
    age.refuse("15-days", "Fifteen days old: libtls refuses it, too.",
               from_to(-15 * DAY_S, month), 20, "too-old",
               clients=clients("fails", "firefox libressl"))
    age.take("13-days-gnutls", "Thirteen days old, for GnuTLS and OpenSSL.",
             from_to(-13 * DAY_S, month), 20, audience="gnutls,openssl")
    age.take("100-days-rfc6960", "A hundred days old, for rfc6960.",
             from_to(-100 * DAY_S, month, about=old_leaf()), 20, audience="rfc6960",
             leaf=old_leaf())
    age.take("max-age-reached", "An hour old, --max-age an hour.", from_to(-HOUR_S, month), 20,
             audience="rfc6960", max_age=HOUR_S)
    age.refuse("max-age-passed", "An hour and a second old, --max-age an hour.",
               from_to(-HOUR_S - 1, month), 20, "too-old", audience="rfc6960", max_age=HOUR_S)


def old_leaf():
    return leaf(start_s=NOW_S - 200 * DAY_S)


def mint_end():
    end.take("one-second-left", "nextUpdate a second ahead.", from_to(-DAY_S, 1), 22)
    end.refuse("now", "nextUpdate is this very second.", from_to(-DAY_S, 0), 22, "expired")
    end.refuse("now-rfc6960", "nextUpdate is this very second, for rfc6960.", from_to(-DAY_S, 0),
               22, "expired", audience="rfc6960")
    staple = leaf(features=(5,))
    for suffix, about in (("", None), ("-must-staple", staple)):
        end.refuse(f"expired-1-hour{suffix}", "nextUpdate an hour ago.",
                   from_to(-4 * DAY_S, -HOUR_S, about), 22, "expired", leaf=about,
                   clients=measured("ARRRR", "ARA"))
        end.refuse(f"expired-2-days{suffix}", "nextUpdate two days ago.",
                   from_to(-6 * DAY_S, -2 * DAY_S, about), 22, "expired", leaf=about,
                   clients=measured("RRRRR", "ARA"))
    end.refuse("before-this-update", "nextUpdate an hour before thisUpdate.",
               from_to(-HOUR_S, -2 * HOUR_S), (22, 23), "expired")
    end.refuse("both-ahead-wrong-order", "nextUpdate ahead, thisUpdate further ahead.",
               from_to(2 * HOUR_S, HOUR_S), (19, 23), "not-yet-valid")
    end.take("five-minutes", "A lifetime of five minutes, half over.",
             from_to(-150, 150), (22, 23))
    end.take("outlives-leaf", "nextUpdate after the leaf's notAfter.",
             from_to(-DAY_S, 6 * DAY_S, short_leaf()), 22, leaf=short_leaf())
    end.take("far-ahead", "nextUpdate in the year 2049, thisUpdate an hour old.",
             good(next_s="20490101000000Z"), 22)
    end.refuse("absent-2-hours", "No nextUpdate, two hours old.", from_to(-2 * HOUR_S, None), 21,
               "no-next-update", clients=measured("AARAA", "ARA"))
    end.refuse("absent-3-days", "No nextUpdate, three days old.", from_to(-3 * DAY_S, None), 21,
               "no-next-update", clients=measured("RARAR", "ARA"))
    end.take("absent-rfc6960", "No nextUpdate, two hours old, for rfc6960.",
             from_to(-2 * HOUR_S, None), 21, audience="rfc6960")
    end.refuse("absent-ahead-rfc6960", "No nextUpdate, thisUpdate a second ahead, for rfc6960.",
               from_to(1, None), (19, 21), "not-yet-valid", audience="rfc6960")
    end.take("absent-2-hours-gnutls", "No nextUpdate, two hours old, for GnuTLS.",
             from_to(-2 * HOUR_S, None), 21, audience="gnutls", clients=measured("-A---"))
    end.take("present", "nextUpdate in four days.", good(), (21, 22, 23),
             clients=measured("AAAAA", "AAA"))


def short_leaf():
    return leaf(end_s=NOW_S + 2 * DAY_S)


def mint_produced():
    produced.take("between", "producedAt between thisUpdate and nextUpdate.",
                  good(produced_s=NOW_S - 60), (24, 25), clients=measured("AAAAA", "AAA"))
    produced.take("before-this-update", "producedAt an hour before thisUpdate: NSS classic refuses "
                  "it, and it fails as well without a staple.",
                  good(produced_s=NOW_S - 2 * HOUR_S), 25, clients=measured("AAAAR", "AAA"))
    for suffix, seconds, audience in (("after-next-update", 4 * DAY_S + 1, None),
                                      ("at-next-update", 4 * DAY_S, None),
                                      ("at-next-update-rfc6960", 4 * DAY_S, "rfc6960")):
        produced.refuse(suffix, "producedAt is not before nextUpdate: there is no time at which it "
                        "could be served.", good(produced_s=NOW_S + seconds), 25,
                        "bad-produced-at", audience=audience)
    produced.take("last-second", "producedAt a second before nextUpdate.",
                  good(produced_s=NOW_S + 4 * DAY_S - 1), 25)
    produced.take("before-leaf", "producedAt and thisUpdate before the leaf's notBefore: BoringSSL "
                  "passes it over.",
                  from_to(-HOUR_S, DAY_S, young_leaf()), 24, leaf=young_leaf(),
                  clients={"chromium": "ignores"})
    produced.take("before-leaf-rfc6960", "The same for rfc6960.",
                  from_to(-HOUR_S, DAY_S, young_leaf()), 24, leaf=young_leaf(),
                  audience="rfc6960")


def young_leaf():
    return world.leaf(start_s=NOW_S - 60)


mint_begin()
mint_age()
mint_end()
mint_produced()
