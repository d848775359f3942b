# SPDX-License-Identifier: Apache-2.0
"""What the plays are made of: a test PKI, responders, real servers, real clients, clinch itself.

process, unpack, servers, clients and talkers need nothing but Python's standard library, so that
the demo can use them; pki, answers and responder need python3-cryptography and python3-asn1crypto.
"""
