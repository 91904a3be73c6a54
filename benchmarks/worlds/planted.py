"""The ten traps planted one by one, and what the detector that `scoring.training.leakage.CHECKS` names says to each."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from api.snapshots.service import reader
from benchmarks.worlds.built import (
    CALIBRATE,
    END,
    SAME_SEASON,
    TEST,
    TRAIN,
    BuiltWorld,
    built,
    default_times,
    known_by,
    month_end,
    offered_features,
    split,
    training_table,
)
from benchmarks.worlds.compared import fitted, margins
from data_contracts.contract import RecordKind
from data_contracts.reference.calendars import add_months
from features.as_of import CreditTrainingSet
from features.catalogue import CATALOGUE
from scoring.credit.artefact import CreditArtefact
from scoring.credit.card import CalibratorCard
from scoring.training import leakage
from scoring.training.features import fold_of
from scoring.training.leakage import CHECKS, Detector, Finding, TrainingTable

SEED = 20260701
OBLIGORS = 400
MACHINES = 1.5
"""Of a leak world whose trap lies in the data."""
COMPARED = 40
AROUND_DEFAULT = range(6, 36)
"""Months at which a careless builder keeps obligors that are already in default."""
KEPT_DAYS = 183
BINS = 10
SHARE = 0.05
TRAIN_BEFORE = month_end(max(TRAIN) + 1)

Matrix = NDArray[np.float64]
MICROSECOND = np.timedelta64(1, "us")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A base world, what the pipeline makes of it, its own model, and the seed."""

    world: BuiltWorld
    data: CreditTrainingSet
    table: TrainingTable
    model: CreditArtefact
    seed: int


def evidence_of(world: BuiltWorld, data: CreditTrainingSet, model: CreditArtefact, *, seed: int) -> Evidence:
    """The evidence of a training set over all slices and a month of the test's season."""
    return Evidence(world=world, data=data, table=training_table(world, data), model=model, seed=seed)


ALL_MONTHS = tuple(sorted({*TRAIN, SAME_SEASON, *CALIBRATE, *TEST}))


def clean_findings(base: Evidence) -> dict[Detector, list[Finding]]:
    """What every detector says to the pipeline's own table of a world in which nothing was planted.

    `CODE_ALONE` are those that chance cannot make fire here: only a fault of the pipeline's code can.
    """
    table = base.table
    return {
        Detector.SINGLE_FEATURE: leakage.single_feature_auc(table),
        Detector.EVENT_STUDY: leakage.event_study(table),
        Detector.ADVERSARIAL: _drift(table),
        Detector.DUPLICATES: leakage.duplicates(table),
        Detector.GROUP_OVERLAP: leakage.group_overlap(table.obligor_ids, fold_of(table.obligor_ids, 4, seed=SEED)),
        Detector.OWNERSHIP_OVERLAP: _ownership(base.world),
        Detector.ENCODER_OUTSIDE_FOLD: _fitted_without_the_test(base),
        Detector.AS_KNOWN_THEN: _against_what_was_known(base.world, hindsight=False),
        Detector.UNDECLARED_COLUMN: leakage.undeclared_columns(table.names, declared=CATALOGUE),
    }


CODE_ALONE = (Detector.GROUP_OVERLAP, Detector.ENCODER_OUTSIDE_FOLD, Detector.UNDECLARED_COLUMN)
"""Every obligor of base is its own group; nobody may fit on test rows; nothing but the catalogue makes columns."""


def _fitted_without_the_test(base: Evidence) -> list[Finding]:
    """The pipeline's own model and calibrator beside those that it fits when nothing is true of the test rows: all that
    is fitted (bins, splits, adverse values, calibration) must be the same."""
    data, drawn = base.data, np.random.default_rng(SEED)
    test = np.flatnonzero(np.isin(data.as_of, [_stamp(month_end(month)) for month in TEST]))
    values, defaulted = data.values.copy(), data.defaulted.copy()
    values[test] = values[drawn.permutation(test)][:, ::-1]
    defaulted[test] = defaulted[drawn.permutation(test)]
    again = fitted(replace(data, values=values, defaulted=defaulted), split())
    known = data.as_of < _stamp(TRAIN_BEFORE)
    said = [_said(model, data)[known] for model in (base.model, again)]
    return leakage.encoder_outside_fold(*said, ["margin", *CalibratorCard.model_fields])


def _said(model: CreditArtefact, data: CreditTrainingSet) -> Matrix:
    """By row: what the model says of it, and the numbers of its calibrator."""
    numbers = [_number(value) for value in model.card.calibrator.model_dump().values()]
    return np.column_stack([margins(model, data), np.tile(numbers, (len(data.as_of), 1))])


