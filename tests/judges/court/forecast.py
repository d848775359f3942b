# SPDX-License-Identifier: Apache-2.0
"""What clinch's table says that each client does, by `clinch verify --json`: `as_received`."""

import json
import os
import subprocess
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path

from . import mint

REPOSITORY = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("CLINCH", REPOSITORY / "build/clinch"))
# The clients of this court, as the table calls them.
NAMES = {"firefox": "firefox", "gnutls": "gnutls", "java-default": "java-default", "java": "java",
         "java-hard": "java-hard", "curl": "openssl", "nss": "nss"}
# The table speaks of Firefox in an outage. While the leaf's responder lives, these faults of a
# staple make Firefox ask for itself (mozilla::pkix: old response, invalid signing certificate,
# response for certificate missing; and tryLater among the error statuses).
FIREFOX_ASKS = {"expired", "too-old", "no-next-update", "wrong-serial", "wrong-issuer",
                "no-matching-response", "signer-not-found", "unauthorized-signer",
                "signer-expired", "weak-algorithm", "unsupported-algorithm"}


@dataclass(frozen=True)
class Forecast:
    """Of one trial: clinch's own verdict and that of each client."""

    verdict: str            # staple, refuse; "" without an answer
    reason: str
    accepts: dict           # client -> bool
    says: dict              # client -> "accept", "fails: REASON"...


def _verify(scene, trial, path):
    at = int(scene.started_at.replace(tzinfo=timezone.utc).timestamp())
    argv = [str(BINARY), "verify", "--json", "--at", str(at),
            "--cert", str(trial.folder / "chain.pem"),
            "--issuer", str(scene.issuer_file(trial)), str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(f"{' '.join(argv)}\nexit code {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def forecast(scene, trial):
    if trial.der is None:
        return _without(scene, trial)
    told = _verify(scene, trial, trial.staple_file)
    received = told["as_received"]
    says = {client: received["clients"][name] for client, name in NAMES.items()}
    accepts = {client: _passes(word, told["without"][NAMES[client]])
               for client, word in says.items()}
    if trial.life == "alive" and says["firefox"].startswith("fails") and _firefox_asks(
            trial, says["firefox"]):
        accepts["firefox"] = True
    accepts.update(trial.case.beyond)
    return Forecast(received["verdict"], received["reason"], accepts, says)


def _passes(word, without):
    """"ignores: REASON" leaves a client as it is without a staple."""
    return word == "accept" or word.startswith("ignores") and without == "ok"


def _firefox_asks(trial, word):
    if trial.case.no_question:
        return False
    return word.partition(": ")[2] in FIREFOX_ASKS or trial.der == mint.error("tryLater")


def _without(scene, trial):
    """No staple: what the table says of that, whatever the answer that it is asked about."""
    some = trial.folder / "some.ocsp"
    some.write_bytes(mint.error("tryLater"))
    without = _verify(scene, trial, some)["without"]
    accepts = {client: without[name] == "ok" for client, name in NAMES.items()}
    if trial.life == "alive":
        accepts["java-hard"] = True     # it asks the responder itself
    return Forecast("", "", accepts, {client: without[name] for client, name in NAMES.items()})
