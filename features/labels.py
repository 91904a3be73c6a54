"""What became of obligors after an instant: defaults within twelve months, arrears, and how long they were watched.

The default events are those of the ledger, each dated by the rule whose version it names (modelling: ninety days past
due on a material obligation, or unlikely to pay). What is told here with hindsight is a label, never a feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.observations.remembered import Observations
from data_contracts.reference.calendars import add_months
from features.machine_day.arrow import day_numbers, micros
from features.machine_day.days import MICROS_PER_DAY, to_micros

WINDOW_MONTHS = 12
REPORTING_LAG_MONTHS = 1
"""What happens in a month may be recorded up to a month later: only then is a window known to its end."""

PAST_DUE_DAYS = 90
WARNING_DAYS = 30
LIFETIME_MONTHS = 60
"""How far a life is followed, where the data reach so far: for when defaults come, not whether."""

WARNING_MONTHS = (3, 6)
"""Early warnings look for an instalment 30 days past due within so many months; for monitoring only."""

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
"""A time that never comes."""


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """How long each obligor (n) was watched after the instant: `months`, up to and with that of its first default or as
    many whole ones as are known to their end (0 where not even one is, `LIFETIME_MONTHS` at most), and whether the last
    of them ended in default."""

    months: Ints
    defaulted: Mask

    def at(self, rows: Ints) -> Lives:
        """Those of the chosen rows."""
        return Lives(self.months[rows], self.defaulted[rows])

    def within(self, months: Ints) -> Lives:
        """The same lives, watched for at most so many months each (n)."""
        return Lives(np.minimum(self.months, months), self.defaulted & (self.months <= months))


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Labels of some obligors at one instant, one of each (UTC microseconds for times, `NEVER` where there is none).

    `observed_until` is the end of the window or, where that is not yet known (`censored`), the last instant up to which
    everything is. `defaulted` says whether the first default lies in (as_of, observed_until]; `observed_months` in how
    many months of the window the obligor was watched, up to and with the month of its default. `in_default` marks
    obligors that are no longer at risk: with a default event by then, or an instalment at least ninety days past due
    as known then. `warnings` are by months: 1, 0, or -1 where the months are not over. `lives` reach beyond the window.
    """

    observed_until: int
    censored: bool
    defaulted: Mask
    default_times: Ints
    rule_versions: Sequence[str | None]
    observed_months: Ints
    in_default: Mask
    warnings: Mapping[int, NDArray[np.int8]]
    lives: Lives


