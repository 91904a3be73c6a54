"""A model of default as one value: its bag of trees and its card, under the version that both hash to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.identifiers import ModelVersion
from scoring.boosters import Ensemble, ensemble
from scoring.cards import model_version
from scoring.credit.card import CreditCard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CreditArtefact:
    """Trees, card and version. Build it with `credit_artefact`, which makes the version true."""

    version: ModelVersion
    card: CreditCard
    bag: Ensemble


def credit_artefact(members: Sequence[bytes], card: CreditCard) -> CreditArtefact:
    """The artefact of these UBJ members and their card."""
    return CreditArtefact(version=model_version(members, card), card=card, bag=ensemble(members))
