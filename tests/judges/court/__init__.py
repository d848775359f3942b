# SPDX-License-Identifier: Apache-2.0
"""Real TLS clients as judges of what clinch says about an answer."""
