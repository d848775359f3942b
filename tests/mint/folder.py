# SPDX-License-Identifier: Apache-2.0
"""The folder tests/vectors, as files."""

import functools
import json
import os

from . import cases_form, cases_match, cases_signer, cases_time  # noqa: F401 (they fill the list)
from . import cases_odd  # noqa: F401
from . import vector

README = "README.md"
INTRODUCTION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "introduction.md")
RULES = {
    1: "exact DER", 2: "responseStatus", 3: "responseType", 4: "size", 5: "version",
    6: "syntax of times", 7: "responderID", 8: "signer", 9: "profile of the delegate",
    10: "embedded certificates", 11: "algorithm of the signature",
    12: "algorithm of the delegate's certificate", 13: "signature", 14: "hash of the CertID",
    15: "content of the CertID", 16: "number and order of singles", 17: "all singles",
    18: "status", 19: "thisUpdate not ahead", 20: "thisUpdate not old", 21: "nextUpdate present",
    22: "nextUpdate ahead", 23: "order of times", 24: "producedAt within the leaf's life",
    25: "producedAt within the window", 26: "response extensions", 27: "single extensions",
    28: "root in the chain", 29: "OCSP URL of the leaf", 30: "TLS feature of the leaf",
    31: "this very leaf",
}


def all_vectors():
    return vector.vectors


def groups():
    """The folders' names, in the order in which the code makes them."""
    return list(dict.fromkeys(one.group for one in all_vectors()))


def cell(text):
    return text.replace("|", "\\|")


def table(group):
    lines = [f"\n## {group}\n", "| vector | how it was made | verdict |", "|---|---|---|"]
    for one in all_vectors():
        if one.group == group:
            said = "staple" if one.verdict == "staple" else f"refuse: {one.reason}"
            lines.append(f"| `{one.name}` | {cell(one.how)} | {said} |")
    return "\n".join(lines) + "\n"


def rule_table():
    """"Of each rule how many are stapled, are stapled with a warning or a client that fails (which
    gains nothing by getting none), and are refused."""
    lines = ["\n## Rules\n", "| rule | about | staple | with a warning | refuse |",
             "|---|---|---|---|---|"]
    for number, about in RULES.items():
        of = [one for one in all_vectors() if number in one.rules]
        refused = sum(one.verdict == "refuse" for one in of)
        troubled = sum(one.is_troubled for one in of) - refused
        lines.append(f"| {number} | {about} | {len(of) - troubled - refused} | {troubled} | "
                     f"{refused} |")
    return "\n".join(lines) + "\n"


def readme():
    with open(INTRODUCTION, encoding="utf-8") as file:
        text = file.read().format(count=len(all_vectors()), groups=len(groups()))
    return text + rule_table() + "".join(table(group) for group in groups())


def files_of(one):
    expect = json.dumps(one.expect(), indent=1, ensure_ascii=False) + "\n"
    chain = b"".join(link.pem for link in (one.leaf, *one.sent))
    return {"leaf.pem": chain, "issuer.pem": one.issuer.pem, "response.der": one.response,
            "expect.json": expect.encode()}


@functools.lru_cache(maxsize=None)
def all_files():
    """Path inside the folder to content."""
    files = {README: readme().encode()}
    for one in all_vectors():
        for name, content in files_of(one).items():
            path = f"{one.path}/{name}"
            assert path not in files, path
            files[path] = content
    return files


def strangers(out, files):
    """Files of the folder that the code does not make."""
    found = []
    for folder, _, names in os.walk(out):
        paths = (os.path.relpath(os.path.join(folder, name), out) for name in names)
        found += [path for path in paths if path not in files]
    return sorted(found)


def compare(out, files):
    """What differs, one sentence each."""
    faults = [f"{path} is not made by tools/mint" for path in strangers(out, files)]
    for path, content in files.items():
        try:
            with open(os.path.join(out, path), "rb") as file:
                if file.read() != content:
                    faults.append(f"{path} is not what tools/mint makes of the code")
        except OSError:
            faults.append(f"{path} is missing")
    return faults
