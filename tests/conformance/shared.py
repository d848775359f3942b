# SPDX-License-Identifier: Apache-2.0
"""Answers of other projects with the verdicts of their authors, where they are at hand: the folder
is $CLINCH_VECTORS, else ../shared/vectors beside the repository. Its README explains expect.json.

They are judged for the audience rfc6960, which has only the rules of the RFC, at the author's time
and with the author's limit of age.
"""

import functools
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import judge

FOLDER = Path(os.environ.get("CLINCH_VECTORS") or judge.REPOSITORY / "../shared/vectors")
DOCUMENT = judge.REPOSITORY / "docs/conformance.md"
BEGIN, END = "<!-- made by tests/conformance/report -->", "<!-- end -->"
# The authors' words for what has another name here.
WORDS = {"try-later": "error-status"}


@dataclass(frozen=True)
class Case:
    """One verdict of an author. `isolated`: at a time when only the fault named is there."""

    name: str       # "suite/case"
    folder: Path
    expect: dict
    isolated: bool

    @property
    def suite(self):
        return self.name.split("/")[0]

    @property
    def id(self):
        return self.name + (" in its window" if self.isolated else "")

    @property
    def at(self):
        return self.expect["at_in_window" if self.isolated and "at_in_window" in self.expect
                           else "at"]

    @property
    def is_good(self):
        return self.expect["good_at_window" if self.isolated else "good_to_staple"]

    @property
    def reasons(self):
        """What a refusal may rightly be called."""
        listed = [self.expect["why"], *self.expect.get("why_also_right", ())]
        return {WORDS.get(word, word) for word in listed}


@dataclass(frozen=True)
class Result:
    case: Case
    said: judge.Said

    @property
    def is_good(self):
        return self.said.code == judge.STAPLE

    @property
    def reason(self):
        if self.said.code == judge.UNREADABLE:
            return "unreadable"
        return self.said.judgement["reason"]

    @property
    def agrees(self):
        return self.is_good == self.case.is_good

    @property
    def same_reason(self):
        if self.is_good or self.case.is_good:
            return self.agrees
        listed = [] if self.said.code == judge.UNREADABLE else self.said.judgement["reasons"]
        return bool(self.case.reasons & {self.reason, *listed})


def is_there():
    return (FOLDER / "cases").is_dir()


@functools.lru_cache(maxsize=None)
def cases():
    """Every decided verdict; those that their authors leave open are left out."""
    found = []
    for path in sorted((FOLDER / "cases").glob("*/*/expect.json")):
        expect = json.loads(path.read_text(encoding="utf-8"))
        name = f"{path.parent.parent.name}/{path.parent.name}"
        for isolated, key in ((False, "good_to_staple"), (True, "good_at_window")):
            if isinstance(expect.get(key), bool):
                found.append(Case(name, path.parent, expect, isolated))
    return found


def judge_case(case):
    options = ["--audience", "rfc6960", "--at", str(case.at)]
    if case.expect.get("max_age"):  # 0 and null: no limit
        options += ["--max-age", str(case.expect["max_age"])]
    return Result(case, judge.verify(case.folder, *options))


@functools.lru_cache(maxsize=None)
def results():
    return [judge_case(case) for case in cases()]


def totals(of):
    """Counts: cases, agreements, bad ones called good, good ones refused, same reason."""
    counts = Counter(cases=len(of), agree=sum(one.agrees for one in of))
    counts["called good"] = sum(one.is_good and not one.agrees for one in of)
    counts["refused"] = sum(not one.is_good and not one.agrees for one in of)
    counts["bad"] = sum(not one.case.is_good for one in of)
    counts["same reason"] = sum(one.same_reason for one in of if not one.case.is_good)
    return counts


def table():
    """The totals of each suite, in Markdown; without a path and without the data."""
    lines = ["| suite | verdicts | agree | bad called good | good refused | "
             "refused for the same reason |", "|---|---|---|---|---|---|"]
    suites = sorted({one.case.suite for one in results()})
    for suite in (*suites, "all"):
        counts = totals([one for one in results() if suite in (one.case.suite, "all")])
        lines.append(f"| {suite} | {counts['cases']} | {counts['agree']} | "
                     f"{counts['called good']} | {counts['refused']} | "
                     f"{counts['same reason']} of {counts['bad']} |")
    return "\n".join(lines)


def differing():
    """Where we differ: name to results, at the author's time and in the window together."""
    found = {}
    for one in results():
        if not one.agrees:
            found.setdefault(one.case.name, []).append(one)
    return found


def documented():
    """Heading "### suite/case" to the text below it, out of docs/conformance.md."""
    if not DOCUMENT.exists():
        return {}
    text = DOCUMENT.read_text(encoding="utf-8")
    parts = re.split(r"^### `([^`]+)`\n", text, flags=re.M)[1:]
    return {name: body.split("\n## ")[0].strip() for name, body in zip(parts[::2], parts[1::2])}
