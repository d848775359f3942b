# SPDX-License-Identifier: Apache-2.0
"""A test PKI: authorities and certificates of every sort, quickly.

Key pairs are made once per process and shared: a thousand certificates cost a thousand signatures
and no more. Times are naive UTC, as python3-cryptography wants them.
"""

import datetime as dt
import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)


@functools.lru_cache(maxsize=None)
def key(kind="rsa", which=0):
    """The shared key pair of that kind and name."""
    del which  # only tells keys apart
    if kind == "ecdsa":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def now():
    return dt.datetime.utcnow().replace(microsecond=0)


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def key_pem(private_key):
    return private_key.private_bytes(serialization.Encoding.PEM,
                                     serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())


@dataclass
class Leaf:
    name: str
    cert: x509.Certificate
    key: object
    issuer: "Authority"
    text: dict = field(default_factory=dict, repr=False)

    @property
    def serial(self):
        return self.cert.serial_number

    @property
    def serial_hex(self):
        return f"{self.serial:x}"

    @property
    def der(self):
        return der(self.cert)

    @property
    def sha256(self):
        return hashlib.sha256(self.der).hexdigest()

    def pem(self, key=False, chain=True):
        """The certificate, its issuer (with `chain`), its private key (with `key`)."""
        parts = [pem(self.cert)]
        if chain:
            parts += [pem(authority.cert) for authority in self.issuer.chain()]
        if key:
            parts.append(key_pem(self.key))
        return b"".join(parts)

    def write(self, path, key=False, chain=True):
        """Writes pem() and returns the path; a folder gets NAME.pem."""
        path = Path(path)
        if path.is_dir():
            path = path / f"{self.name.split('.')[0]}.pem"
        path.write_bytes(self.pem(key, chain))
        return path

    def write_key(self, path):
        Path(path).write_bytes(key_pem(self.key))
        return Path(path)


class Authority:
    """A CA: root, or intermediate when `issuer` is given."""

    def __init__(self, name="clinch test CA", kind="rsa", issuer=None):
        self.name = name
        self.key = key(kind, name)
        self.issuer = issuer
        self._serials = iter(range(0x1000 + hash_of(name), 1 << 62))
        self.cert = self._own_certificate()

    def _own_certificate(self):
        signer = self.issuer or self
        usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True,
                              content_commitment=False, key_encipherment=False,
                              data_encipherment=False, key_agreement=False, encipher_only=False,
                              decipher_only=False)
        builder = self._builder(subject(self.name), self.key.public_key(), now() - 30 * DAY,
                                now() + 3650 * DAY, signer)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        return builder.add_extension(usage, True).sign(signer.key, hashes.SHA256())

    def _builder(self, name, public_key, start, end, signer, serial=None):
        return (x509.CertificateBuilder().subject_name(name)
                .issuer_name(subject(signer.name)).public_key(public_key)
                .serial_number(serial or next(signer._serials))
                .not_valid_before(start).not_valid_after(end)
                .add_extension(_subject_key_id(public_key), False)
                .add_extension(_authority_key_id(signer.key), False))

    def chain(self):
        """This authority and those above it, without the root unless it is the root."""
        return [self] if self.issuer is None or self.issuer.issuer is None else (
            [self, *self.issuer.chain()])

    def issue(self, name, kind="rsa", *, url=None, must_staple=False, ca_issuers=None, days=90,
              start=None, end=None, number=0, serial=None, public_key=None):
        """A server certificate for DNS name `name`; `url` is its responder, or a list of them.

        With `public_key` it is for that one, and the key of the Leaf is of no use.
        """
        private_key = key(kind, number)
        start = start or now() - DAY
        builder = self._builder(subject(name), public_key or private_key.public_key(), start,
                                end or start + days * DAY, self, serial)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True)
        access = [_access(AuthorityInformationAccessOID.OCSP, one) for one in _listed(url)]
        access += [_access(AuthorityInformationAccessOID.CA_ISSUERS, one)
                   for one in _listed(ca_issuers)]
        if access:
            builder = builder.add_extension(x509.AuthorityInformationAccess(access), False)
        if must_staple:
            feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
            builder = builder.add_extension(feature, False)
        return Leaf(name, builder.sign(self.key, hashes.SHA256()), private_key, self)

    def issue_many(self, count, url, kind="ecdsa", prefix="site"):
        """`count` certificates site0000.test, site0001.test... of one key pair."""
        return [self.issue(f"{prefix}{number:04}.test", kind, url=url) for number in range(count)]

    def delegate(self, name="clinch test OCSP signer", kind="rsa", *, eku=True, nocheck=True,
                 start=None, end=None):
        """A certificate that may sign answers, or that may not when `eku` is False."""
        private_key = key(kind, name)
        builder = self._builder(subject(name), private_key.public_key(), start or now() - DAY,
                                end or now() + 90 * DAY, self)
        usage = ExtendedKeyUsageOID.OCSP_SIGNING if eku else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        if nocheck:
            builder = builder.add_extension(x509.OCSPNoCheck(), False)
        return Leaf(name, builder.sign(self.key, hashes.SHA256()), private_key, self)

    def write(self, path):
        """The authority's certificate as PEM."""
        Path(path).write_bytes(pem(self.cert))
        return Path(path)

    def write_key(self, path):
        Path(path).write_bytes(key_pem(self.key))
        return Path(path)

    def write_index(self, path, leaves, revoked=()):
        """The database of `openssl ocsp -index`. Certificates that are not in it are unknown."""
        path = Path(path)
        gone = {leaf.serial for leaf in revoked}
        lines = []
        for leaf in [*leaves, *revoked]:
            end = f"{leaf.cert.not_valid_after:%y%m%d%H%M%SZ}"
            when = f"{now() - dt.timedelta(hours=1):%y%m%d%H%M%SZ}"
            state, revocation = ("R", when) if leaf.serial in gone else ("V", "")
            serial = leaf.serial_hex.upper()
            serial = "0" * (len(serial) % 2) + serial
            lines.append(f"{state}\t{end}\t{revocation}\t{serial}\tunknown\t/CN={leaf.name}\n")
        # Two lines of one subject are an error without this.
        path.with_name(path.name + ".attr").write_text("unique_subject = no\n", encoding="ascii")
        fresh = path.with_name(path.name + ".new")
        fresh.write_text("".join(dict.fromkeys(lines)), encoding="ascii")
        fresh.rename(path)
        return path


def hash_of(text):
    """A number that tells authorities' serials apart."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") << 20


def _listed(value):
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _access(method, url):
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(url))


def _subject_key_id(public_key):
    return x509.SubjectKeyIdentifier.from_public_key(public_key)


@functools.lru_cache(maxsize=None)
def _authority_key_id(private_key):
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(private_key.public_key())
