# SPDX-License-Identifier: Apache-2.0
"""Test keys, always the same ones, and signatures without randomness.

They are no secret: the RSA primes stand below, every other key is derived from its name. Nobody may
use them for anything but tests.
"""

import functools
import hashlib
import hmac

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from . import der

RSA_PRIMES = {
    "tiny": ("cf3fd27f76dba75bfde7c09b88102e5f6d7b7187e84b0a831ee0a4d4e82807d7",
             "cdf791def8319eb47fb3d72b1e264f58a5a5838ac9013bd82327eb9ca7e896db"),
    "ca": (
        "e2cd260c997a872fadb2437a866f5ae888a36797357da926e2e6ae8d105109b73bcbf313909e5844"
        "b783a32b585172a2ac26675443c0c7c9582af031cacf3e66e469b5678984c184a38d72955cd93992"
        "40619bbf8b637d79593d8043d98ee8c90c32e0aeac11d54b5e41384287ce9676a5d66146d47a1b6b"
        "392a62cee53f5e01",
        "dd245030abf1bd93f78a440061d5afda0f3126face9efb46f9ddcf2fb0f73658b016a0c2cb7ec51d"
        "c39806bd840b7e4cbe3141e2ec2880f93e9c7cb7905f863c92604c583a8bf0da7504d4a2b86eca5e"
        "df8399a8585628dbbd435378a4748805219a8aef3501028dee17bf2c50cbcd87684f17f35ea393bb"
        "5171c2d838134f6f"),
    "delegate": (
        "e65759f8e45e44a522bbefd82f0c65991b91112757687970af58a585fe455294516c2712f8f17296"
        "43ccd635d1e9128a8c444ef617d0b32cd9b4d9de8d34dbcc51d07bfdbabf7d82059fe638372df4d7"
        "c561120f4125f05ac9ac30b127dcaa9790e0ba0e7cacd79528603ccb02291ad52089227a97a0b2da"
        "2802082dc6c841c1",
        "ca17a6534ddf5a8abb0fc1a946d0f0ec9b8cbb71060ebbbddb120d628bbddbbbbe6dd7e5974d9366"
        "e2e8440b6196cce0b1ca99c5e4a122c09252e6316107cf33a6e81a8c1f885d32e72a453f95d99150"
        "f8c2e9481fa29e957614e2331020406ca55d04b01afa8649a62fcca70f056d97c8e9c3511181f173"
        "1f896be6f3b2c807"),
    "small": (
        "f2a64ccd6c61313c820929300877894760735ab82d0f30a332be3ed1cd988bb5c792663130d715b0"
        "2534659ad388603ca9155224fedd762d66a8aece517bf263",
        "c751bd4aea033b37bacc8a0aa4c1191cae80c0ebc2d7038f6ce2b6f0c8035c468e83931f614aa154"
        "454afbd542fb35035cc8809e908ea8d4920e000c9681f94f"),
}
CURVES = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
ORDERS = {
    "p256": int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16),
    "p384": int("ffffffffffffffffffffffffffffffffffffffffffffffff"
                "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
}
HASHES = {"md5": hashes.MD5(), "sha1": hashes.SHA1(), "sha256": hashes.SHA256(),
          "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
RSA_OIDS = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5",
            "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12",
            "sha512": "1.2.840.113549.1.1.13"}
ECDSA_OIDS = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2",
              "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
DIGEST_OIDS = {"md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26",
               "sha224": "2.16.840.1.101.3.4.2.4",
               "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2",
               "sha512": "2.16.840.1.101.3.4.2.3"}
PSS_OID, MGF1_OID, ED25519_OID = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8", "1.3.101.112"


def digest_algorithm(name, null=True):
    return der.sequence(der.oid(DIGEST_OIDS[name]), der.NULL if null else b"")


class Key:
    """A key pair: SubjectPublicKeyInfo (`spki`), the bits that RFC 6960 hashes (`bits`), sign()."""

    def __init__(self, private):
        self.private = private
        public = private.public_key()
        self.spki = public.public_bytes(serialization.Encoding.DER,
                                        serialization.PublicFormat.SubjectPublicKeyInfo)
        self.bits = public_bits(public)

    def key_hash(self, name="sha1"):
        return hashlib.new(name, self.bits).digest()


