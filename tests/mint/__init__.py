# SPDX-License-Identifier: Apache-2.0
"""Test vectors from code: certificates and answers written octet by octet, good ones and bad ones.

Nothing here asks a clock or a random generator, so the same code always makes the same files. No
ASN.1 library writes the DER: half of what is minted is what such a library would refuse to write.
"""
