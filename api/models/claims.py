"""Training on an insurer's own policies and claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from api.home import Home
from api.models.service import SEED, keep_artefact, scoring_parameters
from data_contracts.vocabulary import DataOrigin
from scoring import registry
from scoring.training.claims.book import ClaimsQuestion, read_book
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
    return keep_artefact(home, train_claims(book, how, parameters=scoring_parameters(), as_of=now.date()))
