"""A model of default as one value: trees, card and reference group, under the version that they hash to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import ModelVersion
from scoring.boosters import Ensemble, Explanation, ensemble
from scoring.cards import canonical_card, version_of
from scoring.credit.card import CreditCard
from scoring.credit.familiarity import TrainingCloud
from scoring.credit.term_structure import HazardShape
from scoring.explanation.compiled import interventional_of
from scoring.explanation.shapley import ReferenceCounts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CreditArtefact:
    """Trees, card, reference group and version. Build it with `credit_artefact`, which makes the version true.

    `card_bytes` is the card as it was first written: a card of an older format keeps the bytes that its version names.
    """

    version: ModelVersion
    card: CreditCard
    card_bytes: bytes
    bag: Ensemble
    reference: ReferenceCounts | None
    cloud: TrainingCloud | None
    """Where the training rows lie, where the model knows."""

    @property
    def shape(self) -> HazardShape | None:
        """When defaults come, where the model was taught it."""
        return None if self.card.hazard is None else self.card.hazard.shape()

    def explain(self, rows: NDArray[np.float64], *, margins: NDArray[np.float64] | None = None) -> Explanation:
        """Margins and contributions for decisions: against the reference group, path-dependent where there is none.

        `margins` (members x rows) are those of these rows where the caller has them already."""
        tables = None if self.reference is None else interventional_of(self.bag.members, self.reference)
        return self.bag.explain(rows, tables=tables, margins=margins)

    def explain_portfolio(self, rows: NDArray[np.float64]) -> Explanation:
        """Margins and path-dependent contributions, which do not depend on whom a decision compares with."""
        return self.bag.explain(rows)


def credit_artefact(
    members: Sequence[bytes],
    card: CreditCard,
    *,
    reference: ReferenceCounts | None = None,
    card_bytes: bytes | None = None,
) -> CreditArtefact:
    """The artefact of these UBJ members, their card (as stored in `card_bytes`, if it was) and its reference group."""
    assert (card.reference is None) == (reference is None), "a card names the reference group of its model"
    written = canonical_card(card) if card_bytes is None else card_bytes
    return CreditArtefact(
        version=version_of(members, written),
        card=card,
        card_bytes=written,
        bag=ensemble(members),
        reference=reference,
        cloud=None if card.familiarity is None else card.familiarity.cloud(card.features),
    )
