"""Training on an insurer's own policies and claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from api.home import Home
from api.models.service import SEED, keep_artefact, scoring_parameters
from data_contracts.errors import InputError
from data_contracts.identifiers import ModelVersion
from data_contracts.vocabulary import DataOrigin
from risk_reports import actuary_pack
from risk_reports.document import Document
from risk_reports.wording.catalogue import Language
from scoring import registry
from scoring.training.claims.book import ClaimsQuestion, read_book
from scoring.training.claims.figures import claims_figures
from scoring.training.claims.train import ClaimsTraining, train_claims
from scoring.training.table.reading import read_signs


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsOrder:
    """What `millgrade train insurance --policies` was told."""

    question: ClaimsQuestion
    monotone: Path | None
    data_origin: DataOrigin


def train(home: Home, asked: ClaimsOrder, *, now: datetime) -> registry.Card:
    """Read, fit, test and keep a model of the insurer's claims; returns its card.

    It is kept beside the models of the home's own data and answers by the table, never for an obligor of the home.
    """
    book = read_book(asked.question)
    signs = read_signs(asked.monotone, list(book.factors.columns)) if asked.monotone else {}
    how = ClaimsTraining(
        signs=signs, data_origin=asked.data_origin, exposure_unit=asked.question.exposure_unit, seed=SEED
    )
    artefact = train_claims(book, how, parameters=scoring_parameters(), as_of=now.date())
    card = keep_artefact(home, artefact)
    registry.save_figures(home.models, artefact, claims_figures(book, artefact))
    return card


def pack_document(home: Home, version: ModelVersion, language: Language, *, now: datetime) -> Document:
    """The actuary's pack of a model of claims. Raises UnknownModel, ArtefactDamaged, and InputError where its figures
    were not kept."""
    artefact = registry.load_artefact(home.models, "claims", version)
    figures = registry.load_figures(home.models, "claims", version)
    if figures is None:
        raise InputError(
            f"No figures are kept of model {version[:12]}: an early release trained it.",
            hint="Train again: millgrade train insurance --policies FILE --claims FILE",
        )
    return actuary_pack.document(registry.plain_card(artefact), figures, language, dated=now)
