# SPDX-License-Identifier: Apache-2.0
"""docs/compatibility.md says what was seen. COMPATIBILITY=write writes it anew."""

import os

from lib import compatibility


def test_the_document_says_what_was_seen(tour, matrix):
    text = compatibility.document(tour, matrix)
    if os.environ.get("COMPATIBILITY") == "write":
        compatibility.PATH.write_text(text, encoding="utf-8")
    written = compatibility.PATH.read_text(encoding="utf-8")
    assert compatibility.without_versions(written) == compatibility.without_versions(text), (
        "run: COMPATIBILITY=write /usr/bin/python3 -m pytest tests/e2e/test_47_compatibility.py")
