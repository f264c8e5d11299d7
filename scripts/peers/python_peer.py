"""Python's `cryptography` as a peer of our tests.

One request a line on standard input, fields separated by tabs; one line of answer each: "ok", or "failed" and why.

    seal CIPHER CERTIFICATE IN OUT      RSA PKCS#1 v1.5 only; CIPHER: aes-128-cbc or aes-256-cbc
    open KEY CERTIFICATE IN OUT
    sign SCHEME KEY CERTIFICATE IN OUT  attached, with signed attributes
"""

import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

CIPHERS = {"aes-128-cbc": algorithms.AES128, "aes-256-cbc": algorithms.AES256}
DIGESTS = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
DER = serialization.Encoding.DER


def certificate(name):
    return x509.load_der_x509_certificate(Path(name).read_bytes())


def key(name):
    return serialization.load_der_private_key(Path(name).read_bytes(), password=None)


def seal(cipher, recipient, content):
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(certificate(recipient))
    return builder.set_content_encryption_algorithm(CIPHERS[cipher]).encrypt(DER, [pkcs7.PKCS7Options.Binary])


def open_(secret_key, recipient, sealed):
    return pkcs7.pkcs7_decrypt_der(sealed, certificate(recipient), key(secret_key), [])


def sign(scheme, secret_key, signer, content):
    family, digest = scheme.split("-")
    pss = padding.PSS(mgf=padding.MGF1(DIGESTS[digest]), salt_length=padding.PSS.DIGEST_LENGTH)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(
        certificate(signer), key(secret_key), DIGESTS[digest], rsa_padding=pss if family == "pss" else None
    )
    return builder.sign(DER, [pkcs7.PKCS7Options.Binary])


REQUESTS = {"seal": seal, "open": open_, "sign": sign}

for line in sys.stdin:
    request, *fields, source, target = line.rstrip("\n").split("\t")
    try:
        Path(target).write_bytes(REQUESTS[request](*fields, Path(source).read_bytes()))
        answer = "ok"
    except BaseException as reason:  # a Rust panic inside the library is no Exception
        answer = "failed " + " ".join(f"{type(reason).__name__}: {reason}".split())
    print(answer, flush=True)
