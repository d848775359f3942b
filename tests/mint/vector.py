# SPDX-License-Identifier: Apache-2.0
"""What a vector is, and the list that the modules of cases fill."""

from dataclasses import dataclass, field

from . import answer, world
from .cert import Cert

# Words of tests/vectors/README.md for what a client makes of the answer.
ACCEPT, FAILS, IGNORES = "accept", "fails", "ignores"
vectors = []


@dataclass
class Vector:
    group: str
    name: str
    how: str                     # how it was made, one sentence
    response: bytes
    rules: tuple
    reason: str = "good"
    verdict: str = "staple"
    leaf: Cert = None
    issuer: Cert = None
    at: int = answer.NOW_S
    audience: str = None
    max_age: int = None
    also: tuple = ()             # further reasons that must be listed
    clients: dict = field(default_factory=dict)
    repaired: bool = None
    warns: str = None            # in one of the warnings
    sent: tuple = ()             # certificates behind the leaf in its file

    @property
    def path(self):
        return f"{self.group}/{self.name}"

    @property
    def is_troubled(self):
        """It is not stapled, or some client does not like it, or people are warned of it."""
        words = {FAILS, IGNORES} & set(self.clients.values())
        return self.verdict != "staple" or bool(words) or self.warns is not None

    def expect(self):
        """The content of expect.json."""
        found = {"at": self.at}
        if self.audience is not None:
            found["audience"] = self.audience
        if self.max_age is not None:
            found["max_age"] = self.max_age
        found.update(verdict=self.verdict, reason=self.reason)
        if self.also:
            found["reasons"] = [self.reason, *self.also]
        if self.repaired is not None:
            found["repaired"] = self.repaired
        if self.warns is not None:
            found["warns"] = self.warns
        found.update(clients=self.clients, rules=list(self.rules), note=self.how)
        return found


class Group:
    """Adds vectors of one folder."""

    def __init__(self, name):
        self.name = name

    def take(self, name, how, response, rules, **expect):
        """One to be stapled."""
        about = expect.pop("leaf", None) or world.leaf()
        response = response if isinstance(response, bytes) else response.der()
        vectors.append(Vector(self.name, name, how, response, listed(rules), leaf=about,
                              issuer=expect.pop("issuer", None) or about.issuer, **expect))

    def refuse(self, name, how, response, rules, reason, **expect):
        """One that is not."""
        self.take(name, how, response, rules, verdict="refuse", reason=reason, **expect)


def listed(rules):
    return tuple(rules) if isinstance(rules, (tuple, list)) else (rules,)


def clients(word, names):
    """@word for each of the blank-separated names."""
    return dict.fromkeys(names.split(), word)


MEASURED = "firefox gnutls java openssl nss".split()
OTHERWISE_SET = "java-default java-hard openssl-default".split()


def measured(letters, otherwise=""):
    """What was seen of Firefox, GnuTLS, Java (soft-fail), curl/OpenSSL and NSS, one letter each:
    A accepted, R refused, I taken as if there were no staple, - not seen. @otherwise: Java without
    revocation checking, Java without SOFT_FAIL, OpenSSL that asks and does not insist."""
    words = {"A": ACCEPT, "R": FAILS, "I": IGNORES}
    seen = [*zip(MEASURED, letters), *zip(OTHERWISE_SET, otherwise)]
    return {name: words[letter] for name, letter in seen if letter != "-"}
