#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The scripted responder of the plays, by hand: every fault by command.

    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -keyout ca.key -out ca.pem
    tests/e2e/responder.py --ca ca.pem --key ca.key --port 8080 http-503 delay=1

prints its URL and answers by that rule for every certificate of that authority. What standard input
says changes it (--help has all rules):

    set RULE [OPTION=VALUE...]   from now on (times=3: for three requests; method=GET: only those)
    clear                        good answers again
    stop, mute, start            connections are refused, hang, are made again
    count                        prints how many requests there were, by rule
    quit                         as does the end of the input
"""

import argparse
import collections
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import rules  # noqa: E402
from lib.responder import LOCALHOST, ScriptedResponder  # noqa: E402


@dataclass
class Authority:
    """As much of one as a responder needs: it signs the answers."""

    cert: object
    key: object


def load(certificate, private_key):
    return Authority(x509.load_pem_x509_certificate(Path(certificate).read_bytes()),
                     serialization.load_pem_private_key(Path(private_key).read_bytes(), None))


def value_of(text):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def set_rule(responder, name, *pairs):
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise ValueError(f"{wrong[0]} is no OPTION=VALUE")
    split = (pair.partition("=") for pair in pairs)
    responder.set(name, **{option: value_of(value) for option, _, value in split})


def count(responder):
    counted = collections.Counter(request.rule for request in responder.asked())
    print(sum(counted.values()), *(f"{rule}={number}" for rule, number in sorted(counted.items())),
          flush=True)


COMMANDS = {"set": set_rule, "clear": ScriptedResponder.clear, "start": ScriptedResponder.start,
            "stop": ScriptedResponder.stop, "mute": ScriptedResponder.mute, "count": count}


def obey(responder, line):
    word, *rest = line.split()
    if word not in COMMANDS:
        raise ValueError(f"no command is called {word}; there are {', '.join(COMMANDS)}, quit")
    COMMANDS[word](responder, *rest)


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="rules:\n" + rules.words(),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ca", required=True, help="the issuer's certificate, PEM")
    parser.add_argument("--key", required=True, help="its private key, PEM")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--localhost", action="store_true",
                        help="listen at 127.0.0.1 and ::1, either of which `stop ::1` may end")
    parser.add_argument("rule", nargs="?", default="good", metavar="RULE")
    parser.add_argument("option", nargs="*", metavar="OPTION=VALUE")
    arguments = parser.parse_args()
    hosts = LOCALHOST if arguments.localhost else LOCALHOST[:1]
    responder = ScriptedResponder(load(arguments.ca, arguments.key), port=arguments.port,
                                  hosts=hosts)
    try:
        set_rule(responder, arguments.rule, *arguments.option)
    except ValueError as fault:
        parser.error(str(fault))
    with responder:
        print(responder.url, flush=True)
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            if not line.strip():
                continue
            try:
                obey(responder, line)
            except (OSError, TypeError, ValueError) as fault:
                print(f"responder: {fault}", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
