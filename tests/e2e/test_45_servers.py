# SPDX-License-Identifier: Apache-2.0
"""Every server through the same acts: what it shows is what docs/servers says of it."""

import pytest

from lib.compatibility import NOTES
from lib.tour import ACTS

SERVERS = ("nginx", "haproxy", "hitch", "lighttpd", "h2o", "nghttpx", "nghttpx-no-verify", "exim",
           "dnsdist")


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("server", SERVERS)
def test_server_does_as_its_page_says(tour, server, act):
    expected, _ = NOTES.get((server, act), (True, ""))
    assert tour.seen[server][act] == expected


def test_the_tour_has_seen_all_servers(tour):
    assert tuple(tour.seen) == SERVERS