class RsaKey(Key):
    """PKCS #1 v1.5; with `pss`, PSS whose salt is the digest of what is signed."""

    def sign(self, data, digest="sha256", pss=False):
        """AlgorithmIdentifier and signature."""
        if pss:
            return pss_algorithm(digest), self.sign_pss(data, digest)
        algorithm = der.sequence(der.oid(RSA_OIDS[digest]), der.NULL)
        return algorithm, self.private.sign(data, padding.PKCS1v15(), HASHES[digest])

    def sign_pss(self, data, digest):
        """EMSA-PSS-ENCODE of RFC 8017 9.1.1, then RSASP1."""
        numbers = self.private.private_numbers()
        modulus = numbers.public_numbers.n
        bit_count = modulus.bit_length() - 1
        size = (bit_count + 7) // 8
        hashed = hashlib.new(digest, data).digest()
        salt = hashed
        tag = hashlib.new(digest, bytes(8) + hashed + salt).digest()
        block = bytes(size - len(salt) - len(tag) - 2) + b"\x01" + salt
        mask = b"".join(hashlib.new(digest, tag + counter.to_bytes(4, "big")).digest()
                        for counter in range(len(block) // len(tag) + 1))
        masked = bytearray(a ^ b for a, b in zip(block, mask))
        masked[0] &= 0xFF >> (8 * size - bit_count)
        encoded = int.from_bytes(bytes(masked) + tag + b"\xbc", "big")
        return pow(encoded, numbers.d, modulus).to_bytes((modulus.bit_length() + 7) // 8, "big")


class EcKey(Key):
    """ECDSA with the nonce of RFC 6979, which depends on key and data alone."""

    def __init__(self, curve, secret):
        super().__init__(ec.derive_private_key(secret, CURVES[curve]))
        self.curve, self.order, self.secret = curve, ORDERS[curve], secret

    def sign(self, data, digest="sha256", with_null=False):
        hashed = hashlib.new(digest, data).digest()
        shift = max(0, 8 * len(hashed) - self.order.bit_length())
        z = int.from_bytes(hashed, "big") >> shift
        k = self.nonce(z, digest)
        r = ec.derive_private_key(k, CURVES[self.curve]).public_key().public_numbers().x
        r %= self.order
        s = pow(k, -1, self.order) * (z + r * self.secret) % self.order
        null = der.NULL if with_null else b""
        return (der.sequence(der.oid(ECDSA_OIDS[digest]), null),
                der.sequence(der.integer(r), der.integer(s)))

    def nonce(self, z, digest):
        """RFC 6979 3.2, for orders of whole octets."""
        size = self.order.bit_length() // 8
        seed = self.secret.to_bytes(size, "big") + (z % self.order).to_bytes(size, "big")
        width = hashlib.new(digest).digest_size
        key, value = bytes(width), b"\x01" * width

        def mac(data):
            return hmac.new(key, data, digest).digest()

        for mark in (b"\x00", b"\x01"):
            key = mac(value + mark + seed)
            value = mac(value)
        while True:
            stream = b""
            while len(stream) < size:
                value = mac(value)
                stream += value
            k = int.from_bytes(stream[:size], "big")
            if 0 < k < self.order:
                return k
            key = mac(value + b"\x00")
            value = mac(value)


class WrittenOutKey(EcKey):
    """P-256 whose parameters are written out in place of its name (RFC 3279 2.3.5)."""

    # p, a, b, the base point; SEC 2 2.4.2.
    PRIME = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
    A = "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"
    B = "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"
    BASE = ("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")

    def __init__(self, secret):
        super().__init__("p256", secret)
        field = der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(int(self.PRIME, 16)))
        curve = der.sequence(der.octets(bytes.fromhex(self.A)), der.octets(bytes.fromhex(self.B)))
        parameters = der.sequence(der.integer(1), field, curve,
                                  der.octets(bytes.fromhex(self.BASE)), der.integer(self.order),
                                  der.integer(1))
        algorithm = der.sequence(der.oid("1.2.840.10045.2.1"), parameters)
        self.spki = der.sequence(algorithm, der.bits(self.bits))


class Ed25519Key(Key):
    def sign(self, data, digest=None):
        del digest
        return der.sequence(der.oid(ED25519_OID)), self.private.sign(data)


def public_bits(public):
    """The content of SubjectPublicKeyInfo's BIT STRING, without the count of unused bits."""
    if isinstance(public, rsa.RSAPublicKey):
        return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.public_bytes(serialization.Encoding.X962,
                                   serialization.PublicFormat.UncompressedPoint)
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def pss_algorithm(digest):
    """RSASSA-PSS-params of RFC 4055 3.1, everything said."""
    hashed = digest_algorithm(digest)
    size = hashlib.new(digest).digest_size
    return der.sequence(der.oid(PSS_OID), der.sequence(
        der.explicit(0, hashed), der.explicit(1, der.sequence(der.oid(MGF1_OID), hashed)),
        der.explicit(2, der.integer(size))))


def rsa_private(name, e=65537):
    p, q = (int(number, 16) for number in RSA_PRIMES[name])
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
                                    rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key()


def secret_of(name, order):
    return int.from_bytes(hashlib.sha512(f"clinch test key {name}".encode()).digest(),
                          "big") % (order - 1) + 1


@functools.lru_cache(maxsize=None)
def key(name):
    """"rsa:NAME" of RSA_PRIMES; "p256:NAME", "p384:NAME", "ed25519:NAME", "written-out:NAME" of any
    name."""
    kind, which = name.split(":")
    if kind == "rsa":
        return RsaKey(rsa_private(which))
    if kind == "ed25519":
        seed = hashlib.sha256(f"clinch test key {name}".encode()).digest()
        return Ed25519Key(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    if kind == "written-out":
        return WrittenOutKey(secret_of(name, ORDERS["p256"]))
    return EcKey(kind, secret_of(name, ORDERS[kind]))