class CreditLabels:
    """Default events and instalments as recorded by `known_until`."""

    def __init__(
        self, reader: Observations, *, known_until: datetime, reporting_lag_months: int = REPORTING_LAG_MONTHS
    ) -> None:
        self._known_until, self._lag = known_until, reporting_lag_months
        self._certain_until = add_months(known_until, -reporting_lag_months)
        events = reader.rows(RecordKind.DEFAULT_EVENT, as_of=known_until)
        self._first = _first_events(events)
        self._repayments = _Instalments(reader.rows(RecordKind.REPAYMENT, as_of=known_until))

    @property
    def certain_until(self) -> datetime:
        """The instant up to which everything that happened is taken to be recorded."""
        return self._certain_until

    def is_complete(self, as_of: datetime) -> bool:
        """Whether the window after `as_of` is known to its end."""
        return self._is_recorded(add_months(as_of, WINDOW_MONTHS))

    def of(self, obligor_ids: Sequence[str], *, as_of: datetime, known_then: pa.Table) -> Outcomes:
        """The outcomes of these obligors after `as_of`; `known_then` are the repayments as known at `as_of`."""
        ends = add_months(as_of, WINDOW_MONTHS)
        until = ends if self.is_complete(as_of) else min(ends, self._certain_until)
        events = [self._first.get(obligor, (NEVER, None)) for obligor in obligor_ids]
        default = np.array([instant for instant, _ in events], dtype=np.int64)
        after, end = to_micros(as_of), max(to_micros(as_of), to_micros(until))
        defaulted = (default > after) & (default <= end)
        months = np.array([to_micros(add_months(as_of, month)) for month in range(1, WINDOW_MONTHS + 1)])
        watched = int((months <= end).sum())
        return Outcomes(
            observed_until=end,
            censored=not self.is_complete(as_of),
            defaulted=defaulted,
            default_times=default,
            rule_versions=[rule if hit else None for (_, rule), hit in zip(events, defaulted.tolist(), strict=True)],
            observed_months=np.where(defaulted, np.searchsorted(months, default) + 1, watched),
            in_default=(default <= after) | _Instalments(known_then).overdue(obligor_ids, as_of=as_of),
            warnings={months: self._warning(obligor_ids, as_of, months) for months in WARNING_MONTHS},
            lives=self._lives(default, as_of),
        )

    def _lives(self, default: Ints, as_of: datetime) -> Lives:
        ends = [add_months(as_of, month) for month in range(1, LIFETIME_MONTHS + 1)]
        instants = np.array([to_micros(end) for end in ends])
        known = sum(self._is_recorded(end) for end in ends)
        months = np.searchsorted(instants, default) + 1
        return Lives(np.minimum(months, known), months <= known)

    def _is_recorded(self, until: datetime) -> bool:
        """Whether what happened by `until` is recorded by now.

        The lag is added, not taken off: a month after 31 May is 30 June, but a month before 30 June is 30 May.
        """
        return add_months(until, self._lag) <= self._known_until

    def _warning(self, obligor_ids: Sequence[str], as_of: datetime, months: int) -> NDArray[np.int8]:
        until = add_months(as_of, months)
        if not self._is_recorded(until):
            return np.full(len(obligor_ids), -1, dtype=np.int8)
        return self._repayments.fell_behind(obligor_ids, after=to_micros(as_of), until=to_micros(until)).astype(np.int8)


class _Instalments:
    """Instalments as known at an instant: when each fell due, and when it was paid (`NEVER`: not in full)."""

    def __init__(self, rows: pa.Table) -> None:
        self._obligor_ids = np.array(rows["obligor_id"].to_pylist(), dtype=np.object_)
        self._due = micros(rows["event_time"])
        in_full = rows["amount_paid_minor"].to_numpy() >= rows["amount_due_minor"].to_numpy()
        late = day_numbers(rows["paid_date"].fill_null(rows["due_date"])) - day_numbers(rows["due_date"])
        self._days_late = np.where(in_full, late, NEVER)

    def overdue(self, obligor_ids: Sequence[str], *, as_of: datetime) -> Mask:
        """The obligors with an instalment that is at least ninety days past due and not paid in full."""
        past = (self._days_late == NEVER) & (self._due + PAST_DUE_DAYS * MICROS_PER_DAY <= to_micros(as_of))
        return self._among(obligor_ids, past)

    def fell_behind(self, obligor_ids: Sequence[str], *, after: int, until: int) -> Mask:
        """The obligors with an instalment that became thirty days past due in (after, until]."""
        instant = self._due + WARNING_DAYS * MICROS_PER_DAY
        return self._among(obligor_ids, (self._days_late >= WARNING_DAYS) & (instant > after) & (instant <= until))

    def _among(self, obligor_ids: Sequence[str], rows: Mask) -> Mask:
        found = set(self._obligor_ids[rows].tolist())
        return np.array([obligor in found for obligor in obligor_ids], dtype=np.bool_)


def _first_events(events: pa.Table) -> dict[str, tuple[int, str]]:
    """Instant of each obligor's first default event, and the version of the rule that dated it. Later ones are of the
    same default: nobody is at risk again."""
    rows = zip(
        micros(events["event_time"]).tolist(),
        events["obligor_id"].to_pylist(),
        events["rule_version"].to_pylist(),
        strict=True,
    )
    first: dict[str, tuple[int, str]] = {}
    for instant, obligor, rule in sorted(rows):
        first.setdefault(obligor, (instant, rule))
    return first