def _number(value: object) -> float:
    """A number of a card; words and lists by their hash, which is all that a comparison needs."""
    return float(value) if isinstance(value, int | float) else float(zlib.crc32(repr(value).encode()))


def _drift(table: TrainingTable) -> list[Finding]:
    """The test month against the same month a year before."""
    earlier, later = (_stamp(month_end(month)) for month in (SAME_SEASON, *TEST))
    return leakage.drift(table, earlier=earlier, later=later, declared=CATALOGUE)


def caught(trap: str, base: Evidence) -> list[Finding]:
    """Plant the trap; the findings of the detector that must catch it."""
    findings = PLANTS[trap](base)
    return [finding for finding in findings if finding.detector is CHECKS[trap]]


def _post_default_telemetry(base: Evidence) -> list[Finding]:
    """Obligors stay in the table for half a year after their default, and count as defaulted."""
    parts = [_with_defaulted(base.world, month_end(month)) for month in AROUND_DEFAULT]
    table = TrainingTable(
        obligor_ids=[obligor for part in parts for obligor in part.obligor_ids],
        as_of=np.concatenate([part.as_of for part in parts]),
        names=base.table.names,
        values=np.concatenate([part.values for part in parts]),
        defaulted=np.concatenate([part.defaulted for part in parts]),
        default_times=np.concatenate([part.default_times for part in parts]),
    )
    return [*leakage.event_study(table), *leakage.single_feature_auc(table)]


def _with_defaulted(world: BuiltWorld, as_of: datetime) -> TrainingTable:
    units, values = offered_features(world.home, as_of)
    times, stamp = default_times(world, units), _stamp(as_of)
    kept = np.isnat(times) | (times > stamp - np.timedelta64(KEPT_DAYS, "D"))
    kept &= ~np.isnan(values).all(axis=1)
    return TrainingTable(
        obligor_ids=[units[row] for row in np.flatnonzero(kept)],
        as_of=np.full(int(kept.sum()), stamp),
        names=tuple(CATALOGUE),
        values=values[kept],
        defaulted=(times <= _stamp(add_months(as_of, 12)))[kept],
        default_times=times[kept],
    )


def _device_removed(base: Evidence) -> list[Finding]:
    """The register says after a default that the devices had been gone before it; the builder reads it with hindsight."""
    with built("leak/device_removed", seed=base.seed, obligors=OBLIGORS, machines_per_obligor=MACHINES) as world:
        return _against_what_was_known(world, hindsight=True)


def _backfilled_telemetry(base: Evidence) -> list[Finding]:
    """Reports come in weeks late; the builder goes by the days they are about."""
    with built("leak/backfilled_telemetry", seed=base.seed, obligors=OBLIGORS, machines_per_obligor=MACHINES) as world:
        return _against_what_was_known(world, hindsight=True)


def _against_what_was_known(world: BuiltWorld, *, hindsight: bool) -> list[Finding]:
    """Offered features of some obligors, those near default first, beside those of a home that never saw the rest."""
    as_of = month_end(CALIBRATE[-1])
    units, offered = offered_features(world.home, as_of, hindsight=hindsight)
    away = default_times(world, units) - _stamp(as_of)
    soon = np.where(away > 0 * MICROSECOND, away / MICROSECOND, np.inf)
    chosen = np.sort(np.argsort(soon, kind="stable")[:COMPARED])
    wanted = [units[row] for row in chosen]
    with known_by(world, as_of, wanted) as home:
        found, values = offered_features(home, as_of)
    at = {unit: row for row, unit in enumerate(found)}
    nothing = np.full(offered.shape[1], np.nan)
    recomputed = np.array([values[at[unit]] if unit in at else nothing for unit in wanted])
    return leakage.as_known_then(offered[chosen], recomputed, tuple(CATALOGUE))


def _future_peers(base: Evidence) -> list[Finding]:
    """A percentile among peers is taken over the whole sample, later months included."""
    rate, as_of = _rates(base.table), base.table.as_of
    whole = _percentile(rate, rate)
    then = np.empty_like(whole)
    for instant in np.unique(as_of):
        here = as_of == instant
        then[here] = _percentile(rate[here], rate[as_of <= instant])
    return leakage.as_known_then(whole[:, None], then[:, None], ["operating_rate_percentile"])


def _encoder_outside_fold(base: Evidence) -> list[Finding]:
    """The default rate of each bin of the operating rate is fitted on all rows, those of the test among them."""
    table = base.table
    is_train = table.as_of < _stamp(TRAIN_BEFORE)
    both = [_encoded(table, on) for on in (np.ones_like(is_train), is_train)]
    return leakage.encoder_outside_fold(*(column[:, None] for column in both), ["operating_rate_encoded"])


def _encoded(table: TrainingTable, on: NDArray[np.bool_]) -> Matrix:
    rate = _rates(table)
    edges = np.nanquantile(rate[on], np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, rate)
    shares = np.array([table.defaulted[on & (bins == bin_)].mean() for bin_ in range(BINS)])
    return shares[bins]


