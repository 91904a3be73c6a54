"""The log's keys: made once for a home, the private half readable by its owner alone."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from api.home import Home, keep_secret
from data_contracts.errors import InvalidEvidence, OperatingError
from data_contracts.evidence.notes import SEED_BYTES, SignatureType, Signer, read_signer

PRIVATE_FILE = "log.key"
PUBLIC_FILE = "log.pub"
LOG_TYPES = (SignatureType.ED25519, SignatureType.ML_DSA_44_COSIGNATURE)


def log_signers(home: Home) -> Sequence[Signer]:
    """The home's signers, Ed25519 first; made where there are none. Raises InvalidEvidence and OperatingError."""
    return _signers(home.evidence.resolve())


def public_lines(signers: Sequence[Signer]) -> str:
    """The public key file: what verifiers are given."""
    return "".join(f"{signer.public_line}\n" for signer in signers)


def make_signers(folder: Path, name: str, kinds: Sequence[SignatureType], *, private: str, public: str) -> None:
    """Make keys in `folder` unless there are some; of rivals one wins."""
    signers = [Signer(name, kind, secrets.token_bytes(SEED_BYTES)) for kind in kinds]
    text = "".join(f"{signer.private_line}\n" for signer in signers)
    if not keep_secret(folder / private, text.encode()):
        return
    (folder / public).write_text(public_lines(signers), encoding="utf-8")


def read_signers(path: Path) -> Sequence[Signer]:
    """The private keys of a file. Raises InvalidEvidence."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatingError(f"{path} cannot be read.", hint="Restore it, readable by its owner.") from error
    if not lines:
        raise InvalidEvidence(f"{path} holds no key.", hint="Restore it from a backup.")
    return [read_signer(line) for line in lines]


@lru_cache(maxsize=16)
def _signers(folder: Path) -> Sequence[Signer]:
    if not (folder / PRIVATE_FILE).exists():
        name = f"millgrade.local/log-{secrets.token_hex(6)}"
        make_signers(folder, name, LOG_TYPES, private=PRIVATE_FILE, public=PUBLIC_FILE)
    return read_signers(folder / PRIVATE_FILE)
