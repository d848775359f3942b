# SPDX-License-Identifier: Apache-2.0
"""`clinch verify`, asked about one folder with leaf.pem, issuer.pem and response.der."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CLINCH") or REPOSITORY / "build/clinch")
STAPLE, REFUSE, UNREADABLE = 0, 1, 2
LIMIT_S = 30


@dataclass(frozen=True)
class Said:
    """What it printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def judgement(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def options_of(expect):
    """Of an expect.json of ours."""
    options = ["--at", str(expect["at"])]
    if "audience" in expect:
        options += ["--audience", expect["audience"]]
    if "max_age" in expect:
        options += ["--max-age", str(expect["max_age"])]
    return options


def run(*words, answer=b"", before=()):
    """@answer goes to its standard input; @before: words of a program that starts it."""
    done = subprocess.run([str(word) for word in (*before, BINARY, *words)], timeout=LIMIT_S,
                          check=False, input=answer, capture_output=True)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def verify(folder, *options, as_json=True, by_stdin=False):
    leaf, issuer, answer = (Path(folder) / name
                            for name in ("leaf.pem", "issuer.pem", "response.der"))
    words = ["verify", "--cert", leaf, "--issuer", issuer, *options]
    if as_json:
        words.append("--json")
    if by_stdin:
        return run(*words, "-", answer=answer.read_bytes())
    return run(*words, answer)
