# SPDX-License-Identifier: Apache-2.0
"""DER, written by hand."""

import datetime as dt

NULL = b"\x05\x00"


def length(size):
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def tlv(tag, *parts):
    content = b"".join(parts)
    return bytes([tag]) + length(len(content)) + content


def sequence(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *sorted(parts))


def explicit(number, *parts):
    """[number] EXPLICIT, or IMPLICIT of something constructed."""
    return tlv(0xA0 | number, *parts)


def primitive(number, content=b""):
    """[number] IMPLICIT of something primitive."""
    return tlv(0x80 | number, content)


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\x00")


def integer(value):
    size = value.bit_length() // 8 + 1
    return tlv(0x02, value.to_bytes(size, "big", signed=True))


def enumerated(value):
    return tlv(0x0A, bytes([value]))


def octets(content):
    return tlv(0x04, content)


def bits(content, unused=0):
    return tlv(0x03, bytes([unused]), content)


def oid(dotted):
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc >= 0x80:
            arc >>= 7
            septets.append(0x80 | (arc & 0x7F))
        content += bytes(reversed(septets))
    return tlv(0x06, content)


def utf8(text):
    return tlv(0x0C, text.encode())


def printable(text):
    return tlv(0x13, text.encode("ascii"))


def ia5(text):
    return text.encode("ascii")


def when(wall_s):
    return dt.datetime.fromtimestamp(wall_s, dt.timezone.utc)


def generalized_time(wall_s):
    """@wall_s: seconds, or the very characters to write."""
    text = wall_s if isinstance(wall_s, str) else f"{when(wall_s):%Y%m%d%H%M%SZ}"
    return tlv(0x18, text.encode("ascii"))


def time(wall_s):
    """Time of a certificate (RFC 5280 4.1.2.5): UTCTime through 2049."""
    date = when(wall_s)
    if date.year < 2050:
        return tlv(0x17, f"{date:%y%m%d%H%M%SZ}".encode("ascii"))
    return generalized_time(wall_s)
