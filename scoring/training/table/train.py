"""Training on any table: the ladder over folds, what looks like a leak, and a model fitted on all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from scoring.cards import ReferenceGroup, installed_libraries, statement_of
from scoring.credit.calibration import logit
from scoring.credit.card import CalibratorCard
from scoring.credit.master_scale import master_scale
from scoring.explanation.compiled import explainer_of, interventional_of
from scoring.explanation.reference import reference_digest
from scoring.explanation.shapley import ReferenceCounts
from scoring.table.artefact import TableArtefact, table_artefact
from scoring.table.card import FoldFigures, RungFigures, SuspectedLeak, TableCard, TableFeature
from scoring.table.encoding import encoded, fit_features
from scoring.training.leakage import TrainingTable, duplicates, single_feature_auc
from scoring.training.metrics import area_under_curve, area_within, calibration_slope
from scoring.training.reference import Peers, choose_peers
from scoring.training.table.bag import FittedBag, Sample, fit_bag
from scoring.training.table.familiarity import fit_table_familiarity
from scoring.training.table.folds import Fold, folds_of
from scoring.training.table.ladder import rungs_of, samples_of
from scoring.training.table.reading import Table

EMBARGO_MONTHS = 12
MODEL = "model"
NEVER_CERTAIN = 1e-6

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTraining:
    """How a table is to be learnt from. `population_rate` is the outcome's rate in the population where the table was
    sampled by outcome; None where it was not. `families` say which columns belong together, where any do."""

    names: Mapping[str, str | None]
    excluded: tuple[str, ...]
    signs: Mapping[str, int]
    folds: int
    population_rate: float | None
    data_origin: DataOrigin
    seed: int
    embargo_months: int = EMBARGO_MONTHS
    families: Mapping[str, str] = field(default_factory=dict)


def train_table(table: Table, how: TableTraining, *, parameters: ParameterBook, as_of: date) -> TableArtefact:
    """The artefact of a table, its card with the ladder over folds. Parameters are those in force at `as_of`.

    The same table, seed and libraries give the same artefact. Raises NotEnoughEvents, TableInvalid.
    """
    values = parameters.at(as_of)
    settings = values["table_model"]
    figures = measured(table, how, settings=settings)
    features = fit_features(table.frame, how.signs)
    rows = encoded(table.frame, features)
    sample = Sample(rows=rows, outcome=table.outcome, groups=table.groups, features=features, times=table.times)
    fitted = fit_bag(sample, settings=settings, seed=how.seed)
    shift = _shift(table, how)
    peers = _peers(table, fitted, rows, shift, values)
    reference = explainer_of(fitted.bag.members).count(rows[peers.rows])
    card = TableCard(
        data_origin=how.data_origin,
        statement=statement_of(how.data_origin),
        source_sha256=table.sha256,
        outcome=str(how.names["outcome"]),
        time=how.names["time"],
        group=how.names["group"],
        excluded=how.excluded,
        rows=len(rows),
        events=int(table.outcome.sum()),
        groups=len(set(table.groups)),
        features=_with_peers(features, rows[peers.rows]),
        calibrator=CalibratorCard(**asdict(fitted.calibrator)),
        later_slope=fitted.later_slope,
        population_rate=how.population_rate,
        log_odds_shift=shift,
        reference=_reference_card(fitted, rows, shift, peers, reference),
        ladder=figures.ladder,
        folds=figures.folds,
        suspected_leaks=suspected_leaks(table),
        rounds=fitted.rounds,
        hyperparameters={name: value for name, value in settings.items() if not isinstance(value, list)},
        seed=how.seed,
        libraries=installed_libraries(),
        parameters_version=parameters.version,
        familiarity=fit_table_familiarity(
            table.frame,
            rows,
            features,
            groups=table.groups,
            families=how.families,
            settings=settings,
            seed=how.seed,
        ),
    )
    return table_artefact(fitted.bag.members, card, reference=reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Every rung over all folds together, and the model in each fold."""

    ladder: tuple[RungFigures, ...]
    folds: tuple[FoldFigures, ...]


def measured(table: Table, how: TableTraining, *, settings: Mapping[str, Any]) -> Measured:
    """Fit every rung on each fold's one side and test it on the other."""
    folds = folds_of(table, how.folds, embargo_months=how.embargo_months, seed=how.seed)
    rungs, missing = rungs_of(table)
    said: dict[str, list[Matrix]] = {name: [] for name in rungs}
    shift = _shift(table, how)
    for fold in folds:
        train, test = samples_of(table.rows(fold.train), table.rows(fold.test), how.signs)
        for name, rung in rungs.items():
            said[name].append(_shifted(rung(train, test, settings, how.seed), shift))
    outcomes = [table.outcome[fold.test] for fold in folds]
    weights = _weights(table, how)
    ladder = [_rung(name, pds, outcomes, weights) for name, pds in said.items()]
    ladder += [
        RungFigures(rung=name, auc=None, brier=None, log_loss=None, calibration_slope=None, note=note)
        for name, note in missing.items()
    ]
    return Measured(
        ladder=tuple(ladder),
        folds=tuple(_fold(*both) for both in zip(folds, said[MODEL], outcomes, strict=True)),
    )


