# SPDX-License-Identifier: Apache-2.0
"""The table of core/clients.c before real clients. A mismatch changes the table, not the test."""

import pytest
from court import docket, session
from court.people import People

LIVES = ("dead", "alive")


def _names():
    """(name, life) of every trial, before anything is started."""
    for case in docket.cases(People({"dead": "http://127.0.0.1:1/", "alive": None})):
        for staple in ("ordinary", "must-staple") if case.both else ("ordinary",):
            for life in LIVES:
                if session.in_session(case, staple, life):
                    name = case.name + (", must-staple" if staple == "must-staple" else "")
                    yield pytest.param(name, life, id=f"{name} ({life})")


@pytest.mark.parametrize("name, life", _names())
def test_clients_do_what_the_table_says(court, name, life):
    mistakes = court.mistakes(name, life)
    assert not mistakes, "\n".join([f"{name}, responder {life}:", *mistakes])


def test_nothing_that_clinch_staples_is_worse_than_no_staple(court):
    """Whoever lets a bare handshake through lets it through with what clinch would staple."""
    bare = {(trial.staple, trial.life): trial.seen for trial in court.trials
            if trial.der is None}
    worse = []
    for trial in court.trials:
        if court.forecasts[trial.folder].verdict == "staple":
            without = bare.get((trial.staple, trial.life), {})
            worse += [f"{trial.name}, responder {trial.life}: {client} ({said})"
                      for client, (accepted, said) in trial.seen.items()
                      if not accepted and without.get(client, (False,))[0]
                      and client not in dict(trial.case.beyond)]
    assert not worse, "\n".join(worse)


def test_clients_are_not_all_of_one_mind(court):
    """A client that accepts all, or none, was not asked what we think it was."""
    for client in court.trials[0].seen:
        verdicts = {trial.seen[client][0] for trial in court.trials if client in trial.seen}
        assert verdicts == {True, False}, client
