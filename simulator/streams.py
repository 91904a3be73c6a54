"""Random streams: each draw has one of its own, named by purpose and place; nothing depends on order or threads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Streams:
    """All randomness of a world. The same seed, purpose and keys give the same numbers (for one release of NumPy).

    A stream serves one draw, filled in the order of firms or machines. So a firm's life does not depend on how many
    firms come after it, and worlds of one seed but other rules share their luck, which makes comparisons paired.
    """

    seed: int

    def of(self, purpose: str, *keys: int) -> np.random.Generator:
        """A fresh generator for `purpose` at the place that `keys` name (non-negative integers)."""
        word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, word, *keys])))


def round_at_random(amount: NDArray[np.floating], uniform: NDArray[np.floating]) -> NDArray[np.int32]:
    """Whole numbers whose expectation is `amount` (>= 0); `uniform` is drawn from [0, 1), of the same shape."""
    return np.floor(amount + uniform).astype(np.int32)
