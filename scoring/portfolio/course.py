"""The book over time: what was outstanding in which stage at each month's end, and how loans rolled between stages of
arrears from one month's end to the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from scoring.monitoring.delinquency import Bucket, Stage
from scoring.portfolio.loans import Position

REPAID = "repaid"
TO = (*(bucket.value for bucket in Bucket), REPAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEnd:
    """The book at a month's end: outstanding by stage of impairment (the three add up to the whole), what is overdue,
    and the loss that is expected of those who were rated then."""

    day: date
    facilities: int
    outstanding_minor: int
    stage_minor: tuple[int, int, int]
    overdue_minor: int
    expected_loss_minor: int
    unrated_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """What was in one stage of arrears at the beginning of a month and where it stood at its end: loans and the amount
    outstanding at the beginning, over all months that were looked at. The parts of `to_minor` add up to the whole."""

    stage: str
    loans: int
    outstanding_minor: int
    to_loans: tuple[int, ...]
    to_minor: tuple[int, ...]

    @property
    def rates(self) -> tuple[float, ...]:
        """Shares of the loans, in the order of `TO`; they sum to 1."""
        return tuple(count / self.loans for count in self.to_loans)


def month_ends(as_of: date, months: int) -> list[date]:
    """The last days of the `months` months before the one after `as_of`, oldest first: `as_of` itself only where it
    is a month's last day."""
    ends, day = list[date](), as_of + timedelta(days=1)
    while len(ends) < months:
        day = day.replace(day=1) - timedelta(days=1)
        ends.append(day)
    return ends[::-1]


def at_month_end(positions: Sequence[Position]) -> MonthEnd:
    """The sums of positions of one day."""
    assert positions, "a day without a position has no line"
    held = [item for item in positions if item.outstanding_minor]
    by_stage = [sum(item.outstanding_minor for item in held if item.hint.stage is stage) for stage in Stage]
    return MonthEnd(
        day=positions[0].day,
        facilities=len(held),
        outstanding_minor=sum(item.outstanding_minor for item in held),
        stage_minor=(by_stage[0], by_stage[1], by_stage[2]),
        overdue_minor=sum(item.arrears.overdue_minor for item in held),
        expected_loss_minor=sum(item.hint.expected_loss_minor or 0 for item in held),
        unrated_minor=sum(item.outstanding_minor for item in held if item.hint.expected_loss_minor is None),
    )


def roll_rates(course: Sequence[Sequence[Position]]) -> list[Roll]:
    """Rolls between neighbouring days of `course` (positions of the same loans, day after day), by stage at the
    beginning; a stage in which nothing stood has no line. What is not outstanding any more is `repaid`."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    amounts: dict[tuple[str, str], int] = defaultdict(int)
    for before, after in pairwise(course):
        then = {item.loan.facility_id: item for item in after}
        for item in before:
            if not item.outstanding_minor:
                continue
            now = then[item.loan.facility_id]
            way = (item.arrears.bucket.value, now.arrears.bucket.value if now.outstanding_minor else REPAID)
            counts[way] += 1
            amounts[way] += item.outstanding_minor
    return [
        Roll(
            stage=bucket.value,
            loans=sum(counts[bucket.value, to] for to in TO),
            outstanding_minor=sum(amounts[bucket.value, to] for to in TO),
            to_loans=tuple(counts[bucket.value, to] for to in TO),
            to_minor=tuple(amounts[bucket.value, to] for to in TO),
        )
        for bucket in Bucket
        if any(counts[bucket.value, to] for to in TO)
    ]
