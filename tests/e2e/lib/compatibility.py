# SPDX-License-Identifier: Apache-2.0
"""docs/compatibility.md, made of what a tour (tour.py) and a matrix (matrix.py) have seen."""

import re
import textwrap
from pathlib import Path

from .tour import ACTS

PATH = Path(__file__).resolve().parents[3] / "docs/compatibility.md"

# Where a server does something else than the act wants: (what is written in its cell, why).
NOTES = {
    ("hitch", "reload"): (
        "lost", "A certificate whose first staple came after the start of hitch loses it at every "
        "reload, until clinch puts the file there again (two seconds behind a reload of its own, "
        "else within five minutes) or hitch is started anew."),
    ("nghttpx", "revoked"): (
        "kept", "While nghttpx verifies staples itself, nothing but a start or a newer good staple "
        "replaces what it has. With `--no-verify-ocsp` (the next row) it is dropped."),
    ("dnsdist", "first"): (
        "restarted", "dnsdist finds and drops a staple only at a start: for these two cases, and "
        "no other, clinch has the command `restart`."),
    ("dnsdist", "revoked"): ("restarted", "As with the first staple."),
}
TITLES = {"nginx": "nginx", "haproxy": "HAProxy", "hitch": "hitch", "lighttpd": "lighttpd",
          "h2o": "h2o", "nghttpx": "nghttpx", "nghttpx-no-verify": "nghttpx `--no-verify-ocsp`",
          "exim": "Exim (STARTTLS)", "dnsdist": "dnsdist (DNS over TLS)"}

TEXT = """\
# What was seen to work together

Written by the plays (`tests/e2e/test_47_compatibility.py`), which compare it with what they see at
every `make test`. Servers and clients are those of Debian 12, as they come. How each server is set
up, and why it does what it does, is on its page under [servers](servers/README.md).

## Servers

One clinch and all these servers go through the acts below together. Only clinch can reach the
responder: what a server shows was brought by clinch. Looked at with `openssl s_client -status`.

{acts}

{servers}

{notes}

## Clients

nginx, HAProxy and lighttpd, each with an RSA and an ECDSA certificate, each at TLS 1.2 alone and at
TLS 1.3 alone: {doors} doors, and every client was at each of them. All certificates are must-staple
and come with an intermediate. The RSA one's answer is signed by its authority, the ECDSA one's by a
delegate whose certificate is in the answer. No client can reach the responder.

{clients}

- `without clinch`: before clinch was started. Firefox at the doors of nginx, Chromium at {bare},
  all others everywhere.
- `revoked`: one door of nginx with a staple that says revoked, which clinch would not publish. It
  shows that the client looks at staples at all.

How each client was asked:

- openssl: s_client shows a good staple of the certificate, and verifies the chain
- curl: `--cert-status`
- GnuTLS: `gnutls-cli`, exit code and its Status line
- NSS: `tstclnt -T -O -F -A FILE`
- Java: `PKIXRevocationChecker` for the end entity, without SOFT_FAIL
- Firefox: headless, must-staple on (the default); the page was asked for
- Chromium: headless; the page was shown. It does not know must-staple.

## Versions

Those of the day this was written. Newer ones are no reason to write it anew.

{versions}
"""


def _table(head, rows):
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def _list(lines):
    return "\n".join(textwrap.fill(line, 100, initial_indent="- ", subsequent_indent="  ",
                                   break_long_words=False, break_on_hyphens=False)
                     for line in lines)


def _servers(tour):
    rows = [[TITLES[name], *("yes" if words is True else words.partition(":")[0]
                             for words in seen.values())] for name, seen in tour.seen.items()]
    return _table(["server", *ACTS], rows)


def _notes(tour):
    return _list(f"{TITLES[name]}, `{act}`: {NOTES[name, act][1]}"
                 for name, seen in tour.seen.items() for act in seen if (name, act) in NOTES)


def _verdict(seen, client, doors):
    said = [seen[client.key, door][0] for door in doors if (client.key, door) in seen]
    return "accepts" if all(said) else "refuses" if not any(said) else "accepts some"


def _clients(matrix):
    houses = [house.kind for house in matrix.houses]
    doors = {house: [door.name for door in matrix.doors if door.server == house]
             for house in houses}
    every = [door.name for door in matrix.doors]
    rows = [[client.title, *(_verdict(matrix.stapled, client, doors[house]) for house in houses),
             _verdict(matrix.bare, client, every), _verdict(matrix.revoked, client, every)]
            for client in matrix.clients]
    return _table(["client", *(TITLES[house] for house in houses), "without clinch", "revoked"],
                  rows)


def document(tour, matrix):
    """The whole text."""
    servers = {TITLES[name].partition(" ")[0]: version for name, version in tour.versions.items()}
    versions = {**servers, **matrix.versions}
    return TEXT.format(
        acts=_list(f"`{act}`: {about}" for act, about in ACTS.items()),
        servers=_servers(tour), notes=_notes(tour), clients=_clients(matrix),
        doors=len(matrix.doors),
        bare=sum(1 for client, _ in matrix.bare if client == "chromium"),
        versions=_list(f"{name} {version}" for name, version in versions.items()))


def without_versions(text):
    return re.sub(r"\n## Versions\n.*", "", text, flags=re.S)
