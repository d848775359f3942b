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
NAMES = {"firefox": "firefox", "gnutls": "gnutls", "rhel": "rhel", "java-default": "java-default",
         "java": "java", "java-hard": "java-hard", "curl": "openssl", "nss": "nss"}


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
    accepts = {client: _passes(word, told["without"][NAMES[client]], trial.life)
               or _asks(NAMES[client] in received["asks"], trial.life)
               for client, word in says.items()}
    accepts.update(trial.case.beyond)
    return Forecast(received["verdict"], received["reason"], accepts, says)


def _asks(would, life):
    """Who asks the responder for itself hears that all is well, when it lives."""
    return would and life == "alive"


def _passes(word, without, life):
    """"ignores: REASON" leaves a client as it is without a staple."""
    return word == "accept" or word.startswith("ignores") and _passes_without(without, life)


def _passes_without(without, life):
    return without == "ok" or _asks(without == "asks", life)


def _without(scene, trial):
    """No staple: what the table says of that, whatever the answer that it is asked about."""
    some = trial.folder / "some.ocsp"
    some.write_bytes(mint.error("tryLater"))
    without = _verify(scene, trial, some)["without"]
    accepts = {client: _passes_without(without[name], trial.life)
               for client, name in NAMES.items()}
    return Forecast("", "", accepts, {client: without[name] for client, name in NAMES.items()})
