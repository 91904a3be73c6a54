"""Training the probability of default: a bag of monotone trees, calibrated and tested on later months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.as_of import CreditTrainingSet
from features.bounded import is_bounded
from features.catalogue import CATALOGUE, catalogue_version
from features.labels import Lives
from features.machine_types import MachineTypes
from scoring.boosters import Ensemble, ensemble, mean_of_members, to_bytes, training_matrix
from scoring.cards import DataCut, ModelFeature, ReferenceGroup, Slice, installed_libraries, statement_of, within_reach
from scoring.credit.artefact import CreditArtefact, credit_artefact
from scoring.credit.calibration import PdScale, fit_calibrator
from scoring.credit.card import CalibratorCard, CreditCard, CreditMetrics, HazardCard, Widened
from scoring.credit.master_scale import master_scale
from scoring.errors import NotEnoughEvents
from scoring.explanation.compiled import explainer_of, interventional_of
from scoring.explanation.reference import reference_digest
from scoring.explanation.shapley import ReferenceCounts
from scoring.training.familiarity import fit_familiarity
from scoring.training.features import credit_sign, input_columns, model_features, with_medians
from scoring.training.grades import grade_figures
from scoring.training.hazard import fit_hazard_shape
from scoring.training.interval import interval_widening, standing_values
from scoring.training.metrics import credit_metrics
from scoring.training.reference import Peers, choose_peers
from scoring.training.rounds import best_rounds, folds_in_time, growth_parameters
from scoring.training.split import TimeSplit, rows_at, whole_months

EMBARGO_MONTHS = 12

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows of one slice: values (n, k), outcomes (n), obligors (n), observation times (n), and lives, industries and
    types of machines where known."""

    values: Matrix
    defaulted: Mask
    obligor_ids: tuple[str, ...]
    as_of: NDArray[np.datetime64]
    lives: Lives | None
    divisions: tuple[str | None, ...] | None
    machine_types: tuple[MachineTypes | None, ...] | None

    def card(self, as_ofs: Sequence[datetime]) -> Slice:
        """The slice as a model's card tells it."""
        return Slice(
            as_ofs=tuple(as_ofs),
            rows=len(self.values),
            obligors=len(set(self.obligor_ids)),
            events=int(self.defaulted.sum()),
        )

    @property
    def struck(self) -> int:
        """How many obligors defaulted."""
        return len({obligor for obligor, hit in zip(self.obligor_ids, self.defaulted, strict=True) if hit})

    def matrix(self, chosen: Mask, *, weights: Matrix | None = None) -> Any:
        """The chosen rows for xgboost."""
        return training_matrix(self.values[chosen], self.defaulted[chosen].astype(np.float64), weights=weights)


