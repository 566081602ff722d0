"""The key that signs settlements: a file, made once, that only its owner may read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class BadKey(ValueError):
    """A file that holds no Ed25519 key; names the file, never its content."""


def signing_key(file: Path) -> Ed25519PrivateKey:
    """Return the key in the file; when there is none yet, one is made, and its public half is put beside it."""
    try:
        pem = file.read_bytes()
    except FileNotFoundError:
        return _made(file)
    except OSError as error:
        raise BadKey(f"{file}: {error.strerror}") from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{file}: holds no unencrypted Ed25519 private key in PEM; `openssl genpkey -algorithm ed25519`")
    return key


def public_key(file: Path) -> Ed25519PublicKey:
    """Return the public key in a file."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise BadKey(f"{file}: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(f"{file}: holds no Ed25519 public key in PEM")
    return key


def _made(file: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # A key is there whole or not at all, also when two processes make it at the same time.
        unfinished = file.with_name(f"{file.name}.{os.getpid()}")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(pem)
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, file)
        unfinished.unlink()
        made = signing_key(file)
        _public_file(file).write_bytes(_public_pem(made))
    except OSError as error:
        raise BadKey(f"{file}: cannot be made: {error.strerror}") from None
    return made


def _public_file(file: Path) -> Path:
    return file.with_name(f"{file.stem}.pub.pem")


def _public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
