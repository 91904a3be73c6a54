"""From an insurer's own tables to a model of claims, judged on groups that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from scoring.cards import Estimate, installed_libraries, statement_of
from scoring.errors import NotEnoughEvents
from scoring.experience import actual_to_expected
from scoring.insurance.claims_model import (
    BandTold,
    ClaimsArtefact,
    ClaimsCard,
    ClaimsMetrics,
    TailTold,
    claims_artefact,
)
from scoring.insurance.linear import LinearPredictor
from scoring.table.encoding import encoded, fit_features
from scoring.training.claims.book import ClaimsBook
from scoring.training.claims.diagnostics import BandFigures, by_decile, by_factor, gini, paired_gain
from scoring.training.claims.distil import distilled
from scoring.training.claims.frequency import FittedFrequency, fit_frequency
from scoring.training.claims.glm import fit_negative_binomial
from scoring.training.claims.sample import ClaimsSample
from scoring.training.claims.severity import FEWEST_CLAIMS, FittedSeverity, fit_severity
from scoring.training.claims.tweedie import fit_tweedie
from scoring.training.features import fold_of
from scoring.training.metrics import poisson_deviance

TEST_FOLDS = 4
"""A quarter of the groups is held back for the test."""

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsTraining:
    """How a book is learnt from: signs of columns (+1: more is riskier), its origin, exposure's unit, and the seed."""

    signs: Mapping[str, int]
    data_origin: DataOrigin
    exposure_unit: str
    seed: int


def train_claims(book: ClaimsBook, how: ClaimsTraining, *, parameters: ParameterBook, as_of: date) -> ClaimsArtefact:
    """The model fitted on all groups but those of the test, which its metrics are of.

    The same book, seed and libraries give the same artefact. Raises NotEnoughEvents, TableInvalid.
    """
    settings = parameters.at(as_of)["claims_model"]
    held = fold_of(book.groups, TEST_FOLDS, seed=how.seed) == 0
    _check_events(book, held, minimum=settings["minimum_claims"])
    features = fit_features(book.factors[~held], how.signs)
    rows = encoded(book.factors, features)
    whole = ClaimsSample(rows=rows, exposure=book.exposure, counts=book.counts, groups=book.groups, features=features)
    train, test = whole.part(~held), whole.part(held)
    model = fit_frequency(train, settings=settings, seed=how.seed)
    bandings = [factor.banding for factor in model.linear.factors]
    severity = _severity(book, rows, ~held, features, settings)
    spread = fit_negative_binomial(train.rows, train.counts, train.exposure, bandings)
    costs = (book.costs[~held], book.costs[held])
    challenger = _challenger(train, test, costs, settings, seed=how.seed)
    mean = float(book.amounts[~held[book.claim_policy]].mean())
    pure = [_pure(model, severity, mean, side.rows) for side in (train, test)]
    table = distilled(train.rows, pure[0], train.exposure, bandings, features)
    card = ClaimsCard(
        data_origin=how.data_origin,
        statement=statement_of(how.data_origin),
        policies_sha256=book.policies_sha256,
        claims_sha256=book.claims_sha256,
        currency=book.currency,
        exposure_unit=how.exposure_unit,
        policies=len(rows),
        exposure=float(book.exposure.sum()),
        claims=int(book.counts.sum()),
        amount=float(book.costs.sum()),
        rules=book.rules,
        features=features,
        linear=model.linear,
        balance=model.balance,
        severity=None if severity is None else severity.linear,
        mean_severity=mean,
        table=table,
        tail=None if severity is None else _tail(severity),
        dispersion=spread.dispersion,
        depth=model.growth.depth,
        leaf_weight=model.growth.leaf,
        rounds=model.rounds,
        metrics=_metrics(
            model, train, test, challenger=challenger, table=table, pure=pure[1], dispersion=spread.dispersion
        ),
        hyperparameters={name: value for name, value in settings.items() if isinstance(value, int | float)},
        seed=how.seed,
        libraries=installed_libraries(),
        parameters_version=parameters.version,
    )
    return claims_artefact([model.member], card)


