"""A model of an insurer's own claims as one value: frequency from a GLM and trees, severity with a large-loss load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from data_contracts.identifiers import ModelVersion
from data_contracts.vocabulary import DataOrigin
from scoring.boosters import THREADS, Ensemble, ensemble
from scoring.cards import Estimate, Frozen, Libraries, canonical_card, version_of
from scoring.insurance.balance import Autocalibration
from scoring.insurance.linear import LinearPredictor
from scoring.table.card import TableFeature
from scoring.table.encoding import encoded

Vector = NDArray[np.float64]


class BandTold(Frozen):
    """Actual to expected claims in one band, with the exact Poisson interval; `clustered` is the same ratio with the
    interval of claims that come in clusters, as the card's `dispersion` says (None in cards written before)."""

    name: str
    exposure: float
    claims: int
    expected: float
    ratio: Estimate
    clustered: Estimate | None = None


class TailTold(Frozen):
    """The Pareto tail of claims above the threshold, and what large losses add beside the capped claims."""

    threshold: float
    shape: float
    scale: float
    excesses: int
    losses: int
    large_loss_share: float


class ClaimsMetrics(Frozen):
    """On groups that nothing was fitted on: Poisson deviances a unit of exposure, the paired gain of the trees over the
    GLM (in hundredths of a policy's mean deviance), actual to expected, Gini of the order of risks, the Tweedie
    challenger's (None where the test has no costs) and the distilled table's; `table_difference` is the mean absolute
    difference of table and model, by exposure, as a share of the model's mean."""

    deviance_of_constant: float
    deviance_of_glm: float
    deviance: float
    gain_over_glm: Estimate
    actual_to_expected_train: float
    actual_to_expected_test: Estimate
    gini: float
    gini_of_challenger: float | None
    gini_of_table: float
    table_difference: float
    deciles: tuple[BandTold, ...]
    factors: dict[str, tuple[BandTold, ...]]


class ClaimsCard(Frozen):
    """Card of a model of claims. `exposure_unit` is what a claim frequency is by (a year, an hour).

    `rules` says how many rows each documented rule of reading touched. `table` is the model distilled into pure
    premiums a unit of exposure, in major units, as a tariff is filed; `metrics.table_difference` how far it is from it.
    """

    format: Literal[1] = 1
    kind: Literal["claims"] = "claims"
    data_origin: DataOrigin
    statement: str | None
    policies_sha256: str
    claims_sha256: str
    currency: str
    exposure_unit: str
    policies: int
    exposure: float
    claims: int
    amount: float
    rules: dict[str, int]
    features: tuple[TableFeature, ...]
    linear: LinearPredictor
    balance: Autocalibration
    severity: LinearPredictor | None
    mean_severity: float
    table: LinearPredictor
    tail: TailTold | None
    dispersion: float
    depth: int
    leaf_weight: float
    rounds: int
    metrics: ClaimsMetrics
    hyperparameters: dict[str, float]
    seed: int
    libraries: Libraries
    parameters_version: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClaimsArtefact:
    """Trees, card and version. Build it with `claims_artefact`."""

    version: ModelVersion
    card: ClaimsCard
    card_bytes: bytes
    bag: Ensemble

    def frequencies(self, frame: pd.DataFrame) -> Vector:
        """Expected claims a unit of exposure of each row (n). Raises TableInvalid as `encoded` does."""
        rows = encoded(frame, self.card.features)
        matrix = xgb.DMatrix(
            rows,
            base_margin=self.card.linear.logs(rows),
            missing=np.nan,
            nthread=THREADS,
            feature_types=["c" if feature.kind == "category" else "q" for feature in self.card.features],
            enable_categorical=True,
        )
        raw = self.bag.boosters[0].predict(matrix, output_margin=True)
        return np.asarray(np.exp(self.card.balance.logs(np.asarray(raw, dtype=np.float64))))

    def severities(self, frame: pd.DataFrame) -> Vector:
        """The mean claim of each row (n), its share of large losses included, in major units."""
        if self.card.severity is None or self.card.tail is None:
            return np.full(len(frame), self.card.mean_severity)
        capped = np.exp(self.card.severity.logs(encoded(frame, self.card.features)))
        return np.asarray(capped * (1 + self.card.tail.large_loss_share))

    def pure_premiums(self, frame: pd.DataFrame) -> Vector:
        """Frequency x severity a unit of exposure of each row (n), in major units."""
        return self.frequencies(frame) * self.severities(frame)


def claims_artefact(members: Sequence[bytes], card: ClaimsCard, *, card_bytes: bytes | None = None) -> ClaimsArtefact:
    """The artefact of its one member and its card (as stored in `card_bytes`, if it was)."""
    written = canonical_card(card) if card_bytes is None else card_bytes
    return ClaimsArtefact(version=version_of(members, written), card=card, card_bytes=written, bag=ensemble(members))
