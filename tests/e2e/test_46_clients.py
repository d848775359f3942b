# SPDX-License-Identifier: Apache-2.0
"""Real clients at real servers: whatever clinch publishes is accepted, and it is needed."""

import pytest

from lib.matrix import ALL, KINDS, SERVERS, VERSIONS

DOORS = [f"{server}-{kind}-{version}" for server in SERVERS for kind in KINDS
         for version in VERSIONS]
# Without a staple nobody else lets a must-staple certificate through, or one that is to be checked.
INDIFFERENT = {"chromium"}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("client", [client.key for client in ALL])
def test_client_accepts_what_clinch_publishes(matrix, client, door):
    accepted, said = matrix.stapled[client, door]
    assert accepted, said


@pytest.mark.parametrize("client", [client.key for client in ALL])
def test_client_without_clinch(matrix, client):
    """Firefox, GnuTLS and the others refuse the bare site that they open with clinch."""
    seen = [accepted for (who, _), (accepted, _) in matrix.bare.items() if who == client]
    assert len(seen) > 2 and set(seen) == {client in INDIFFERENT}


@pytest.mark.parametrize("client", [client.key for client in ALL])
def test_client_looks_at_the_staple(matrix, client):
    """One that accepts a staple which says revoked has proved nothing elsewhere."""
    accepted, said = matrix.revoked[client, "nginx-rsa-1.3"]
    assert not accepted, said