def suspected_leaks(table: Table) -> tuple[SuspectedLeak, ...]:
    """What the detectors of single rows find: columns that alone tell the outcome, and repeated rows.

    A column whose mere presence or absence tells the outcome is found too (`<column> is missing`).
    """
    rows = encoded(table.frame, fit_features(table.frame, {}))
    names = [str(name) for name in table.frame.columns]
    absent = table.frame.isna().to_numpy()
    some = np.flatnonzero(absent.any(axis=0) & ~absent.all(axis=0))
    asked = TrainingTable(
        obligor_ids=table.groups,
        as_of=np.zeros(len(rows), "datetime64[us]") if table.times is None else table.times,
        names=[*names, *(f"{names[at]} is missing" for at in some)],
        values=np.column_stack([rows, absent[:, some].astype(np.float64)]),
        defaulted=table.outcome,
        default_times=np.full(len(rows), "NaT", "datetime64[us]"),
    )
    return tuple(
        SuspectedLeak(detector=found.detector.value, column=found.subject, value=found.value, limit=found.limit)
        for found in (*single_feature_auc(asked), *duplicates(asked))
    )


def _rung(name: str, pds: Sequence[Matrix], outcomes: Sequence[Mask], weights: tuple[float, float]) -> RungFigures:
    pd, outcome = np.concatenate(pds), np.concatenate(outcomes)
    log_odds = np.log(pd) - np.log1p(-pd)
    weight = np.where(outcome, *weights)
    is_flat = all(np.ptp(said) == 0 for said in pds)
    return RungFigures(
        rung=name,
        auc=area_within(pds, outcomes),
        brier=float(brier_score_loss(outcome, pd, sample_weight=weight)),
        log_loss=float(log_loss(outcome, pd, labels=[False, True], sample_weight=weight)),
        calibration_slope=None if is_flat else calibration_slope(log_odds, outcome),
        note=None,
    )


def _fold(fold: Fold, pd: Matrix, outcome: Mask) -> FoldFigures:
    return FoldFigures(
        tested=fold.tested,
        train_rows=len(fold.train),
        rows=len(fold.test),
        events=int(outcome.sum()),
        auc=area_under_curve(pd, outcome),
    )


def _shift(table: Table, how: TableTraining) -> float:
    """Log-odds added because the table holds another share of events than the population (King and Zeng 2001)."""
    return 0.0 if how.population_rate is None else logit(how.population_rate) - logit(float(table.outcome.mean()))


def _weights(table: Table, how: TableTraining) -> tuple[float, float]:
    """How much an event and another row count, so that together they stand for the population."""
    rate = float(table.outcome.mean())
    wanted = rate if how.population_rate is None else how.population_rate
    return wanted / rate, (1 - wanted) / (1 - rate)


def _shifted(pd: Matrix, shift: float) -> Matrix:
    """Probabilities (none of which is certain: the log-odds of 0 and 1 have no end) moved in log-odds."""
    sane = np.clip(pd, NEVER_CERTAIN, 1 - NEVER_CERTAIN)
    odds = sane / (1 - sane) * np.exp(shift)
    return np.asarray(odds / (1 + odds))


def _peers(table: Table, fitted: FittedBag, rows: Matrix, shift: float, values: Mapping[str, Any]) -> Peers:
    bounds = master_scale(values["master_scale"]).upper_bounds
    return choose_peers(
        _pd(fitted, rows, shift),
        obligor_ids=table.groups,
        as_of=np.zeros(len(rows), "datetime64[us]") if table.times is None else table.times,
        approved_to=bounds[values["grade_cut_offs"]["approve_to"]],
        settings=values["reference_group"],
    )


def _reference_card(
    fitted: FittedBag, rows: Matrix, shift: float, peers: Peers, reference: ReferenceCounts
) -> ReferenceGroup:
    pd = _pd(fitted, rows[peers.rows], shift)
    return ReferenceGroup(
        selection=peers.selection.value,
        members=reference.members,
        lowest_pd=float(pd.min()),
        highest_pd=float(pd.max()),
        base_log_odds=interventional_of(fitted.bag.members, reference).base,
        sha256=reference_digest(reference),
    )


def _pd(fitted: FittedBag, rows: Matrix, shift: float) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-(fitted.log_odds(rows) + shift))))


def _with_peers(features: tuple[TableFeature, ...], peers: Matrix) -> tuple[TableFeature, ...]:
    """The features with the peers' median, or commonest level; None where no peer has a value."""
    return tuple(
        feature.model_copy(update={"peer_value": _peer_value(feature, column[~np.isnan(column)])})
        for feature, column in zip(features, peers.T, strict=True)
    )


def _peer_value(feature: TableFeature, known: Matrix) -> float | str | None:
    if not known.size:
        return None
    if feature.kind == "number":
        return float(np.median(known))
    return feature.levels[int(np.argmax(np.bincount(known.astype(np.int64))))]
