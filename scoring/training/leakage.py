"""Leak detectors: what must be asked of a training table before a model is fitted on it.

Most leaks cannot be seen in a model's figures, which only get better. Each detector below looks for the trace that one
way of leaking leaves; `CHECKS` says which detector must catch which trap. A detector returns findings and decides
nothing: a finding is a reason to look, and none is no proof.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from features.declaration import FeatureDefinition
from scoring.boosters import THREADS, training_matrix
from scoring.training.features import fold_of
from scoring.training.metrics import area_under_curve

SINGLE_FEATURE_AUC = 0.85
ADVERSARIAL_AUC = 0.70
STEP_SD = 0.5
STEP_Z = 4.5
STEP_MONTHS = 3
FOLDS = 3
SEED = 20260701
DAYS_PER_MONTH = 365.25 / 12
SAME = 1e-9
"""Values that differ by less, relatively, are the same."""
LONG_WINDOW_DAYS = 90
OF_ONE_TIME = frozenset({"level", "breakdown", "energy", "consistency", "supply_chain"})
"""Families that say what machines and books were like in the window. The others hold one time against another, or the
firm against its industry: they follow the calendar and the cycle, which tell months apart without any leak."""
FEWEST_VALUES = 8
"""Rows with fewer different known values may be equal by chance: nothing happened in them."""

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Stamps = NDArray[np.datetime64]


class Detector(StrEnum):
    """The detectors, and the checks of structure that need no statistics."""

    SINGLE_FEATURE = "single_feature"
    EVENT_STUDY = "event_study"
    ADVERSARIAL = "adversarial"
    DUPLICATES = "duplicates"
    GROUP_OVERLAP = "group_overlap"
    OWNERSHIP_OVERLAP = "ownership_overlap"
    ENCODER_OUTSIDE_FOLD = "encoder_outside_fold"
    AS_KNOWN_THEN = "as_known_then"
    UNDECLARED_COLUMN = "undeclared_column"


CHECKS: Mapping[str, Detector] = MappingProxyType(
    {
        "post_default_telemetry": Detector.EVENT_STUDY,
        "device_removed": Detector.AS_KNOWN_THEN,
        "backfilled_telemetry": Detector.AS_KNOWN_THEN,
        "future_peers": Detector.AS_KNOWN_THEN,
        "encoder_outside_fold": Detector.ENCODER_OUTSIDE_FOLD,
        "policy_terms": Detector.UNDECLARED_COLUMN,
        "machine_at_two_obligors": Detector.OWNERSHIP_OVERLAP,
        "group_members": Detector.GROUP_OVERLAP,
        "duplicate_rows": Detector.DUPLICATES,
        "revised_macro": Detector.AS_KNOWN_THEN,
    }
)
"""The trap, and the detector that must catch it; others may catch it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTable:
    """Rows on which a model is to be fitted: n obligors at their observation times, k columns (NaN where missing).

    `default_times` (datetime64 in UTC, NaT where none is known) are of the row's obligor, whenever they are.
    """

    obligor_ids: Sequence[str]
    as_of: Stamps
    names: Sequence[str]
    values: Matrix
    defaulted: Mask
    default_times: Stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a detector found: about which column, machine or group, how much, and the limit that it passed."""

    detector: Detector
    subject: str
    value: float
    limit: float


def single_feature_auc(table: TrainingTable) -> list[Finding]:
    """Columns by which alone defaults are told apart too well: AUC of a one-feature tree (8 leaves) above 0.85.

    The tree is fitted on two thirds of the obligors and judged on the others, in turns.
    """
    own = fold_of(table.obligor_ids, FOLDS, seed=SEED)
    areas = {name: _tree_auc(table.values[:, [at]], table.defaulted, own) for at, name in enumerate(table.names)}
    return [
        Finding(detector=Detector.SINGLE_FEATURE, subject=name, value=area, limit=SINGLE_FEATURE_AUC)
        for name, area in areas.items()
        if area > SINGLE_FEATURE_AUC
    ]


def event_study(table: TrainingTable) -> list[Finding]:
    """Columns whose mean path around the default has a step at the default, or in the last month before it.

    Values are in standard deviations of obligors without a default, against their mean at the same observation time.
    A step is the difference of the means over three months on either side beyond what the three months before them
    moved; it is a finding when above half a standard deviation and 4.5 standard errors. Before a default a firm gets
    worse from month to month; what changes all at once is what was known only through the default.
    """
    known = ~np.isnat(table.default_times)
    since = (table.as_of - table.default_times).astype("timedelta64[s]").astype(np.float64)[known]
    month = np.floor(since / (DAYS_PER_MONTH * 86_400)).astype(np.int64)
    findings = []
    for at, name in enumerate(table.names):
        path = _against_others(table.values[:, at], table.as_of, is_other=~known)[known]
        step = max((_step(path, month, first=first) for first in (0, -1)), key=abs)
        if abs(step) > STEP_SD:
            findings.append(Finding(detector=Detector.EVENT_STUDY, subject=name, value=step, limit=STEP_SD))
    return findings


def adversarial_auc(earlier: Matrix, later: Matrix, *, earlier_ids: Sequence[str], later_ids: Sequence[str]) -> float:
    """How well trees tell rows of the training months from rows of the later ones; 0.5 is not at all.

    Judged on obligors that the trees have not seen. Take months of the same season: the calendar is no drift.
    """
    values, labels = np.concatenate([earlier, later]), np.repeat([0.0, 1.0], [len(earlier), len(later)])
    own = fold_of([*earlier_ids, *later_ids], FOLDS, seed=SEED)
    scores = np.zeros(len(labels))
    growth = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "min_child_weight": 10, "nthread": THREADS}
    for fold in range(FOLDS):
        grown = xgb.train(growth, training_matrix(values[own != fold], labels[own != fold]), num_boost_round=60)
        scores[own == fold] = grown.predict(training_matrix(values[own == fold], labels[own == fold]))
    return area_under_curve(scores, labels > 0.5).value


def drift(
    table: TrainingTable,
    *,
    earlier: np.datetime64,
    later: np.datetime64,
    declared: Mapping[str, FeatureDefinition],
) -> list[Finding]:
    """A finding where `adversarial_auc` between the rows of two instants is above 0.7.

    Looks at columns of `OF_ONE_TIME` over windows of 90 days or more (shorter ones tell how many weekends a month had),
    and at columns that nothing declares.
    """
    chosen = [name not in declared or _of_one_time(declared[name]) for name in table.names]
    before, after = table.as_of == earlier, table.as_of == later
    ids = np.array(table.obligor_ids)
    area = adversarial_auc(
        table.values[before][:, chosen],
        table.values[after][:, chosen],
        earlier_ids=ids[before].tolist(),
        later_ids=ids[after].tolist(),
    )
    finding = Finding(detector=Detector.ADVERSARIAL, subject="later months", value=area, limit=ADVERSARIAL_AUC)
    return [finding] if area > ADVERSARIAL_AUC else []


def _of_one_time(definition: FeatureDefinition) -> bool:
    return definition.family in OF_ONE_TIME and definition.window_days >= LONG_WINDOW_DAYS


def duplicates(table: TrainingTable) -> list[Finding]:
    """Rows that stand in the table more than once, under whatever obligor: with equal values in every column."""
    filled = np.nan_to_num(table.values, nan=np.inf)
    eventful = np.array([len(np.unique(row[np.isfinite(row)])) >= FEWEST_VALUES for row in filled], dtype=bool)
    _, counts = np.unique(filled[eventful], axis=0, return_counts=True)
    again = int((counts - 1).sum())
    return [Finding(detector=Detector.DUPLICATES, subject="rows", value=again, limit=0)] if again else []


def group_overlap(groups: Sequence[str], folds: NDArray[np.int64]) -> list[Finding]:
    """Groups (obligors under one control; an obligor alone is its own) that stand in more than one fold."""
    seen: dict[str, set[int]] = {}
    for group, fold in zip(groups, folds.tolist(), strict=True):
        seen.setdefault(group, set()).add(fold)
    return [
        Finding(detector=Detector.GROUP_OVERLAP, subject=group, value=len(places), limit=1)
        for group, places in sorted(seen.items())
        if len(places) > 1
    ]


def ownership_overlap(
    serials: Sequence[str], obligor_ids: Sequence[str], owned_from: Stamps, owned_until: Stamps
) -> list[Finding]:
    """Serial numbers that two obligors own at once. `owned_until` is NaT while it lasts."""
    starts, ends = (times.astype("datetime64[us]").astype(np.int64) for times in (owned_from, owned_until))
    ends[np.isnat(owned_until)] = np.iinfo(np.int64).max
    earlier: dict[str, list[tuple[int, str]]] = {}
    owners: dict[str, set[str]] = {}
    for row in np.argsort(starts, kind="stable"):
        serial, obligor = serials[row], obligor_ids[row]
        others = {owner for end, owner in earlier.get(serial, []) if owner != obligor and starts[row] < end}
        if others:
            owners.setdefault(serial, set()).update(others, {obligor})
        earlier.setdefault(serial, []).append((int(ends[row]), obligor))
    return [
        Finding(detector=Detector.OWNERSHIP_OVERLAP, subject=serial, value=len(together), limit=1)
        for serial, together in sorted(owners.items())
    ]


def encoder_outside_fold(offered: Matrix, refitted: Matrix, names: Sequence[str]) -> list[Finding]:
    """Columns whose encoding (WoE, target mean, imputed value, winsor limit) is not the one that training rows alone
    give: `refitted` is the same rows encoded by what was fitted on the training rows only."""
    return _differing(Detector.ENCODER_OUTSIDE_FOLD, offered, refitted, names)


def as_known_then(offered: Matrix, recomputed: Matrix, names: Sequence[str]) -> list[Finding]:
    """Columns whose values are not those that were known at the observation time: `recomputed` is the same rows, built
    again from what had been recorded by each row's `as_of` and nothing else."""
    return _differing(Detector.AS_KNOWN_THEN, offered, recomputed, names)


