"""Keys made by OpenSSL, and what is in a bundle that they sign."""

import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

ED25519 = ["ED25519"]
P_256 = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
P_384 = ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]
RSA = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]


class KeyPair(NamedTuple):
    """The files of a private key and its public one."""

    private: Path
    public: Path


def private_key(folder: Path, name: str, algorithm: list[str]) -> Path:
    path = folder / f"{name}.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm, "-out", path], check=True, capture_output=True)
    return path


def key_pair(folder: Path, name: str, algorithm: list[str]) -> KeyPair:
    pair = KeyPair(private_key(folder, name, algorithm), folder / f"{name}.pub")
    subprocess.run(["openssl", "pkey", "-in", pair.private, "-pubout", "-out", pair.public], check=True)
    return pair


def files_of(bundle: Path) -> dict[str, bytes]:
    with tarfile.open(bundle) as archive:
        contents = ((member.name, archive.extractfile(member)) for member in archive)
        return {name: content.read() for name, content in contents if content is not None}