def train_credit(
    data: CreditTrainingSet,
    *,
    split: TimeSplit,
    parameters: ParameterBook,
    seed: int,
    data_origin: DataOrigin = DataOrigin.SYNTHETIC,
    data_cut: DataCut | None = None,
) -> CreditArtefact:
    """Fit on the split's first slice, calibrate on the second, test on the third; the same data and seed give the same
    artefact on the same library versions.

    `data_origin` is synthetic unless the caller vouches for real outcomes: a synthetic model never serves live.
    Raises EmbargoViolated where outcome windows overlap and NotEnoughEvents where a slice has too few defaults.
    """
    split.check_embargo(EMBARGO_MONTHS)
    values = parameters.at(split.test[-1])
    settings = values["credit_model"]
    columns = _inputs(data, split, values)
    observed = [_rows(data, columns, as_ofs) for as_ofs in (split.train, split.calibrate, split.test)]
    _check_events(*observed, minimum=settings["minimum_defaults"])
    features = model_features(
        [data.names[column] for column in columns],
        observed[0].values,
        sign=credit_sign,
        adverse_percentile=settings["adverse_percentile"],
    )
    train, calibrate, test = (replace(rows, values=within_reach(rows.values, features)) for rows in observed)
    rounds = _rounds(train, features, settings, seed=seed)
    members = [_member(train, features, settings, rounds=rounds, seed=seed + i) for i in range(settings["members"])]
    bag = ensemble(members)
    scale = _pd_scale(bag, calibrate, values)
    peers = _peers(bag, calibrate, scale, values)
    reference = explainer_of(bag.members).count(calibrate.values[peers.rows])
    card = CreditCard(
        data_origin=data_origin,
        statement=statement_of(data_origin),
        features=with_medians(features, calibrate.values[peers.rows]),
        calibrator=CalibratorCard(**asdict(scale.calibrator)),
        reference_rate=scale.reference_rate,
        interval_percentiles=tuple(settings["interval_percentiles"]),
        interval_widening=interval_widening(calibrate.struck, settings),
        widened=Widened.VARIANCES,
        standing=standing_values(bag, train.values, features),
        pd_steps=tuple(step.name for step in scale.steps(0.0)),
        train=train.card(split.train),
        calibrate=calibrate.card(split.calibrate),
        test=test.card(split.test),
        embargo_months=EMBARGO_MONTHS,
        metrics=_test_metrics(bag, test, scale),
        rounds=rounds,
        hyperparameters={name: value for name, value in settings.items() if not isinstance(value, list)},
        seed=seed,
        libraries=installed_libraries(),
        catalogue_version=catalogue_version(),
        parameters_version=parameters.version,
        data_cut=data_cut,
        hazard=_hazard_card(bag, train, scale, until=split.test[0], seed=seed),
        familiarity=fit_familiarity(features, *observed, settings=settings),
        reference=_reference_card(bag, calibrate, scale, peers, reference),
        grades=grade_figures(
            _pd(bag, test.values, scale),
            test.defaulted,
            scale=master_scale(values["master_scale"]),
            settings=values["low_default"],
        ),
    )
    return credit_artefact(members, card, reference=reference)


def _inputs(data: CreditTrainingSet, split: TimeSplit, values: Mapping[str, Any]) -> list[int]:
    """Columns that the model reads: bounded features, and those that parameter `credit_model_inputs` names."""
    trained = rows_at(data.as_of, data.obligor_ids, split.train)
    return [
        column
        for column in input_columns(data.names, data.values[trained], credit_sign)
        if is_bounded(CATALOGUE[data.names[column]])
        or CATALOGUE[data.names[column]].name in values["credit_model_inputs"]
    ]


def _rows(data: CreditTrainingSet, columns: Sequence[int], as_ofs: Sequence[datetime]) -> _Rows:
    chosen, told = rows_at(data.as_of, data.obligor_ids, as_ofs), data.industry_divisions
    types = data.machine_types
    return _Rows(
        values=np.ascontiguousarray(data.values[np.ix_(chosen, np.array(columns))]),
        defaulted=data.defaulted[chosen],
        obligor_ids=tuple(data.obligor_ids[row] for row in chosen),
        as_of=data.as_of[chosen],
        lives=None if data.lives is None else data.lives.at(chosen),
        divisions=None if told is None else tuple(told[row] for row in chosen),
        machine_types=None if types is None else tuple(types[row] for row in chosen),
    )


def _check_events(train: _Rows, calibrate: _Rows, test: _Rows, *, minimum: int) -> None:
    for name, rows, needed in (("train", train, minimum), ("calibrate", calibrate, minimum), ("test", test, 0)):
        defaults, count = int(rows.defaulted.sum()), len(rows.defaulted)
        if count == 0 or defaults < needed or (needed and defaults == count):
            raise NotEnoughEvents(
                f"Slice {name} has {defaults} defaults among {count} rows; it needs {needed}, and rows without.",
                hint="Bring more obligors or a longer history.",
            )


def _rounds(train: _Rows, features: Sequence[ModelFeature], settings: Mapping[str, Any], *, seed: int) -> int:
    folds = folds_in_time(train.as_of, train.obligor_ids, folds=settings["folds"], seed=seed)
    matrices = [(train.matrix(grown), train.matrix(judged)) for grown, judged in folds if grown.any() and judged.any()]
    return best_rounds(_growth(train, features, settings, seed=seed), matrices, settings)


def _member(
    train: _Rows, features: Sequence[ModelFeature], settings: Mapping[str, Any], *, rounds: int, seed: int
) -> bytes:
    """One member, grown on obligors drawn with replacement: all months of an obligor count as often as it was drawn."""
    weights = drawn_obligors(train.obligor_ids, seed=seed)
    drawn = weights > 0
    matrix = train.matrix(drawn, weights=weights[drawn])
    return to_bytes(xgb.train(_growth(train, features, settings, seed=seed), matrix, num_boost_round=rounds))


