"""Model cards: what a model is, what it saw and how well it did, as JSON beside its trees."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import numpy as np
import scipy
import sklearn
import xgboost
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from data_contracts.identifiers import ModelVersion
from data_contracts.vocabulary import DataOrigin

Matrix = NDArray[np.float64]

SYNTHETIC_STATEMENT = "synthetic; effect sizes are inputs, not findings"


class Frozen(BaseModel):
    """A part of a card: unchangeable, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFeature(Frozen):
    """One input of a model: its key, what it is called without the window, and what training peers showed.

    `sign` is the monotone constraint (+1: more is riskier). `adverse_value` is the peers' 90th percentile in the
    riskier direction (None where unsigned or never seen); `peer_median` is the median of the reference group where the
    model has one, else of the training peers (None where no peer had a value).
    """

    key: str
    name: str
    family: str
    unit: str
    window_days: int | None
    sign: Literal[-1, 0, 1]
    adverse_value: float | None
    peer_median: float | None


def within_reach(rows: Matrix, features: Sequence[ModelFeature]) -> Matrix:
    """`rows` (n, k) with no value beyond the adverse one of its feature; NaN stays.

    A model that is trained and asked on these tells nothing apart beyond it, so that a missing value counted there is
    counted at its worst: whoever withholds a worse one gains nothing (docs/withholding.md).
    """
    most, least = np.full(len(features), np.inf), np.full(len(features), -np.inf)
    for column, feature in enumerate(features):
        if feature.adverse_value is not None:
            (most if feature.sign > 0 else least)[column] = feature.adverse_value
    reached: Matrix = np.maximum(np.minimum(rows, most), least)
    return reached


class ReferenceGroup(Frozen):
    """The peers that reasons compare with: how they were chosen, their PDs, their mean margin, and the hash that names
    them (SHA-256 of their pattern counts)."""

    selection: str
    members: int
    lowest_pd: float
    highest_pd: float
    base_log_odds: float
    sha256: str


class Slice(Frozen):
    """One part of a split in time: its observation times, rows, obligors and events."""

    as_ofs: tuple[datetime, ...]
    rows: int
    obligors: int
    events: int


class DataCut(Frozen):
    """What data a model was built from: how many admitted batches were visible, as of when."""

    as_of: datetime
    batches: int


class Estimate(Frozen):
    """A figure with its 95 % confidence interval."""

    value: float
    lower: float
    upper: float


class Libraries(Frozen):
    """Versions that the trees depend on."""

    xgboost: str
    scikit_learn: str
    scipy: str
    numpy: str
    python: str


def canonical_card(card: Frozen) -> bytes:
    """Canonical JSON bytes of a card: sorted keys, shortest round-trip floats."""
    plain = card.model_dump(mode="json")
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def version_of(members: Sequence[bytes], card_bytes: bytes) -> ModelVersion:
    """SHA-256 over the members' digests in order and the card's bytes, hex: a model's whole identity.

    Whatever else belongs to the model (its reference group) is named in the card by its hash.
    """
    digest = hashlib.sha256()
    for member in members:
        digest.update(hashlib.sha256(member).digest())
    digest.update(hashlib.sha256(card_bytes).digest())
    return ModelVersion(digest.hexdigest())


def installed_libraries() -> Libraries:
    """Versions in this process. The same data and seed on another xgboost give other trees."""
    return Libraries(
        xgboost=xgboost.__version__,
        scikit_learn=sklearn.__version__,
        scipy=scipy.__version__,
        numpy=np.__version__,
        python=platform.python_version(),
    )


def statement_of(data_origin: DataOrigin) -> str | None:
    """What must stand beside every figure of that origin."""
    return SYNTHETIC_STATEMENT if data_origin is DataOrigin.SYNTHETIC else None
