# SPDX-License-Identifier: Apache-2.0
"""Root, intermediate, leaves, and delegates of every sort, lawful or not."""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lib import pki

from . import odd

DAY = dt.timedelta(days=1)
HOST = "localhost"
ANY_EKU = x509.ObjectIdentifier("2.5.29.37.0")
KINDS = {"rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
         "rsa-1024": lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),
         "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
         "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
         "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
         "ed25519": ed25519.Ed25519PrivateKey.generate}


class People:
    """Everybody who takes part. `urls` are the responders "dead" and "alive"."""

    def __init__(self, urls):
        self.root = pki.Authority("clinch judges root")
        self.ca = pki.Authority("clinch judges CA", issuer=self.root)
        self.p256_ca = pki.Authority("clinch judges P-256 CA", "ecdsa", issuer=self.root)
        self.stranger = pki.Authority("clinch judges stranger")
        self.named_ca = odd.constrained(pki.Authority("clinch judges named CA", issuer=self.root),
                                        HOST)
        self.leaves = {}
        for life, url in urls.items():
            for staple in ("ordinary", "must-staple"):
                self.leaves["usual", staple, life] = self._leaf(self.ca, url, staple)
            self.leaves["p256", "ordinary", life] = self._leaf(self.p256_ca, url)
            self.leaves["named", "ordinary", life] = self._leaf(self.named_ca, url)
            for kind in ("root", "root-sent"):
                self.leaves[kind, "ordinary", life] = self._leaf(self.root, url)

    @staticmethod
    def _leaf(authority, url, staple="ordinary"):
        # Older than the oldest answer, so that no answer is older than its certificate.
        return authority.issue(HOST, url=url, must_staple=staple == "must-staple", days=90,
                               start=pki.now() - 29 * DAY)

    @staticmethod
    def now(days=0):
        return pki.now() + days * DAY

    def noise(self):
        """A certificate that has nothing to do with anything."""
        return self.stranger.cert

    def delegate(self, kind="rsa", usages=(ExtendedKeyUsageOID.OCSP_SIGNING,), **how):
        """A certificate of the CA that signs answers; `how` is what is odd about it."""
        issuer = how.get("issuer", self.ca)
        key = KINDS[kind]()
        name = how.get("name", "clinch judges OCSP signer")
        builder = (x509.CertificateBuilder().subject_name(pki.subject(name))
                   .issuer_name(pki.subject(issuer.name)).public_key(key.public_key())
                   .serial_number(next(issuer._serials))
                   .not_valid_before(how.get("start", pki.now() - 20 * DAY))
                   .not_valid_after(how.get("end", pki.now() + 90 * DAY)))
        builder = builder.add_extension(x509.BasicConstraints(how.get("ca", False), None), True)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
        if how.get("nocheck", True):
            builder = builder.add_extension(x509.OCSPNoCheck(), False)
        for dotted, value, critical in how.get("more", ()):
            oid = x509.ObjectIdentifier(dotted)
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical)
        by = how.get("by", issuer)
        identifiers = (x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                       x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()))
        for one in identifiers:
            builder = builder.add_extension(one, False)
        digest = hashes.SHA1() if how.get("sha1") else hashes.SHA256()
        cert = builder.sign(by.key, digest)
        change = how.get("change")
        return pki.Leaf(name, odd.changed(cert, by.key, change) if change else cert, key, issuer)
