"""A model of a table as one value, and what it says of rows: probability, margin, contributions, reasons, and whether
it was taught on rows like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.identifiers import ModelVersion
from scoring.boosters import Ensemble, ensemble
from scoring.cards import canonical_card, version_of
from scoring.credit.calibration import probability
from scoring.explanation.compiled import interventional_of
from scoring.explanation.shapley import ReferenceCounts
from scoring.table.card import TableCard
from scoring.table.encoding import encoded, with_absent
from scoring.table.familiarity import TableJudge, judge_of
from scoring.unfamiliar import Familiarity

REASONS = 4
LEAST_PULL = 0.03

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableArtefact:
    """Trees, card, reference group and version. Build it with `table_artefact`."""

    version: ModelVersion
    card: TableCard
    card_bytes: bytes
    bag: Ensemble
    reference: ReferenceCounts
    judge: TableJudge | None
    """What is known of the training rows, where the model knows."""

    def score(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """For each row: `pd`, `margin`, `base_log_odds`, up to four reasons against it, the strongest first, whether a
        person must decide (`is_referred`), and why: `familiarity`, None where the model knows nothing of it.

        A reason is one column with its value, the reference group's, and its contribution in log-odds. A column that
        the frame has not is missing in all rows. Raises TableInvalid as `with_absent` and `encoded` do.
        """
        frame = with_absent(frame, self.card.features)
        rows = encoded(frame, self.card.features)
        told = [None] * len(rows) if self.judge is None else self.judge.judge(frame, rows)
        explained = self.bag.explain(rows, tables=interventional_of(self.bag.members, self.reference))
        return [
            {
                "pd": self.pd(float(explained.margin[row])),
                "margin": float(explained.margin[row]),
                "base_log_odds": float(explained.base[row]),
                "reasons": self._reasons(rows[row], explained.contributions[row]),
                **_referral(told[row]),
            }
            for row in range(len(rows))
        ]

    def pd(self, margin: float) -> float:
        """The probability of the outcome that a margin stands for."""
        return probability(self.card.calibrator.calibrator().log_odds(margin) + self.card.log_odds_shift)

    def _reasons(self, values: Matrix, contributions: Matrix) -> list[dict[str, Any]]:
        order = np.argsort(-contributions, kind="stable")[:REASONS]
        return [
            {
                "column": feature.key,
                "value": self._shown(int(place), float(values[place])),
                "peers": feature.peer_value,
                "contribution": float(contributions[place]),
            }
            for place in order
            if contributions[place] >= LEAST_PULL and (feature := self.card.features[place])
        ]

    def _shown(self, place: int, value: float) -> float | str | None:
        feature = self.card.features[place]
        if np.isnan(value):
            return None
        return feature.levels[int(value)] if feature.kind == "category" else value


def _referral(told: Familiarity | None) -> dict[str, Any]:
    if told is None:
        return {"is_referred": False, "familiarity": None}
    return {"is_referred": not told.is_familiar, "familiarity": asdict(told)}


def table_artefact(
    members: Sequence[bytes], card: TableCard, *, reference: ReferenceCounts, card_bytes: bytes | None = None
) -> TableArtefact:
    """The artefact of these UBJ members, their card (as stored in `card_bytes`, if it was) and reference group."""
    written = canonical_card(card) if card_bytes is None else card_bytes
    return TableArtefact(
        version=version_of(members, written),
        card=card,
        card_bytes=written,
        bag=ensemble(members),
        reference=reference,
        judge=None if card.familiarity is None else judge_of(card.familiarity, card.features),
    )