def _policy_terms(base: Evidence) -> list[Finding]:
    """The rate that an earlier score set and the amount charged off stand among the features."""
    table = base.table
    noise = np.random.default_rng(SEED).normal(size=len(table.defaulted))
    rate = 0.08 + 0.02 * table.defaulted + 0.01 * noise
    charged_off = table.defaulted * np.exp(12 + noise)
    planted = replace(
        table,
        names=(*table.names, "annual_rate_ratio", "charged_off_minor"),
        values=np.column_stack([table.values, rate, charged_off]),
    )
    return [*leakage.undeclared_columns(planted.names, declared=CATALOGUE), *leakage.single_feature_auc(planted)]


def _machine_at_two_obligors(base: Evidence) -> list[Finding]:
    """Some machines are leased to a second obligor while the first still owns them."""
    trap = "leak/machine_at_two_obligors"
    with built(trap, seed=base.seed, obligors=OBLIGORS, machines_per_obligor=MACHINES) as world:
        return _ownership(world)


def _ownership(world: BuiltWorld) -> list[Finding]:
    names = ["serial", "obligor_id", "event_time", "owned_until"]
    with world.home.engine.connect() as connection:
        rows = reader(connection, world.home).rows(RecordKind.MACHINE_OWNERSHIP, as_of=END, columns=names)
    return leakage.ownership_overlap(
        rows["serial"].to_pylist(),
        rows["obligor_id"].to_pylist(),
        rows["event_time"].to_numpy().astype("datetime64[us]"),
        rows["owned_until"].to_numpy().astype("datetime64[us]"),
    )


def _group_members(base: Evidence) -> list[Finding]:
    """Some obligors are two companies of one owner: every other row belongs to the sister, which has a fold of its own."""
    drawn = np.random.default_rng(SEED)
    groups = list(base.table.obligor_ids)
    owners = {obligor for obligor in sorted(set(groups)) if drawn.random() < SHARE}
    ids = [f"{group}-2" if row % 2 and group in owners else group for row, group in enumerate(groups)]
    return leakage.group_overlap(groups, fold_of(ids, 4, seed=SEED))


def _duplicate_rows(base: Evidence) -> list[Finding]:
    """A twentieth of the rows stand in the table twice, under another number."""
    table = base.table
    again = np.flatnonzero(np.random.default_rng(SEED).random(len(table.as_of)) < SHARE)
    rows = np.concatenate([np.arange(len(table.as_of)), again])
    planted = replace(
        table,
        obligor_ids=[*table.obligor_ids, *(f"{table.obligor_ids[row]}-2" for row in again)],
        as_of=table.as_of[rows],
        values=table.values[rows],
        defaulted=table.defaulted[rows],
        default_times=table.default_times[rows],
    )
    return leakage.duplicates(planted)


def _revised_macro(base: Evidence) -> list[Finding]:
    """An index of all obligors' operating rate enters as it was revised, with later months in it, not as first told."""
    rate, as_of = _rates(base.table), base.table.as_of
    instants = np.unique(as_of)
    first = np.array([np.nanmean(rate[as_of == instant]) for instant in instants])
    revised = np.convolve(np.pad(first, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    position = np.searchsorted(instants, as_of)
    return leakage.as_known_then(revised[position][:, None], first[position][:, None], ["operating_rate_index"])


PLANTS: Mapping[str, Callable[[Evidence], list[Finding]]] = MappingProxyType(
    {
        "post_default_telemetry": _post_default_telemetry,
        "device_removed": _device_removed,
        "backfilled_telemetry": _backfilled_telemetry,
        "future_peers": _future_peers,
        "encoder_outside_fold": _encoder_outside_fold,
        "policy_terms": _policy_terms,
        "machine_at_two_obligors": _machine_at_two_obligors,
        "group_members": _group_members,
        "duplicate_rows": _duplicate_rows,
        "revised_macro": _revised_macro,
    }
)


def _rates(table: TrainingTable) -> Matrix:
    return table.values[:, list(table.names).index("operating_rate_90d")]


def _percentile(values: Matrix, among: Matrix) -> Matrix:
    known = np.sort(among[~np.isnan(among)])
    return np.where(np.isnan(values), np.nan, np.searchsorted(known, values, side="right") / max(len(known), 1))


def _stamp(instant: datetime) -> np.datetime64:
    return np.datetime64(instant.replace(tzinfo=None), "us")


def described(findings: Sequence[Finding]) -> str:
    """The first finding in a few words."""
    if not findings:
        return "nothing"
    first = findings[0]
    return f"{len(findings)} finding(s), first: {first.subject} {first.value:.3g} (limit {first.limit:g})"