def undeclared_columns(names: Sequence[str], *, declared: Collection[str]) -> list[Finding]:
    """Columns that are no declared feature: terms that an earlier score set (rate, tenor, collateral), what became of
    the loan (charge-off, balance), and whatever else nobody has answered for."""
    return [
        Finding(detector=Detector.UNDECLARED_COLUMN, subject=name, value=1, limit=0)
        for name in names
        if name not in declared
    ]


def _tree_auc(column: Matrix, defaulted: Mask, own: NDArray[np.int64]) -> float:
    scores = np.zeros(len(defaulted))
    if not 0 < defaulted.sum() < len(defaulted) or np.isnan(column).all():
        return 0.5
    for fold in range(FOLDS):
        others = own != fold
        leaves = max(20, int(others.sum()) // 100)
        tree = DecisionTreeClassifier(max_leaf_nodes=8, min_samples_leaf=leaves, random_state=0)
        chances = tree.fit(column[others], defaulted[others]).predict_proba(column[~others])
        scores[~others] = chances[:, list(tree.classes_).index(True)] if True in tree.classes_ else 0.0
    return area_under_curve(scores, defaulted).value


def _against_others(values: Matrix, as_of: Stamps, *, is_other: Mask) -> Matrix:
    """`values` in standard deviations of the other rows, less their mean at the same observation time."""
    against = np.full(len(values), np.nan)
    for instant in np.unique(as_of):
        here = as_of == instant
        others = values[here & is_other]
        if (~np.isnan(others)).any():
            against[here] = values[here] - np.nanmean(others)
    spread = float(np.nanstd(against[is_other])) if (~np.isnan(against[is_other])).any() else 0.0
    return against / spread if spread > 0 else np.full(len(values), np.nan)


def _step(path: Matrix, month: NDArray[np.int64], *, first: int) -> float:
    """The step between month `first` (since the default) and the month before it; 0 where it is within its error."""
    after, before, earlier = (
        path[(month >= first + STEP_MONTHS * back) & (month < first + STEP_MONTHS * (back + 1)) & ~np.isnan(path)]
        for back in (0, -1, -2)
    )
    if min(len(after), len(before), len(earlier)) < FEWEST_VALUES:
        return 0.0
    moved = float(before.mean() - earlier.mean())
    step = float(after.mean() - before.mean())
    error = float(np.sqrt(after.var(ddof=1) / len(after) + before.var(ddof=1) / len(before)))
    beyond = np.sign(step) * max(abs(step) - abs(moved), 0.0)
    return float(beyond) if abs(beyond) > STEP_Z * error else 0.0


def _differing(detector: Detector, offered: Matrix, other: Matrix, names: Sequence[str]) -> list[Finding]:
    """A finding for each column in which any row differs; its value is the share of rows that do."""
    differs = ~np.isclose(offered, other, rtol=SAME, atol=SAME, equal_nan=True)
    return [
        Finding(detector=detector, subject=name, value=float(differs[:, at].mean()), limit=0)
        for at, name in enumerate(names)
        if differs[:, at].any()
    ]