def _check_events(book: ClaimsBook, held: Mask, *, minimum: int) -> None:
    claims = int(book.counts[~held].sum())
    if claims < minimum or not book.counts[held].sum():
        raise NotEnoughEvents(
            f"The book has {int(book.counts.sum())} paid claims, {claims} of them to fit on; it needs {minimum}.",
            hint="Bring more policies, or a longer history.",
        )


def _severity(
    book: ClaimsBook, rows: NDArray[np.float64], fitted: Mask, features: Any, settings: Mapping[str, Any]
) -> FittedSeverity | None:
    """The severity of the training claims, or None where they are too few for a tail."""
    used = fitted[book.claim_policy]
    if used.sum() < FEWEST_CLAIMS or used.sum() * (1 - min(settings["tail_quantiles"])) < FEWEST_CLAIMS:
        return None
    return fit_severity(
        rows[book.claim_policy[used]],
        book.amounts[used],
        features,
        bands=settings["bands"],
        tail_quantiles=settings["tail_quantiles"],
    )


def _tail(severity: FittedSeverity) -> TailTold:
    tail = severity.tail
    return TailTold(
        threshold=tail.threshold,
        shape=tail.shape,
        scale=tail.scale,
        excesses=tail.excesses,
        losses=tail.losses,
        large_loss_share=severity.large_loss_share,
    )


def _challenger(
    train: ClaimsSample, test: ClaimsSample, costs: tuple[Vector, Vector], settings: Mapping[str, Any], *, seed: int
) -> float | None:
    """How well the Tweedie model orders the test's claim counts (the frequency model's Gini stands beside it); `costs`
    are those of both sides."""
    if not costs[1].sum() > 0:
        return None
    found = fit_tweedie(train, costs[0], settings=settings, seed=seed)
    return gini(found.costs(test.rows), test.counts, test.exposure)


def _pure(model: FittedFrequency, severity: FittedSeverity | None, mean: float, rows: NDArray[np.float64]) -> Vector:
    """The model's pure premium a unit of exposure of encoded rows."""
    return np.asarray(np.exp(model.logs(rows)) * (mean if severity is None else severity.means(rows)))


def _metrics(
    model: FittedFrequency,
    train: ClaimsSample,
    test: ClaimsSample,
    *,
    challenger: float | None,
    table: LinearPredictor,
    pure: Vector,
    dispersion: float,
) -> ClaimsMetrics:
    rate = np.log(train.counts.sum() / train.exposure.sum())
    by_glm, logs = model.linear.logs(test.rows), model.logs(test.rows)
    expected, rival, constant = (test.exposure * np.exp(said) for said in (logs, by_glm, np.full(len(logs), rate)))
    gain = paired_gain(test.counts, expected, rival)
    fitted = train.exposure * np.exp(model.logs(train.rows))
    filed = np.exp(table.logs(test.rows))
    return ClaimsMetrics(
        deviance_of_constant=poisson_deviance(test.counts, constant, exposure=test.exposure),
        deviance_of_glm=poisson_deviance(test.counts, rival, exposure=test.exposure),
        deviance=poisson_deviance(test.counts, expected, exposure=test.exposure),
        gain_over_glm=Estimate(value=100 * gain.value, lower=100 * gain.lower, upper=100 * gain.upper),
        actual_to_expected_train=float(train.counts.sum() / fitted.sum()),
        actual_to_expected_test=actual_to_expected(int(test.counts.sum()), float(expected.sum())),
        gini=gini(logs, test.counts, test.exposure),
        gini_of_challenger=challenger,
        gini_of_table=gini(filed, test.counts, test.exposure),
        table_difference=float(test.exposure @ np.abs(filed - pure) / (test.exposure @ pure)),
        deciles=_told(by_decile(logs, test.counts, test.exposure, dispersion=dispersion)),
        factors={
            factor.banding.key: _told(
                by_factor(factor.banding, test.rows[:, at], logs, test.counts, test.exposure, dispersion=dispersion)
            )
            for at, factor in enumerate(model.linear.factors)
        },
    )


def _told(bands: tuple[BandFigures, ...]) -> tuple[BandTold, ...]:
    return tuple(
        BandTold(
            name=band.name,
            exposure=band.exposure,
            claims=band.claims,
            expected=band.expected,
            ratio=band.ratio,
            clustered=band.clustered,
        )
        for band in bands
        if band.expected > 0
    )