def drawn_obligors(obligor_ids: Sequence[str] | NDArray[np.str_], *, seed: int) -> Matrix:
    """How often the obligor of each training row (n) was drawn for the member of that seed."""
    obligors, position = np.unique(np.array(obligor_ids), return_inverse=True)
    draws = np.random.default_rng(seed).integers(len(obligors), size=len(obligors))
    return np.bincount(draws, minlength=len(obligors))[position].astype(np.float64)


def _out_of_bag(bag: Ensemble, train: _Rows, *, seed: int) -> Matrix:
    """Mean margin of each training row (n) by the members that did not draw its obligor; NaN where all of them did."""
    drawn = [drawn_obligors(train.obligor_ids, seed=seed + index) for index in range(len(bag.members))]
    unseen = np.array(drawn) == 0
    total = np.where(unseen, bag.margins(train.values), 0.0).sum(axis=0)
    count = unseen.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))


def _hazard_card(bag: Ensemble, train: _Rows, scale: PdScale, *, until: datetime, seed: int) -> HazardCard | None:
    """When the training obligors defaulted, as far as it was known when the test months began."""
    if train.lives is None:
        return None
    margins = _out_of_bag(bag, train, seed=seed)
    known = {stamp: whole_months(stamp.replace(tzinfo=UTC), until) for stamp in set(train.as_of.tolist())}
    lives = train.lives.within(np.array([known[stamp] for stamp in train.as_of.tolist()]))
    told = np.flatnonzero(~np.isnan(margins) & (lives.months > 0))
    followed = lives.at(told)
    log_odds = np.array([scale.calibrator.log_odds(float(margin)) for margin in margins[told]])
    shape = fit_hazard_shape(log_odds, followed)
    return HazardCard(
        **asdict(shape), months_at_risk=int(followed.months.sum()), defaults=int(followed.defaulted.sum())
    )


def _growth(
    train: _Rows, features: Sequence[ModelFeature], settings: Mapping[str, Any], *, seed: int
) -> dict[str, Any]:
    rate = float(train.defaulted.mean())
    return growth_parameters(features, settings, objective="binary:logistic", base_score=rate, seed=seed)


def _pd_scale(bag: Ensemble, calibrate: _Rows, values: Mapping[str, Any]) -> PdScale:
    calibrator = fit_calibrator(
        mean_of_members(list(bag.margins(calibrate.values))),
        calibrate.defaulted,
        platt_below_defaults=values["credit_model"]["platt_below_defaults"],
        isotonic_above_defaults=values["credit_model"]["isotonic_above_defaults"],
    )
    return PdScale(
        calibrator=calibrator,
        reference_rate=float(calibrate.defaulted.mean()),
        central_tendency=values["central_tendency"],
        floor=values["pd_floor"],
    )


def _peers(bag: Ensemble, calibrate: _Rows, scale: PdScale, values: Mapping[str, Any]) -> Peers:
    bounds = master_scale(values["master_scale"]).upper_bounds
    return choose_peers(
        _pd(bag, calibrate.values, scale),
        obligor_ids=calibrate.obligor_ids,
        as_of=calibrate.as_of,
        approved_to=bounds[values["grade_cut_offs"]["approve_to"]],
        settings=values["reference_group"],
    )


def _reference_card(
    bag: Ensemble, calibrate: _Rows, scale: PdScale, peers: Peers, reference: ReferenceCounts
) -> ReferenceGroup:
    pd = _pd(bag, calibrate.values[peers.rows], scale)
    return ReferenceGroup(
        selection=peers.selection.value,
        members=reference.members,
        lowest_pd=float(pd.min()),
        highest_pd=float(pd.max()),
        base_log_odds=interventional_of(bag.members, reference).base,
        sha256=reference_digest(reference),
    )


def _test_metrics(bag: Ensemble, test: _Rows, scale: PdScale) -> CreditMetrics:
    return credit_metrics(_pd(bag, test.values, scale), test.defaulted)


def _pd(bag: Ensemble, rows: Matrix, scale: PdScale) -> Matrix:
    return np.array([scale.pd_12m(float(margin)) for margin in mean_of_members(list(bag.margins(rows)))])
