# SPDX-License-Identifier: Apache-2.0
"""Other projects' answers: the verdicts of their authors are ours, or docs/conformance.md says why
not."""

import pytest

import shared

AGREEMENT = 0.95
CASES = shared.cases() if shared.is_there() else []
needs_vectors = pytest.mark.skipif(not CASES, reason=f"skipped: no vectors at {shared.FOLDER}")


def result_of(case):
    return next(one for one in shared.results() if one.case is case)


@needs_vectors
@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_author_agrees_or_the_difference_is_explained(case):
    found = result_of(case)

    assert found.agrees or case.name in shared.documented(), (
        f"{case.id}: clinch says {found.reason}\n{found.said}")


@needs_vectors
def test_the_authors_agree_with_nearly_all():
    counts = shared.totals(shared.results())
    print(f"\n{shared.table()}")

    assert counts["cases"] > 0
    assert counts["agree"] >= AGREEMENT * counts["cases"]


@needs_vectors
def test_what_is_explained_does_differ():
    assert set(shared.documented()) == set(shared.differing())


@needs_vectors
def test_the_table_of_the_document_is_up_to_date():
    assert shared.table() in shared.DOCUMENT.read_text(encoding="utf-8")


def test_every_difference_has_a_reason():
    for name, text in shared.documented().items():
        assert "TO BE EXPLAINED" not in text and len(text.split()) > 10, name
