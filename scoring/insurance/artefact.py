"""A model of claims as one value: its trees and its card, under the version that both hash to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.identifiers import ModelVersion
from scoring.boosters import Ensemble, ensemble
from scoring.cards import model_version
from scoring.insurance.card import InsuranceCard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InsuranceArtefact:
    """Trees, card and version. Build it with `insurance_artefact`, which makes the version true."""

    version: ModelVersion
    card: InsuranceCard
    bag: Ensemble


def insurance_artefact(members: Sequence[bytes], card: InsuranceCard) -> InsuranceArtefact:
    """The artefact of these UBJ members and their card."""
    return InsuranceArtefact(version=model_version(members, card), card=card, bag=ensemble(members))
