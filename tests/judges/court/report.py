# SPDX-License-Identifier: Apache-2.0
"""docs/clients.md: what was seen, and where the table says something else."""

COLUMNS = (("Fd", "firefox", "dead"), ("Fl", "firefox", "alive"), ("Gn", "gnutls", "dead"),
           ("Gr", "rhel", "dead"), ("Jd", "java-default", "dead"), ("Js", "java", "dead"),
           ("Jh", "java-hard", "dead"), ("cu", "curl", "dead"), ("NS", "nss", "dead"))

HEAD = """\
# What real clients do with a staple

Written by `tests/judges`, which staples each of these answers on a real nginx, has each client
connect, and compares what it does with what `clinch verify` says that it would do.

{versions}

The chain is root, intermediate, leaf; leaf and intermediate are sent. Unless a row says otherwise
the answer is good, an hour old, valid for a week, signed by the CA with RSA-2048 and SHA-256, and
TLS 1.3 is spoken. The octets are stapled as they stand here; clinch itself would serve some of them
repaired (surplus certificates dropped, a root that is not sent embedded), which are then as good as
`good`, `delegate: usual` and `root-issued leaf, root embedded, not sent`.
Octets that nginx would mend come from a small server on pyOpenSSL.

| column | client |
|---|---|
| Fd | Firefox, the leaf's own OCSP responder is dead |
| Fl | Firefox, the leaf's own OCSP responder answers good |
| Gn | GnuTLS: `gnutls-cli`, its Status line and exit code |
| Gr | GnuTLS under a policy without SHA-1 and RSA keys under 2048 bits, as that of RHEL 9 |
| Jd | Java, default: revocation checking off |
| Js | Java, PKIXRevocationChecker: ONLY_END_ENTITY, NO_FALLBACK, SOFT_FAIL |
| Jh | the same without SOFT_FAIL |
| cu | OpenSSL: `curl --cert-status`; none counts as bad |
| NS | NSS: `tstclnt -T -O -F -A FILE`; none counts as bad |
| cl | `clinch verify`, for all clients, of the octets as received: S staple, - do not |

A: the handshake was accepted; R: refused. `!`: `clinch verify` says the opposite, since it is told
of a certificate file, an issuer and an answer alone: not of the TLS version, nor of what else the
client trusts. S stands, too, where only clients refuse that refuse `none` as well.

The clients besides Firefox did the same with the responder dead and alive{but}.
"""


def write(path, trials, versions, forecasts):
    """The whole document. `forecasts` are by trial folder."""
    by_name = {}
    for trial in trials:
        by_name.setdefault(trial.name, {})[trial.life] = trial
    width = max(len(name) for name in by_name)
    told = "\n".join(f"- {name} {version}" for name, version in sorted(versions.items()))
    lines = [HEAD.format(versions=told, but=_but(by_name)),
             _row("answer".ljust(width), [column[0] for column in COLUMNS] + ["cl"]),
             "|" + "---|" * (len(COLUMNS) + 2)]
    for name, lives in by_name.items():
        cells = [_cell(lives[life], client, forecasts) for _, client, life in COLUMNS]
        verdict = forecasts[lives["dead"].folder].verdict
        lines.append(_row(name.ljust(width), cells + [{"staple": "S", "": " "}.get(verdict, "-")]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(name, cells):
    return "| " + " | ".join([name, *(cell.ljust(2) for cell in cells)]) + " |"


def _cell(trial, client, forecasts):
    accepted = trial.seen[client][0]
    forecast = forecasts[trial.folder]
    wrong = forecast.accepts[client] != accepted or client in dict(trial.case.beyond)
    return ("A" if accepted else "R") + ("!" if wrong else "")


def _but(by_name):
    """Where the responder's life made a difference to others than Firefox."""
    found = []
    for name, lives in by_name.items():
        for title, client, _ in COLUMNS[2:]:
            accepted = {life: trial.seen[client][0] for life, trial in lives.items()}
            if accepted["dead"] != accepted["alive"]:
                found.append(f"{title} {'accepted' if accepted['alive'] else 'refused'} `{name}` "
                             "while it lived")
    return ", but that\n" + ", and\n".join(found) if found else ""
