"""A model of claims as one value: its trees and its card, under the version that both hash to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.identifiers import ModelVersion
from scoring.boosters import Ensemble, ensemble
from scoring.cards import canonical_card, version_of
from scoring.insurance.card import InsuranceCard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InsuranceArtefact:
    """Trees, card and version. Build it with `insurance_artefact`, which makes the version true."""

    version: ModelVersion
    card: InsuranceCard
    card_bytes: bytes
    bag: Ensemble


def insurance_artefact(
    members: Sequence[bytes], card: InsuranceCard, *, card_bytes: bytes | None = None
) -> InsuranceArtefact:
    """The artefact of these UBJ members and their card (as stored in `card_bytes`, if it was)."""
    written = canonical_card(card) if card_bytes is None else card_bytes
    return InsuranceArtefact(version=version_of(members, written), card=card, card_bytes=written, bag=ensemble(members))
