"""Folds of a table: later rows where times are known, other groups where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.errors import NotEnoughEvents
from scoring.training.features import fold_of
from scoring.training.table.reading import Stamps, Table

FEWEST_EVENTS = 5
DAYS_PER_MONTH = 365.25 / 12

MONTHS_DIFFER = np.timedelta64(2, "D")
"""A year from a month's end may be a day or two short of twelve mean months."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """Rows that are fitted on and rows that are tested on; `tested` is their span of times, where there are any."""

    train: Rows
    test: Rows
    tested: tuple[str, str] | None


def folds_of(table: Table, folds: int, *, embargo_months: int, seed: int) -> list[Fold]:
    """With times: `folds` later blocks of about equal size, each tested by what lies an embargo before it. Without:
    groups in turn.

    No group stands on both sides: where groups have several rows (firms seen month after month), a block is tested on
    its share of the groups and learnt from the others. Raises NotEnoughEvents where a side has too few of an outcome.
    """
    assert folds >= 2, "at least two folds"
    made = _by_group(table, folds, seed) if table.times is None else _by_time(table, folds, embargo_months, seed)
    for number, fold in enumerate(made, 1):
        _check(table, fold, number)
    return made


def _by_group(table: Table, folds: int, seed: int) -> list[Fold]:
    own = fold_of(table.groups, folds, seed=seed)
    return [
        Fold(train=np.flatnonzero(own != fold), test=np.flatnonzero(own == fold), tested=None) for fold in range(folds)
    ]


def _by_time(table: Table, folds: int, embargo_months: int, seed: int) -> list[Fold]:
    times = table.times
    assert times is not None
    embargo = np.timedelta64(round(embargo_months * DAYS_PER_MONTH * 86_400), "s") - MONTHS_DIFFER
    starts = _starts(np.sort(times), folds, embargo)
    ends = [*starts[1:], times.max() + np.timedelta64(1, "us")]
    groups = np.array(table.groups)
    own = fold_of(table.groups, folds, seed=seed)
    is_seen_again = len(np.unique(groups)) < len(groups)
    made = []
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        test = np.flatnonzero((times >= start) & (times < end) & (own == block if is_seen_again else True))
        before = np.flatnonzero(times + embargo <= start)
        train = before[~np.isin(groups[before], groups[test])]
        span = (str(times[test].min())[:10], str(times[test].max())[:10])
        made.append(Fold(train=train, test=test, tested=span))
    return made


def _starts(ordered: Stamps, folds: int, embargo: np.timedelta64) -> Stamps:
    """Where blocks begin: at equal shares of the rows, but never before an embargo has passed since the first row."""
    late_enough = ordered[ordered >= ordered[0] + embargo]
    if not len(late_enough):
        raise NotEnoughEvents(
            f"The rows lie between {str(ordered[0])[:10]} and {str(ordered[-1])[:10]}: no time is left for a test.",
            hint="Bring rows of at least a year later, or leave out --time.",
        )
    shares = ordered[[len(ordered) * block // (folds + 1) for block in range(1, folds + 1)]]
    return np.unique(np.maximum(shares, late_enough[0]))


def _check(table: Table, fold: Fold, number: int) -> None:
    sides: Sequence[tuple[str, Rows, int]] = (("train", fold.train, FEWEST_EVENTS), ("test", fold.test, 1))
    for name, rows, fewest in sides:
        events = int(table.outcome[rows].sum())
        if min(events, len(rows) - events) < fewest:
            raise NotEnoughEvents(
                f"Fold {number} would {name} on {len(rows)} rows with {events} events.",
                hint="Take fewer folds, or bring more rows.",
            )
