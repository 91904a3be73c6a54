"""What a snapshot commits to leaf by leaf, so that a receipt can open one feature or one batch and nothing else.

Each leaf is SHA-256(0x00 || salt || canonical JSON); its salt comes from the snapshot's secret seed and its name, so
that a leaf that is not opened gives nothing away, and without the seed nobody can open any.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from data_contracts.errors import NotFound
from data_contracts.evidence.checkpoint import as_base64
from data_contracts.evidence.commitment import SALT_BYTES, leaf_hash, merkle_root
from data_contracts.evidence.tree import inclusion_spans
from features.snapshot import FeatureSnapshot, plain_feature

SEED_BYTES = 32
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
"""Made once: a snapshot has a leaf for each feature, and to make an encoder takes as long as to use it."""


@dataclass(frozen=True)
class Disclosure:
    """Named leaves under one root, in the order of their names."""

    what: str
    seed: bytes
    contents: Mapping[str, str]

    @cached_property
    def names(self) -> Sequence[str]:
        """The names of the leaves, in order."""
        return sorted(self.contents)

    @cached_property
    def leaves(self) -> Sequence[bytes]:
        """The leaf of each name."""
        return [leaf_hash(self._salt(name), self.contents[name].encode()) for name in self.names]

    @property
    def root(self) -> str:
        """What is committed to, hex."""
        return merkle_root(self.leaves).hex()

    def open(self, name: str) -> dict[str, Any]:
        """One leaf with its salt and the path to the root. Raises NotFound."""
        if name not in self.contents:
            raise NotFound(f"The snapshot has no {self.what} {name!r}.", hint=f"It has {', '.join(self.names[:3])} ...")
        index = self.names.index(name)
        spans = inclusion_spans(index, len(self.names))
        return {
            "index": index,
            "salt": as_base64(self._salt(name)),
            "content": self.contents[name],
            "path": [as_base64(merkle_root(self.leaves[start:stop])) for start, stop in spans],
        }

    def _salt(self, name: str) -> bytes:
        return hmac.digest(self.seed, f"{self.what}\0{name}".encode(), "sha256")[:SALT_BYTES]


def features_of(snapshot: FeatureSnapshot, seed: bytes) -> Disclosure:
    """The obligor's features and the quantities that limits rest on."""
    named = {**snapshot.values, **snapshot.quantities}
    contents = {name: _json({"feature": name, **plain_feature(value)}) for name, value in named.items()}
    return Disclosure("feature", seed, contents)


def batches_of(roots: Mapping[str, str], seed: bytes) -> Disclosure:
    """The batches behind a snapshot, with the Merkle root of each."""
    contents = {name: _json({"batch_id": name, "merkle_root": root}) for name, root in roots.items()}
    return Disclosure("batch", seed, contents)


def _json(plain: Mapping[str, Any]) -> str:
    return _CANONICAL.encode(plain)
